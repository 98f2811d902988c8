"""Connections read one request and end in each of the ways that a fault asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from probes.range import listener
from probes.range.connection import Connection, Request
from probes.range.listener import Listener
from probes.range.origin_pages import Page
from probes.range.visitor_limits import VisitorLimits, VisitorRules
from probes.range.zone import LANDING_ADDRESS
from test_suites.kit.processes.product import free_port


class Echo(Connection):
    """Answers with the path; resets, closes or stays silent when told."""

    def on_request(self, request: Request) -> None:
        acts: dict[str, Callable[[], None]] = {
            "/reset": self.reset,
            "/eof": self.close,
            "/abort": self.abort,
            "/silent": lambda: None,
        }
        page = Page(status=200, body=request.path.encode(), headers=(("X-One", "two"),))
        acts.get(request.path, lambda: self.answer(page, bodiless=request.method == "HEAD"))()


async def said(port: int, *parts: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await reader.read()
    finally:
        writer.close()


async def test_one_request_gets_one_answer_and_the_end() -> None:
    async with Listener(Echo) as listener:
        answer = await said(listener.port, b"GET /hello HTTP/1.1\r\n", b"Host: a.test\r\n\r\n")

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: 6" in head
    assert b"X-One: two" in head
    assert b"Connection: close" in head
    assert body == b"/hello"


async def test_a_head_request_gets_no_body_and_the_length() -> None:
    async with Listener(Echo) as listener:
        answer = await said(listener.port, b"HEAD /hello HTTP/1.0\r\n\r\n")

    assert b"Content-Length: 6" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_an_unreadable_request_is_told_why() -> None:
    async with Listener(Echo) as listener:
        answer = await said(listener.port, b"what is this\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    assert b"illegal request line" in answer


async def test_a_second_request_on_one_connection_is_ignored() -> None:
    async with Listener(Echo) as listener:
        answer = await said(listener.port, b"GET /a HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n")

    assert answer.count(b"HTTP/1.1") == 1


class Keeping(Echo):
    """Keeps the connection after each answer."""

    def on_request(self, request: Request) -> None:
        self.answer(Page(status=200, body=request.path.encode(), keeps=True))
        self.read_next(request.rest)


@pytest.mark.parametrize(
    ("burst", "statuses"),
    [(9, [b"200"] * 4), (2, [b"200", b"200", b"429"]), (1, [b"200", b"429"])],
)
async def test_each_request_on_a_kept_connection_counts(burst: int, statuses: list[bytes]) -> None:
    rules = VisitorRules(burst=burst, per_second=0.001)
    limits = VisitorLimits(rules=rules, now=lambda: 0.0)
    async with Listener(lambda: Keeping(limits=limits)) as listener:
        asked = b"".join(b"GET /%d HTTP/1.1\r\nHost: a.test\r\n\r\n" % one for one in range(4))
        answer = await said(listener.port, asked, b"GET bad\r\n\r\n")

    assert [part[1:4] for part in answer.split(b"HTTP/1.1")[1:]][: len(statuses)] == statuses
    assert (b"429" in statuses) or answer.split(b"HTTP/1.1")[-1].startswith(b" 400")


async def test_a_second_request_does_not_break_the_silence_of_the_first() -> None:
    async with Listener(Echo) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"GET /silent HTTP/1.0\r\n\r\n")
        await writer.drain()
        writer.write(b"GET /hello HTTP/1.0\r\n\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reader.read(1)
        writer.close()


async def test_reset_and_end_of_file_are_told_apart() -> None:
    async with Listener(Echo) as listener:
        assert await said(listener.port, b"GET /eof HTTP/1.0\r\n\r\n") == b""
        assert await said(listener.port, b"GET /abort HTTP/1.0\r\n\r\n") == b""
        with pytest.raises(ConnectionResetError):
            await said(listener.port, b"GET /reset HTTP/1.0\r\n\r\n")


async def test_a_silent_connection_ends_with_its_listener() -> None:
    async with Listener(Echo) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"GET /silent HTTP/1.0\r\n\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reader.read()

    assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", listener.port)


async def test_what_to_do_with_a_request_must_be_said() -> None:
    with pytest.raises(NotImplementedError):
        Connection().on_request(Request(method="GET", target="/", headers={}, lines=()))


async def test_a_port_that_is_chosen_is_free_at_every_address_of_a_range(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A range listens by one number at several addresses; one taken anywhere is not chosen."""
    first, second = free_port(LANDING_ADDRESS), free_port()
    numbers = iter([first, first, second])
    monkeypatch.setattr(listener._numbers, "randrange", lambda *_: next(numbers))
    async with Listener(Echo, LANDING_ADDRESS) as taken, Listener(Echo) as other:
        assert (taken.port, other.port) == (first, second)
        async with Listener(Echo, LANDING_ADDRESS, other.port) as same:
            assert same.port == other.port
