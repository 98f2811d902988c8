"""The second client: it goes on where a pupil's browser would, over the line it is given."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import brotli
import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.ports.network import Attempt, Line
from harness.untrusted.zstandard_frames import zstd
from probes.clients import second_client
from probes.clients.second_client import MAX_DEPTH, MAX_REQUESTS, SecondClient, referer_for
from probes.net.local_binding import open_socket
from probes.range.testbed import RangeTestbed
from test_suites.unit.probes.clients.visited import (
    DENIED,
    HOST,
    ITEM,
    KEY,
    MARKER,
    ORIGIN,
    PAGE,
    Answer,
    Direct,
    canary,
    page_at,
    served,
    visit,
)

MIB = 1024 * 1024


async def test_a_page_that_comes_is_seen_at_once() -> None:
    async with served(lambda path, head: PAGE) as (line, paths):
        seen = await visit(line)

    assert isinstance(seen.facts, WebFacts)
    assert ("seen", "Ours", 200) == (seen.facts.canary, seen.facts.title, seen.facts.status)
    assert ["/"] == paths


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
async def test_a_coded_page_is_decoded_within_the_limit(coding: str) -> None:
    packs: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "br": partial(brotli.compress, quality=1),
    }
    pack = packs.get(coding, zstd.compress)
    bomb = pack(b"<p>Blocked" + bytes(96 * MIB))
    pages = {"/": pack(PAGE.encode())}
    head = f"200 OK\r\nContent-Encoding: {coding}"
    async with served(lambda path, _: (head, pages.get(path, bomb))) as (line, _):
        seen = await visit(line)
        tracemalloc.start()
        try:
            other = await visit(line, f"http://{HOST}/bomb", body_bytes=MIB, redirects=0)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert isinstance(seen.facts, WebFacts)
    assert isinstance(other.facts, WebFacts)
    assert seen.facts.title == "Ours"
    assert other.facts.body_length == MIB
    assert peak < 64 * MIB


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
    assert ["/", "/logo.png", "/style.css", "/go?a=1", "/more"] == paths[:5]
    assert "/" == paths[-1]


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


async def test_the_page_of_a_redirect_is_shown_to_nobody() -> None:
    """Such as the redirect of a site that leads to a blocked page."""

    def leading(path: str, head: str) -> str | tuple[str, str]:
        return ("302 Found\r\nLocation: /there", PAGE) if path == "/" else DENIED

    assert "absent" == await canary(leading)


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

    assert "absent" == await canary(lambda path, head: answer if path == "/" else page_at(path))


@pytest.mark.parametrize("shown", [PAGE, "the page at /"])
async def test_the_items_page_at_another_path_of_the_host_is_delivery(shown: str) -> None:
    answer, copy = f'{DENIED}<a href="/home">home</a>', shown.replace("the page at /", page_at("/"))

    assert "seen" == await canary(lambda path, head: answer if path == "/" else copy)


async def test_without_an_origin_another_path_is_no_delivery() -> None:
    answer = f'{DENIED}<a href="/home">home</a>'
    async with served(lambda path, head: answer if path == "/" else PAGE) as (line, _):
        cast("Any", line).origin = None
        seen = await visit(line)

    assert isinstance(seen.facts, WebFacts)
    assert "absent" == seen.facts.canary


async def test_a_copy_of_the_items_page_at_another_host_is_delivery() -> None:
    answer = f'{DENIED}<a href="http://mirror.test/copy">Continue</a>'
    words = " ".join((*ORIGIN.words(HOST, "", "host"), *ORIGIN.path_words(HOST, "/copy")))

    assert "seen" == await canary(lambda path, head: words if path == "/copy" else answer)


async def test_links_of_a_block_page_to_other_hosts_are_no_delivery() -> None:
    answer = (
        f'{DENIED}<a href="http://help.test/help">Help</a><a href="http://filter.test/">We</a>'
        f'<form method="post" action="http://filter.test/appeal"><input name="why"></form>'
    )
    other = page_at("/", "other.canary.accredit.test")
    asked: list[str] = []

    def supplier(path: str, head: str) -> str:
        asked.append(head.partition(" HTTP")[0])
        return answer if f"Host: {HOST}" in head else other

    assert "absent" == await canary(supplier)
    assert ["GET /", "GET /help", "GET /", "GET /"] == asked


async def test_other_hosts_are_asked_for_our_own_items_alone() -> None:
    answer = f'{DENIED}<a href="http://other.test/away">Away</a><a href="/near">Near</a>'
    async with served(lambda path, head: answer) as (line, paths):
        given = Limits(timeout=20.0)
        attempt = Attempt(key=KEY, item=ITEM, limits=given, timeout=20.0)
        await SecondClient().visit(attempt, f"http://{HOST}/", line)

    assert ["/", "/near", "/"] == paths


def after(number: int) -> Answer:
    """The item's page behind so many links, one after the other."""

    def answer(path: str, head: str) -> str:
        step = int(path.partition("n=")[2] or 0)
        return PAGE if step == number else f'{DENIED}<a href="/?n={step + 1}">on</a>'

    return answer


@pytest.mark.parametrize(
    ("number", "seen"), [(1, "seen"), (MAX_DEPTH, "seen"), (MAX_DEPTH + 1, "absent")]
)
async def test_links_are_followed_one_after_the_other(number: int, seen: str) -> None:
    assert seen == await canary(after(number))


async def test_a_page_with_many_links_is_followed_for_so_many_requests() -> None:
    links = "".join(f'<a href="/?n={number}">{number}</a>' for number in range(3 * MAX_REQUESTS))
    async with served(lambda path, head: f"{DENIED}{links}") as (line, paths):
        await visit(line)

    assert MAX_REQUESTS + 1 == len(paths)
    assert "/" == paths[-1]


async def test_what_was_asked_for_is_not_asked_for_again_from_a_later_page() -> None:
    answer = f'{DENIED}<a href="/one">1</a><a href="/two">2</a><a href="/two">2</a>'
    async with served(lambda path, head: answer) as (line, paths):
        await visit(line)

    assert ["/", "/one", "/two", "/"] == paths


async def test_where_half_of_the_time_is_over_the_page_is_loaded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter([0.0, 59.0, 60.0])
    monkeypatch.setattr("probes.clients.second_client.perf_counter", lambda: next(now, 61.0))
    answer = f'{DENIED}<a href="/one">1</a><a href="/two">2</a>'
    async with served(lambda path, head: answer) as (line, paths):
        await visit(line, confirmation_timeout=15.0)

    assert ["/", "/one", "/"] == paths


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


async def test_connections_are_closed_though_the_server_does_not_answer_the_end_of_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The range speaks HTTP/2, as most websites do."""
    opened: list[socket.socket] = []

    def noting(*options: Any) -> socket.socket:
        opened.append(open_socket(*options))
        return opened[-1]

    monkeypatch.setattr(second_client, "open_socket", noting)
    with RangeTestbed.running(tmp_path, profiles=("pupils",)) as world:
        trust = ssl.create_default_context(cafile=world.origin.authority)
        line = cast("Line", Direct(world.origin.ports[443], trust))
        async with asyncio.timeout(20):
            seen = await visit(line, f"https://{HOST}/")
        await asyncio.sleep(0)  # a transport closes its socket in the loop's next iteration
        open_still = [one for one in opened if one.fileno() >= 0]

    assert isinstance(seen.facts, WebFacts)
    assert opened
    assert open_still == []


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
