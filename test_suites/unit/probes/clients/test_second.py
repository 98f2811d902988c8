"""The second client: it goes on where a pupil's browser would, over the line it is given."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.marker import mark
from harness.model.observation import AttemptKey, WebFacts
from harness.ports.asking import Attempt, Line, Origin, Sighting
from probes.clients.second import SecondClient, referer_for
from probes.net.address import Address
from probes.net.client_way import ClientWay

ORIGIN = Origin(zone="accredit.test", resolver="r", ports={}, authority="a", key=b"k" * 32)
HOST = "drug-001.canary.accredit.test"
ITEM = Item(id="i", value=HOST, labels=("DRUG",))
KEY = AttemptKey(campaign="c", item="i", probe="web", line="a", profile="ks2")
MARKER = mark(ORIGIN.key, KEY, HOST)
PAGE = f"<title>Ours</title>{MARKER.token}"
DENIED = "<title>Blocked</title>"

Answer = Callable[[str, str], str | tuple[str, str]]
"""Gives a body (or a head line with fields, and a body) for a path and what was sent."""


class Direct:
    """A line to one port of this machine."""

    name = "a"
    origin = ORIGIN

    def __init__(self, port: int) -> None:
        self._port = port

    def client_way(self) -> ClientWay:
        return ClientWay(find=self._find, trust=ssl.create_default_context())

    async def _find(self, host: str, port: int, patience: float) -> Address:
        del host, port, patience
        return Address(host="127.0.0.1", port=self._port)


@asynccontextmanager
async def served(answer: Answer) -> AsyncIterator[tuple[Line, list[str]]]:
    paths: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ", 2)[1]
        length = re.search(r"(?i)content-length: (\d+)", head)
        head += (await reader.readexactly(int(length[1]))).decode() if length else ""
        paths.append(path)
        said = answer(path, head)
        first, body = said if isinstance(said, tuple) else ("200 OK", said)
        fields = f"Content-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close"
        writer.write(f"HTTP/1.1 {first}\r\n{fields}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield cast("Line", Direct(server.sockets[0].getsockname()[1])), paths


async def visit(line: Line, url: str = f"http://{HOST}/", **limits: Any) -> Sighting:
    given = Limits.model_validate({"timeout": 20.0, **limits})
    attempt = Attempt(key=KEY, item=ITEM, limits=given, timeout=given.timeout, marker=MARKER)
    return await SecondClient().visit(attempt, url, line)


async def canary(answer: Answer) -> str:
    async with served(answer) as (line, _):
        seen = await visit(line)
    assert isinstance(seen.facts, WebFacts)
    return seen.facts.canary


async def test_a_page_that_comes_is_seen_at_once() -> None:
    async with served(lambda path, head: PAGE) as (line, paths):
        seen = await visit(line)

    assert isinstance(seen.facts, WebFacts)
    assert ("seen", "Ours", 200) == (seen.facts.canary, seen.facts.title, seen.facts.status)
    assert ["/"] == paths


async def test_a_block_is_a_block_after_everything_was_tried() -> None:
    page = (
        f'{DENIED}<img src="/logo.png"><link rel="stylesheet" href="/style.css">'
        '<a href="/more">more</a><a href="http://elsewhere.test/">away</a>'
        '<form action="/go"><input name="a" value="1"></form>'
    )
    async with served(lambda path, head: page) as (line, paths):
        seen = await visit(line)

    assert isinstance(seen.facts, WebFacts)
    assert "absent" == seen.facts.canary
    assert ["/", "/logo.png", "/style.css", "/go?a=1", "/more", "/"] == paths


async def test_a_reload_is_made() -> None:
    shown: list[str] = []

    def once(path: str, head: str) -> str:
        shown.append(path)
        return DENIED if len(shown) == 1 else PAGE

    assert "seen" == await canary(once)


def continued(path: str, head: str) -> str | tuple[str, str]:
    if "ok=1" in path:
        return "302 Found\r\nSet-Cookie: ok=yes; Path=/\r\nLocation: /", ""
    return PAGE if "ok=yes" in head else FORM


FORM = f'{DENIED}<form action="/"><input type="hidden" name="ok" value="1"></form>'


async def test_a_form_that_asks_to_continue_is_sent_and_cookies_are_kept() -> None:
    assert "seen" == await canary(continued)


POSTED = FORM.replace("<form", '<form method="Post"')


async def test_a_form_is_sent_by_post_where_it_asks_for_it() -> None:
    def agreed(path: str, head: str) -> str:
        is_sent = head.startswith("POST / ") and head.endswith("\r\n\r\nok=1")
        return PAGE if is_sent and "x-www-form-urlencoded" in head else POSTED

    assert "seen" == await canary(agreed)


@pytest.mark.parametrize(("code", "methods"), [(302, ["POST", "GET"]), (307, ["POST", "POST"])])
async def test_a_redirect_of_a_form_is_followed_as_browsers_do(
    code: int, methods: list[str]
) -> None:
    asked: list[str] = []

    def moving(path: str, head: str) -> str | tuple[str, str]:
        if head.startswith("POST / "):
            asked.append("POST")
            return f"{code} Moved\r\nLocation: /there", ""
        if path == "/there":
            asked.append(head.partition(" ")[0])
        return POSTED

    assert "absent" == await canary(moving)
    assert methods == asked


async def test_a_password_is_never_sent() -> None:
    sent: list[str] = []

    def login(path: str, head: str) -> str:
        sent.append(head.partition(" ")[0])
        return POSTED.replace("hidden", "password")

    assert "absent" == await canary(login)
    assert {"GET"} == set(sent)


async def test_a_meta_refresh_is_followed() -> None:
    refresh = '<meta http-equiv="refresh" content="0; url=/?again=1">'

    assert "seen" == await canary(lambda path, head: PAGE if "again" in path else refresh)


async def test_the_token_in_another_page_of_the_host_is_no_delivery() -> None:
    answer = f'{DENIED}<img src="/favicon.ico"><a href="/home">home</a>'

    assert "absent" == await canary(lambda path, head: answer if path == "/" else PAGE)


async def test_trouble_is_a_fact() -> None:
    async with served(lambda path, head: ("200 OK\r\nContent-Length: x", "")) as (line, _):
        seen = await visit(line)

    assert seen.failure is not None
    assert not seen.failure.is_instrument


async def test_silence_is_a_fact() -> None:
    async def hush(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hush, "127.0.0.1", 0) as server:
        line = cast("Line", Direct(server.sockets[0].getsockname()[1]))
        seen = await visit(line, timeout=0.05)

    assert seen.failure is not None
    assert "generic_timeout_error" == seen.failure.name


async def test_a_line_that_httpx_cannot_use_is_told() -> None:
    class Other:
        name = "odd"

    line = cast("Line", Other())
    seen = await visit(line)

    assert not SecondClient().can_use(line)
    assert seen.failure is not None
    assert seen.failure.is_instrument
    assert "cannot use line 'odd'" in seen.failure.detail


@pytest.mark.parametrize("sensitivity", ["S3", "S4"])
async def test_nothing_of_the_most_harmful_pages_is_kept(sensitivity: Any) -> None:
    item = Item(id="i", value=HOST, labels=("X",), sensitivity=sensitivity)
    async with served(lambda path, head: PAGE) as (line, _):
        given = Limits(timeout=20.0)
        attempt = Attempt(key=KEY, item=item, limits=given, timeout=20.0, marker=MARKER)
        seen = await SecondClient().visit(attempt, f"http://{HOST}/", line)

    assert isinstance(seen.facts, WebFacts)
    assert ("", "") == (seen.facts.title, seen.facts.text)


async def test_links_and_what_a_page_needs_are_asked_for_with_the_page_that_led_there() -> None:
    told: dict[str, str] = {}

    def answer(path: str, head: str) -> str:
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        told.setdefault(path, fields.get("Referer", ""))
        if path == "/" and "Referer" in fields:
            return PAGE
        return f'{DENIED}<img src="/a.png"><a href="/">Back</a>'

    assert await canary(answer) == "seen"
    assert {"/": "", "/a.png": f"http://{HOST}/"} == told


@pytest.mark.parametrize(
    ("url", "page", "referer"),
    [
        ("https://a.test/x", "https://a.test/y?z=1#part", "https://a.test/y?z=1"),
        ("https://b.test/", "https://a.test/y?z=1", "https://a.test/"),
        ("https://a.test/", "http://a.test/y", "http://a.test/"),
        ("http://a.test/", "https://a.test/y", ""),
        ("http://a.test/", "", ""),
    ],
)
def test_no_more_is_said_of_the_page_than_a_browser_says(url: str, page: str, referer: str) -> None:
    assert referer == referer_for(url, page)
