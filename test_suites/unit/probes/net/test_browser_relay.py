"""The relay opens a browser's connections over the line of its visit, and for nobody else."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import pytest

import probes.net.browser_relay as module
from harness.model.observation import Failure, Timings
from harness.ports.streams import ByteStream, Dialled, DialRequest
from probes.net.browser_relay import ADDRESS, BrowserRelay, VisitConnections
from probes.net.route import Address

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SITE = Address(host="a.example", port=80)


class Stream:
    """A far end that gives its answers one after the other, then closes; an error is raised."""

    def __init__(self, *answers: bytes | OSError, waits: bool = False) -> None:
        self._answers = list(answers)
        self._waits = waits
        self.sent = bytearray()
        self.arrived = asyncio.Event()
        self.is_closed = asyncio.Event()

    async def write(self, data: bytes) -> None:
        self.sent += data
        self.arrived.set()

    async def read(self) -> bytes:
        if self._waits:
            await self.arrived.wait()
        if not self._answers:
            return b""
        answer = self._answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    async def start_tls(self, trust: Any, host: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.is_closed.set()


@dataclass
class Dialler:
    """Gives one stream, or a failure, and notes what was asked for."""

    stream: Stream | None = None
    more: dict[str, Any] = field(default_factory=dict)
    asked: list[DialRequest] = field(default_factory=list)

    async def __call__(self, request: DialRequest) -> Dialled[ByteStream]:
        self.asked.append(request)
        return Dialled(timings=Timings(), opened=self.stream, **self.more)


@pytest.fixture
async def relay() -> AsyncIterator[BrowserRelay]:
    async with BrowserRelay() as opened:
        yield opened


def visit(dial: Dialler, **more: Any) -> VisitConnections:
    return VisitConnections(dial=dial, deadline=perf_counter() + 60, **more)


async def said(relay: BrowserRelay, *heads: str, of: VisitConnections | None = None) -> bytes:
    """What comes back for some heads, sent at once on one connection."""
    signed = ""
    if of is not None:
        secret = base64.b64encode(f"{of.username}:{of.password}".encode()).decode()
        signed = f"Proxy-Authorization: Basic {secret}\r\n"
    reader, writer = await asyncio.open_connection(ADDRESS, relay.port)
    writer.write("".join(f"{head}\r\n{signed}\r\n" for head in heads).encode())
    try:
        return await reader.read()
    finally:
        writer.close()


GET = "GET http://a.example/ HTTP/1.1\r\nHost: a.example"
TUNNEL = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nUser-Agent: B"


async def test_without_credentials_nothing_is_dialled(relay: BrowserRelay) -> None:
    dial = Dialler(Stream(ANSWER))
    known = visit(dial)
    relay.admit(known)
    stranger = VisitConnections(dial=dial, deadline=0, username=known.username)

    for head in (GET, TUNNEL):
        for of in (None, stranger):
            answer = await said(relay, head, of=of)
            assert answer.startswith(b"HTTP/1.1 407 ")
            assert b"\r\nProxy-Connection: close\r\n" in answer
    relay.dismiss(known)
    assert (await said(relay, GET, of=known)).startswith(b"HTTP/1.1 407 ")
    assert dial.asked == []


async def test_it_listens_on_loopback_alone(relay: BrowserRelay) -> None:
    assert {each.getsockname()[0] for each in relay._server.sockets} == {"127.0.0.1"}
    assert relay.url == f"http://127.0.0.1:{relay.port}"


async def test_a_request_goes_to_a_server_as_if_no_relay_were_there(relay: BrowserRelay) -> None:
    stream = Stream(ANSWER, waits=True)
    dial = Dialler(stream)
    connections = visit(dial, addresses={"a.example": "192.0.2.1"}, may_lead=True)
    relay.admit(connections)

    assert await said(relay, GET, of=connections) == ANSWER
    assert bytes(stream.sent) == b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
    (asked,) = dial.asked
    assert (asked.host, asked.port, asked.plain, asked.secure) == ("a.example", 80, True, False)
    assert (asked.address, asked.may_lead) == ("192.0.2.1", True)
    assert 0 < asked.timeout <= 60
    assert connections.failure_at(SITE) is None
    await stream.is_closed.wait()


async def test_a_proxy_of_the_line_gets_the_absolute_form(relay: BrowserRelay) -> None:
    stream = Stream(ANSWER, waits=True)
    connections = visit(Dialler(stream, {"is_proxied": True, "authorization": "Basic own"}))
    relay.admit(connections)

    await said(relay, GET, of=connections)

    assert bytes(stream.sent) == (
        b"GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nProxy-Authorization: Basic own\r\n\r\n"
    )


async def test_further_requests_and_bodies_go_over_the_same_connection(
    relay: BrowserRelay,
) -> None:
    stream = Stream(waits=True)
    connections = visit(Dialler(stream))
    relay.admit(connections)
    stream.arrived = asyncio.Event()
    never = asyncio.Event()
    stream.read = never.wait  # type: ignore[method-assign,assignment]  # it never answers
    secret = base64.b64encode(f"{connections.username}:{connections.password}".encode()).decode()
    signed = f"Proxy-Authorization: Basic {secret}\r\n\r\n"
    body = "a=b\r\n\r\nGET"

    reader, writer = await asyncio.open_connection(ADDRESS, relay.port)
    post = f"POST http://a.example/ HTTP/1.1\r\nContent-Length: {len(body)}\r\n{signed}{body}"
    other = f"GET http://b.example/ HTTP/1.1\r\n{signed}"
    writer.write(f"{post}{GET}\r\n{signed}{other}".encode())

    assert await reader.read() == b""
    writer.close()
    assert (
        bytes(stream.sent)
        == (
            f"POST / HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
        ).encode()
    )
    assert stream.is_closed.is_set()


async def test_a_tunnel_carries_bytes_as_they_are(relay: BrowserRelay) -> None:
    stream = Stream(b"\x16\x03\x03", b"more")
    dial = Dialler(stream)
    connections = visit(dial)
    relay.admit(connections)

    answer = await said(relay, TUNNEL, of=connections)

    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\n\x16\x03\x03more"
    assert dial.asked[0].plain is False
    assert dial.asked[0].tunnel_headers == (("Host", ""), ("User-Agent", "B"))


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"tunnel_status": 403, "body": b"<h1>No"}, b"403"),
        ({"tunnel_status": 407}, b"502"),
        ({"tunnel_status": 200}, b"502"),
        ({}, b"502"),
    ],
)
async def test_a_tunnel_that_is_not_opened_is_refused(
    relay: BrowserRelay, more: dict[str, Any], status: bytes
) -> None:
    failure = Failure(name="proxy_refused_tunnel", stage="tunnel")
    connections = visit(Dialler(None, {"failure": failure, **more}))
    relay.admit(connections)

    answer = await said(relay, TUNNEL, of=connections)

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.endswith(more.get("body", b"\r\n\r\n"))
    assert connections.failure_at(Address(host="a.example", port=443)) == failure


async def test_a_request_that_reaches_nobody_gets_no_answer(relay: BrowserRelay) -> None:
    failure = Failure(name="connection_refused", stage="connect")
    connections = visit(Dialler(None, {"failure": failure}))
    relay.admit(connections)

    assert await said(relay, GET, of=connections) == b""
    assert connections.failure_at(SITE) == failure


async def test_a_connection_that_is_cut_is_cut_towards_the_browser(relay: BrowserRelay) -> None:
    connections = visit(Dialler(Stream(ConnectionResetError(104, "reset"), waits=True)))
    relay.admit(connections)

    with pytest.raises(ConnectionResetError):
        await said(relay, GET, of=connections)
    failure = connections.failure_at(SITE)
    assert failure is not None
    assert (failure.name, failure.stage) == ("connection_reset", "response")


@pytest.mark.parametrize(("head", "port", "stage"), [(GET, 80, "response"), (TUNNEL, 443, "tls")])
async def test_a_far_end_that_says_nothing_has_ended_the_connection(
    relay: BrowserRelay, head: str, port: int, stage: str
) -> None:
    connections = visit(Dialler(Stream(waits=head == GET)))
    relay.admit(connections)
    await said(relay, head, of=connections)

    failure = connections.failure_at(Address(host="a.example", port=port))
    assert failure is not None
    assert (failure.name, failure.stage) == ("eof_error", stage)


async def test_a_page_in_the_place_of_a_handshake_is_noticed(relay: BrowserRelay) -> None:
    connections = visit(Dialler(Stream(ANSWER)))
    relay.admit(connections)
    await said(relay, TUNNEL, of=connections)

    failure = connections.failure_at(Address(host="a.example", port=443))
    assert failure is not None
    assert failure.name == "ssl_failed_handshake"
    assert failure.detail.startswith("wrong version")


async def test_a_visit_that_brings_too_much_is_cut(
    relay: BrowserRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    connections = visit(Dialler(Stream(b"x" * 6, b"x" * 6, waits=True)))
    relay.admit(connections)

    with pytest.raises(ConnectionResetError):
        await said(relay, GET, of=connections)
    assert connections.received == 12


@pytest.mark.parametrize("head", ["no request", "x" * 70_000])
async def test_what_is_no_request_is_ended(relay: BrowserRelay, head: str) -> None:
    with suppress(ConnectionError):  # it may not have read all of it
        assert await said(relay, head) == b""


async def test_its_end_ends_all_connections() -> None:
    stream = Stream()
    never = asyncio.Event()
    stream.read = never.wait  # type: ignore[method-assign,assignment]  # it never answers
    async with BrowserRelay() as relay:
        connections = visit(Dialler(stream))
        relay.admit(connections)
        waiting = asyncio.create_task(said(relay, GET, of=connections))
        await stream.arrived.wait()
    assert await waiting == b""
    assert stream.is_closed.is_set()
