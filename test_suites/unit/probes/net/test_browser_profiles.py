"""Profiles of browsers: on the bytes that a server receives, over both lanes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.observation import AttemptKey, Timings
from harness.ports.network import Attempt, Exchange, Line, Request
from probes.kinds.web import Web
from probes.net.browser_profiles import PROFILES, BrowserProfile, profile_for
from probes.net.content_coding import decode
from probes.net.route import Proxy
from probes.net.url_target import parse_url_target

HOST = "a.accredit.test"
EACH = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

CHROME_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/152.0.0.0 Safari/537.36"
)
CHROME_ACCEPTS = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
    "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)
CHROME_HTTPS = (
    "Host: a.accredit.test",
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="152", "Not?A_Brand";v="24", "Google Chrome";v="152"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Windows"',
    "Upgrade-Insecure-Requests: 1",
    f"User-Agent: {CHROME_AGENT}",
    f"Accept: {CHROME_ACCEPTS}",
    "Sec-Fetch-Site: none",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-User: ?1",
    "Sec-Fetch-Dest: document",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en-US;q=0.9,en;q=0.8",
    "Cookie: a=b",
)
FIREFOX_HTTP = (
    "Host: a.accredit.test",
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:155.0) Gecko/20100101 Firefox/155.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language: en-GB,en;q=0.9",
    "Accept-Encoding: gzip, deflate",
    "Connection: keep-alive",
    "Cookie: a=b",
    "Upgrade-Insecure-Requests: 1",
    "Priority: u=0, i",
)


def named(name: str) -> BrowserProfile:
    return next(profile for profile in PROFILES if profile.name == name)


def hearing(heard: list[str], then: str = "HTTP/1.1 204 No Content\r\n\r\n") -> Play:
    """A server that keeps what it hears, and leaves the connection open as browsers ask."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(then.encode())
        await writer.drain()
        await reader.read()

    return play


@EACH
async def test_both_lanes_send_a_profile_as_it_is(
    profile: BrowserProfile, fetch: Any, serve: Any
) -> None:
    heard: list[str] = []
    sent = profile.headers("http", cookie="a=b", more=(("X-Id", "1"),))
    exchange = await fetch(f"http://{HOST}/", await serve(hearing(heard)), headers=sent.direct)

    assert exchange.status == 204
    lines = [f"{name}: {value}" for name, value in (("Host", HOST), *sent.direct)]
    assert heard == ["\r\n".join(("GET / HTTP/1.1", *lines, "", ""))]


@EACH
async def test_both_lanes_send_the_headers_of_a_handed_on_request(
    profile: BrowserProfile, fetch: Any, serve: Any
) -> None:
    heard: list[str] = []
    sent = profile.headers("http")
    port = await serve(hearing(heard))
    await fetch(
        f"http://{HOST}/",
        port,
        headers=sent.direct,
        proxied_headers=sent.proxied,
        proxy=Proxy(),
    )

    lines = [f"{name}: {value}" for name, value in (("Host", HOST), *sent.proxied)]
    assert heard == ["\r\n".join((f"GET http://{HOST}/ HTTP/1.1", *lines, "", ""))]
    assert ("Proxy-Connection" in heard[0]) == profile.name.startswith(("chrome", "edge"))


@EACH
async def test_both_lanes_ask_for_tunnels_as_the_browser_does(
    profile: BrowserProfile, fetch: Any, serve: Any
) -> None:
    heard: list[str] = []
    sent = profile.headers("https")
    refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    port = await serve(hearing(heard, refusal))
    await fetch(f"https://{HOST}/", port, tunnel_headers=sent.tunnel, proxy=Proxy())

    far = str(parse_url_target(f"https://{HOST}/").endpoint)
    lines = [f"{name}: {value or far}" for name, value in sent.tunnel]
    assert heard == ["\r\n".join((f"CONNECT {far} HTTP/1.1", *lines, "", ""))]
    assert "User-Agent: Mozilla/5.0 " in heard[0]


def test_chrome_over_https_and_firefox_over_http() -> None:
    chrome = named("chrome-152-windows").headers("https", cookie="a=b").direct
    firefox = named("firefox-155-windows").headers("http", cookie="a=b").direct

    assert [f"{name}: {value}" for name, value in chrome] == [*CHROME_HTTPS[1:]]
    assert [f"{name}: {value}" for name, value in firefox] == [*FIREFOX_HTTP[1:]]


@EACH
def test_every_coding_that_is_accepted_can_be_undone(profile: BrowserProfile) -> None:
    for scheme in ("http", "https"):
        accepted = dict(profile.headers(scheme).direct)["Accept-Encoding"].split(", ")
        for coding in accepted:
            assert decode(b"no such coding", coding, 1000).undecoded in ("", coding)
        assert set(accepted) <= {"gzip", "deflate", "br", "zstd"}


@EACH
def test_plain_http_has_no_headers_of_secure_pages(profile: BrowserProfile) -> None:
    plain = {name.lower() for name, _ in profile.headers("http").direct}
    secure = {name.lower() for name, _ in profile.headers("https").direct}

    assert not [name for name in plain if name.startswith("sec-")]
    assert {"sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"} <= secure
    assert ("sec-ch-ua" in secure) == profile.name.startswith(("chrome", "edge"))


@EACH
def test_nothing_in_a_profile_names_the_test(profile: BrowserProfile) -> None:
    sent = profile.headers("https")

    assert "accredit" not in str((sent.direct, sent.proxied, sent.tunnel)).lower()
    assert "cookie" not in str(sent).lower()


def test_numbers_choose_among_all() -> None:
    assert {profile_for(number).name for number in range(100)} == {each.name for each in PROFILES}
    assert profile_for(0) is not profile_for(1)


class Moves:
    """A line on which the page over HTTP leads to that over HTTPS."""

    origin = None

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def fetch(self, request: Request) -> Exchange:
        self.requests.append(request)
        if request.url.startswith("https"):
            return Exchange(timings=Timings(total=0.1), status=200)
        headers = (("location", f"https://{HOST}/"),)
        return Exchange(timings=Timings(total=0.1), status=301, headers=headers)


@pytest.mark.parametrize("number", range(len(PROFILES)))
async def test_the_web_probe_sends_and_notes_the_browser_of_the_attempt(number: int) -> None:
    key = AttemptKey(campaign="c", item="a", probe="web", line="proxy", profile="ks2")
    item = Item(id="a", value=HOST, labels=("GAMB",))
    attempt = Attempt(key=key, item=item, limits=Limits(), timeout=2.0, browser=number)
    line = Moves()
    seen = (await Web().try_item(attempt, cast("Line", line))).facts

    assert isinstance(seen, WebFacts)
    assert seen.browser == PROFILES[number].name
    for request, scheme in zip(line.requests, ("http", "https"), strict=True):
        expected = PROFILES[number].headers(scheme)
        sent = (request.headers, request.proxied_headers, request.tunnel_headers)
        assert sent == (expected.direct, expected.proxied, expected.tunnel)
