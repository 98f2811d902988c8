"""The explicit proxy line: everything goes to the proxy, and the proxy's absence is no block."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.plugins import LINES
from harness.ports.list_program import Connection
from harness.ports.network import Question, Request
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.net.backend import BACKENDS
from probes.range.authority import Authority
from probes.range.testbed import RangeTestbed

BLOCKED = "copper-meadow.accredit.test"
ALLOWED = "amber-lantern.accredit.test"


def line(proxy: str, **options: Any) -> ExplicitProxy:
    return ExplicitProxy("web", ExplicitProxyOptions(proxy=proxy, **options), None, Limits())


async def test_the_filter_is_in_the_way(tmp_path: Path) -> None:
    async with RangeTestbed(tmp_path) as world:
        proxy = world.origin.services["reference"]["proxy"]["ks2"]
        options = ExplicitProxyOptions(proxy=proxy)
        async with ExplicitProxy("web", options, world.origin, Limits()) as opened:
            plain = await opened.fetch(Request(url=f"http://{BLOCKED}/"))
            tunnel = await opened.fetch(Request(url=f"https://{BLOCKED}/"))
            page = await opened.fetch(Request(url=f"https://{ALLOWED}/"))

    assert (plain.status, plain.failure) == (403, None)
    assert b"blocked" in plain.body
    assert tunnel.failure is not None
    assert (tunnel.failure.name, tunnel.tunnel_status) == ("proxy_refused_tunnel", 403)
    assert (page.status, page.tunnel_status, page.failure) == (200, 200, None)


async def test_credentials_come_from_options_or_the_url(serve: Any) -> None:
    heard: list[bytes] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    port = await serve(play)
    for each in (
        line(f"http://127.0.0.1:{port}", username="ann", password="a:b"),
        line(f"http://ann:a%3Ab@127.0.0.1:{port}"),
    ):
        async with each:
            await each.fetch(Request(url="http://a.accredit.test/"))

    assert all(b"Proxy-Authorization: Basic YW5uOmE6Yg==" in head for head in heard)


async def test_the_proxys_own_name_is_resolved_beforehand(serve: Any, plays: Any) -> None:
    async with line(f"http://localhost:{await serve(plays['page'])}") as opened:
        exchange = await opened.fetch(Request(url="http://a.accredit.test/"))

    assert exchange.status == 200
    assert exchange.peer == "127.0.0.1"


@pytest.mark.parametrize(
    ("family", "peer"), [("any", "127.0.0.1"), ("ipv4", "127.0.0.1"), ("ipv6", "::1")]
)
async def test_the_proxy_is_reached_by_the_lines_family(
    family: str, peer: str, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    async def both(*_: object, **__: object) -> list[Any]:
        return [(0, 0, 0, "", (host, 1)) for host in ("::1", "127.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    proxy = f"http://proxy.accredit.test:{closed_port}"
    async with line(proxy, family=family) as opened:
        exchange = await opened.fetch(Request(url="http://a.accredit.test/"))

    assert exchange.failure is not None
    assert (exchange.failure.name, exchange.peer) == ("connection_refused", peer)


def test_a_proxys_address_has_the_lines_family() -> None:
    with pytest.raises(
        UsageError, match=r"line 'web': the proxy address 127.0.0.1 is not of family 'ipv6'"
    ):
        line("http://127.0.0.1:3128", family="ipv6")


async def test_a_proxy_without_address_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere(*_: object, **__: object) -> None:
        raise UnicodeError("label too long")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nowhere)
    async with line("http://proxy.accredit.test:3128") as opened:
        exchange = await opened.fetch(Request(url="http://a.accredit.test/"))

    assert exchange.failure is not None
    assert exchange.status is None


async def test_an_unreachable_proxy_stops_at_its_own_stage(closed_port: int) -> None:
    async with line(f"http://127.0.0.1:{closed_port}") as opened:
        exchange = await opened.fetch(Request(url="https://a.accredit.test/"))

    assert exchange.failure is not None
    assert (exchange.failure.name, exchange.failure.stage) == (
        "connection_refused",
        "proxy_connect",
    )


async def test_it_carries_no_dns_and_no_odd_urls(closed_port: int) -> None:
    async with line(f"http://127.0.0.1:{closed_port}") as opened:
        answer = await opened.ask(Question(name="a.accredit.test"))
        exchange = await opened.fetch(Request(url="gopher://a.accredit.test/"))

    assert answer.failure is not None
    assert answer.failure.is_instrument
    assert exchange.failure is not None
    assert exchange.failure.is_instrument


@pytest.mark.parametrize("lane", sorted(BACKENDS))
async def test_socks_leads_to_the_origin(tmp_path: Path, serve: Any, socks: Any, lane: str) -> None:
    async with RangeTestbed(tmp_path) as world:
        heard: list[bytes] = []
        port = await serve(socks(world.origin.ports[443], heard))
        options = {"proxy": f"socks5://ann:pw@127.0.0.1:{port}", "lane": lane}
        through = ExplicitProxyOptions.model_validate(options)
        async with ExplicitProxy("web", through, world.origin, Limits()) as opened:
            exchange = await opened.fetch(Request(url=f"https://{ALLOWED}/"))

    assert (exchange.status, exchange.failure) == (200, None)
    assert heard == [b"ann", b"pw", ALLOWED.encode()]


@pytest.mark.parametrize("lane", sorted(BACKENDS))
async def test_a_proxy_over_tls(tmp_path: Path, serve: Any, plays: Any, lane: str) -> None:
    authority = Authority()
    (tmp_path / "proxy.pem").write_bytes(authority.pem)
    port = await serve(plays["page"], authority.context("proxy.accredit.test"))
    options = {"authority": str(tmp_path / "proxy.pem"), "proxy_address": "127.0.0.1"}
    async with line(f"https://proxy.accredit.test:{port}", **options, lane=lane) as opened:
        known = await opened.fetch(Request(url="http://a.accredit.test/"))
    async with line(f"https://127.0.0.1:{port}", lane=lane) as opened:
        unknown = await opened.fetch(Request(url="http://a.accredit.test/"))

    assert (known.status, known.failure) == (200, None)
    assert unknown.failure is not None
    assert unknown.failure.stage == "proxy_connect"


def test_credentials_that_socks_cannot_carry_are_the_users_mistake() -> None:
    with pytest.raises(UsageError, match="limited to 255 bytes"):
        line("socks5://127.0.0.1", username="ann", password="x" * 256)


@pytest.mark.parametrize("proxy", ["", "proxy:3128", "socks4://a:1", "http://", "http://a:x"])
def test_what_is_no_proxy_says_so(proxy: str) -> None:
    with pytest.raises(
        UsageError, match=r"line 'web', option 'proxy': .* write http://host:port, https"
    ):
        line(proxy)


def test_a_password_is_never_shown() -> None:
    with pytest.raises(UsageError) as caught:
        line("ftp://ann:secret@proxy:1")

    assert "secret" not in str(caught.value)


def test_it_is_found_by_name() -> None:
    assert LINES.find("explicit_proxy") is ExplicitProxy
    assert ExplicitProxy.carries == {"fetch", "dial", "connection"}


async def test_packets_leave_from_the_source_and_as_a_pupil_by_the_browser_lane(
    far_end: tuple[int, list[str]],
) -> None:
    port, left = far_end
    tester = line(f"http://127.0.0.1:{port}", source="127.0.0.6")
    pupil = tester.as_pupil("127.0.0.7")
    for one in (tester, pupil, tester.as_pupil("")):
        async with one as opened:
            await opened.fetch(Request(url="http://a.accredit.test/"))

    assert left == ["127.0.0.6", "127.0.0.7", "127.0.0.6"]
    assert pupil._options.lane == "browser"


async def test_a_source_that_is_not_this_machines_is_the_users_mistake() -> None:
    with pytest.raises(UsageError, match="no interface of this machine has that address"):
        async with line("http://127.0.0.1:1", source="192.0.2.1"):
            pass


async def test_what_a_sentinel_led_to_is_known_to_the_pupils_line_too(
    serve: Any, plays: Any
) -> None:
    tester = line(f"http://127.0.0.1:{await serve(plays['page'])}")
    pupil = tester.as_pupil("")
    blocked = Request(url="http://10.0.0.1/blocked")
    async with tester, pupil:
        before = await pupil.fetch(blocked)
        led = await tester.fetch(structs.replace(blocked, may_lead=True))
        after = [await each.fetch(blocked) for each in (tester, pupil)]

    assert before.failure is not None
    assert before.failure.name == "private_address"
    assert [200, 200, 200] == [led.status, *(each.status for each in after)]


def test_another_program_gets_the_proxy_and_its_credentials_apart() -> None:
    named = line(
        "https://ann:a%3Ab@proxy.example:8080", proxy_address="192.0.2.7", authority="ca.pem"
    )

    assert named.connection() == Connection(
        proxy="https://proxy.example:8080",
        proxy_address="192.0.2.7",
        username="ann",
        password="a:b",
        authority="ca.pem",
    )
    assert line("socks5://[2001:db8::7]").connection() == Connection(
        proxy="socks5://[2001:db8::7]:1080"
    )
