"""The PAC line goes the way that the file says, fails over as browsers do, and notes it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.plugins import LINES
from harness.ports.network import Exchange, Request
from harness.ports.streams import DialRequest
from probes.lines.pac import BAD_SECONDS, NAMES, Pac, PacOptions
from probes.net.backend import BACKENDS
from probes.range.authority import Authority
from probes.range.testbed import RangeTestbed

ALLOWED = "amber-lantern.accredit.test"
BLOCKED = "copper-meadow.accredit.test"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    def one(body: str) -> str:
        path = tmp_path / "proxy.pac"
        path.write_text(f"function FindProxyForURL(url, host) {{ {body} }}", encoding="utf-8")
        return str(path)

    return one


@pytest.fixture
def line(write: Callable[[str], str]) -> Callable[..., Pac]:
    def make(body: str, clock: Clock | None = None, **options: Any) -> Pac:
        given = {"file": write(body), "resolver": "127.0.0.1:9", **options}
        return Pac("site", PacOptions.model_validate(given), None, Limits(), clock or Clock())

    return make


async def visit(line: Pac, host: str = "a.accredit.test", patience: float = 5.0) -> Exchange:
    async with line:
        return await line.fetch(Request(url=f"http://{host}/", timeout=patience))


@pytest.mark.parametrize("lane", sorted(BACKENDS))
async def test_each_kind_of_way_is_gone(
    tmp_path: Path, serve: Any, plays: Any, socks: Any, line: Any, name_server: Any, lane: str
) -> None:
    authority = Authority()
    (tmp_path / "proxy.pem").write_bytes(authority.pem)
    heard: list[bytes] = []
    page = await serve(plays["page"])
    sealed = await serve(plays["page"], authority.context("localhost"))
    way = await serve(socks(page, heard))
    server = await name_server({"A": "127.0.0.1"})
    choice = f"""
        if (host === 'plain.test') return 'PROXY 127.0.0.1:{page}';
        if (host === 'sealed.test') return 'HTTPS localhost:{sealed}';
        if (host === 'socks.test') return 'SOCKS5 127.0.0.1:{way}';
        return 'DIRECT';"""
    options = {"ports": {80: page}, "resolver": str(server.address), "username": "ann",
               "password": "pw", "authority": str(tmp_path / "proxy.pem"), "lane": lane}  # fmt: skip
    choices = {}
    async with line(choice, **options) as opened:
        for host in ("plain.test", "sealed.test", "socks.test", "straight.test"):
            exchange = await opened.fetch(Request(url=f"http://{host}/"))
            choices[host] = (exchange.status, exchange.failure, exchange.choices)

    assert choices == {
        "plain.test": (200, None, (f"PROXY 127.0.0.1:{page}",)),
        "sealed.test": (200, None, (f"HTTPS localhost:{sealed}",)),
        "socks.test": (200, None, (f"SOCKS5 127.0.0.1:{way}",)),
        "straight.test": (200, None, ("DIRECT",)),
    }
    assert heard == [b"ann", b"pw", b"socks.test"]


async def test_a_filter_that_the_file_leads_to_is_in_the_way(tmp_path: Path, write: Any) -> None:
    async with RangeTestbed(tmp_path) as world:
        proxy = world.origin.services["reference"]["proxy"]["ks2"].removeprefix("http://")
        file = write(f"return 'PROXY {proxy}'")
        options = PacOptions(file=file, resolver=world.origin.resolver)
        async with Pac("site", options, world.origin, Limits()) as opened:
            plain = await opened.fetch(Request(url=f"http://{BLOCKED}/"))
            tunnel = await opened.fetch(Request(url=f"https://{BLOCKED}/"))
            page = await opened.fetch(Request(url=f"https://{ALLOWED}/"))

    assert (plain.status, plain.choices) == (403, (f"PROXY {proxy}",))
    assert tunnel.failure is not None
    assert (tunnel.failure.name, tunnel.tunnel_status) == ("proxy_refused_tunnel", 403)
    assert (page.status, page.failure) == (200, None)


async def test_a_proxy_out_of_reach_is_passed_over_and_then_asked_last(
    serve: Any, plays: Any, closed_port: int, line: Any
) -> None:
    page, clock = await serve(plays["page"]), Clock()
    body = f"return 'PROXY 127.0.0.1:{closed_port}; PROXY 127.0.0.1:{page}; DIRECT'"
    tried = []
    async with line(body, clock) as opened:
        for moment in (0.0, 1.0, BAD_SECONDS + 1):
            clock.now = moment
            exchange = await opened.fetch(Request(url="http://a.accredit.test/"))
            tried.append((exchange.status, exchange.choices))

    dead, alive = f"PROXY 127.0.0.1:{closed_port}", f"PROXY 127.0.0.1:{page}"
    assert tried == [(200, (dead, alive)), (200, (alive,)), (200, (dead, alive))]


async def test_a_refusal_by_a_proxy_is_an_answer_and_no_reason_to_go_another_way(
    serve: Any, say: Any, line: Any
) -> None:
    port = await serve(say(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
    exchange = await visit(line(f"return 'PROXY 127.0.0.1:{port}; DIRECT'"))

    assert (exchange.status, exchange.choices) == (403, (f"PROXY 127.0.0.1:{port}",))


async def test_all_ways_out_of_reach_stop_at_the_proxys_stage(closed_port: int, line: Any) -> None:
    exchange = await visit(line(f"return 'PROXY 127.0.0.1:{closed_port}; HTTPS 127.0.0.1:1'"))

    assert exchange.failure is not None
    assert (exchange.failure.name, exchange.failure.stage) == (
        "connection_refused",
        "proxy_connect",
    )
    assert len(exchange.choices) == 2


async def test_a_silent_proxy_leaves_no_time_in_which_another_way_could_look_silent(
    serve: Any, plays: Any, line: Any
) -> None:
    silent, page = await serve(plays["silent"]), await serve(plays["page"])
    body = f"return 'HTTPS 127.0.0.1:{silent}; PROXY 127.0.0.1:{page}'"
    async with line(body) as opened:
        first = await opened.fetch(Request(url="http://a.accredit.test/", timeout=0.3))
        second = await opened.fetch(Request(url="http://a.accredit.test/", timeout=5.0))

    assert first.failure is not None
    assert (first.failure.stage, first.choices) == ("proxy_connect", (f"HTTPS 127.0.0.1:{silent}",))
    assert (second.status, second.choices) == (200, (f"PROXY 127.0.0.1:{page}",))


@pytest.mark.parametrize(("took", "number"), [(2.4, 2), (2.6, 1)])
async def test_a_further_choice_needs_half_of_the_patience(
    took: float, number: int, closed_port: int, line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Clock()
    go = Pac._fetch_by

    async def slowly(*words: Any) -> Exchange:
        exchange = await go(*words)
        watch.now += took
        return exchange

    monkeypatch.setattr(Pac, "_fetch_by", slowly)
    monkeypatch.setattr("probes.lines.pac.perf_counter", watch)
    exchange = await visit(line(f"return 'PROXY 127.0.0.1:{closed_port}; PROXY 127.0.0.1:1'"))

    assert exchange.failure is not None
    assert (exchange.failure.stage, len(exchange.choices)) == ("proxy_connect", number)


@pytest.mark.parametrize(("took", "number"), [(2.4, 2), (2.6, 1)])
async def test_a_stream_needs_half_of_its_time_for_a_further_choice(
    took: float, number: int, closed_port: int, line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, given = Clock(), []
    dial = Pac._dial_by

    async def slowly(pac: Pac, choice: Any, request: DialRequest) -> Any:
        given.append(request.timeout)
        dialled = await dial(pac, choice, request)
        watch.now += took
        return dialled

    monkeypatch.setattr(Pac, "_dial_by", slowly)
    monkeypatch.setattr("probes.lines.pac.perf_counter", watch)
    async with line(f"return 'PROXY 127.0.0.1:{closed_port}; PROXY 127.0.0.1:1'") as opened:
        dialled = await opened.dial(DialRequest(host="a.accredit.test", port=25))

    assert dialled.failure is not None
    assert (dialled.failure.stage, given) == ("proxy_connect", [5.0, 5.0 - took][:number])


@pytest.mark.parametrize("plain", [True, False])
async def test_a_stream_for_requests_needs_no_tunnel_at_a_proxy(
    tmp_path: Path, line: Any, plain: bool
) -> None:
    async with RangeTestbed(tmp_path) as bed:
        proxy = bed.origin.services["reference"]["proxy"]["ks2"].removeprefix("http://")
        async with line(f"return 'PROXY {proxy}'") as opened:
            request = DialRequest(host=ALLOWED, port=443 - 363 * plain, plain=plain)
            dialled = await opened.dial(request)

    assert dialled.opened is not None
    dialled.opened.close()
    assert (dialled.is_proxied, dialled.tunnel_status) == ((True, None) if plain else (False, 200))


@pytest.mark.parametrize(
    ("body", "host"),
    [("return 'SOCKS4 127.0.0.1:1; DIRECT'", "a.test"), ("return 'DIRECT'", "a b")],
)
async def test_a_stream_that_cannot_be_opened_is_a_failure_of_the_instrument(
    body: str, host: str, line: Any
) -> None:
    async with line(body) as opened:
        dialled = await opened.dial(DialRequest(host=host, port=25))

    assert dialled.failure is not None
    assert (dialled.failure.name, dialled.failure.stage) == ("instrument_error", "instrument")


async def test_names_are_looked_up_by_the_lines_own_name_server(
    serve: Any, plays: Any, line: Any, name_server: Any
) -> None:
    page = await serve(plays["page"])
    server = await name_server({"A": "127.0.0.1"})
    body = f"return isInNet(host, '127.0.0.0', '255.0.0.0') ? 'PROXY proxy.school.example:{page}' : 'DIRECT'"
    exchange = await visit(line(body, resolver=str(server.address)))

    assert (exchange.status, exchange.choices) == (200, (f"PROXY proxy.school.example:{page}",))
    assert server.asked == [("127.0.0.1", "A"), ("127.0.0.1", "A")]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("throw new Error('no')", "PAC file: Error: no"),
        ("return 'NOTHING'", "PAC file: its answer names no choice: 'NOTHING'"),
        ("for (let n = 0; n < 99; n++) isResolvable(n + '.example')", f"more than {NAMES} names"),
    ],
)
async def test_a_file_that_leads_nowhere_is_no_block(body: str, says: str, line: Any) -> None:
    exchange = await visit(line(body))

    assert exchange.failure is not None
    assert (exchange.failure.name, exchange.failure.stage) == (
        "proxy_autoconfig_failed",
        "proxy_connect",
    )
    assert says in exchange.failure.detail


async def test_a_proxy_without_address_is_out_of_reach(line: Any, name_server: Any) -> None:
    server = await name_server({})
    body = "return 'PROXY proxy.school.example:1'"
    exchange = await visit(line(body, resolver=str(server.address)))

    assert exchange.failure is not None
    assert (exchange.failure.name, exchange.failure.stage) == ("dns_no_answer", "proxy_connect")


@pytest.mark.parametrize(
    ("answer", "url"),
    [("SOCKS 127.0.0.1:1080", "http://a.accredit.test/"), ("DIRECT", "gopher://a.accredit.test/")],
)
async def test_what_is_not_spoken_is_our_own_trouble(answer: str, url: str, line: Any) -> None:
    async with line(f"return '{answer}'") as opened:
        exchange = await opened.fetch(Request(url=url))

    assert exchange.failure is not None
    assert exchange.failure.is_instrument


async def test_the_service_may_hand_out_the_file_itself(serve: Any, say: Any, plays: Any) -> None:
    page = await serve(plays["page"])
    text = f"function FindProxyForURL() {{ return 'PROXY 127.0.0.1:{page}' }}".encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text)
    served = await serve(say(head + text))
    options = PacOptions(file=f"http://127.0.0.1:{served}/proxy.pac", resolver="127.0.0.1:9")
    exchange = await visit(Pac("site", options, None, Limits()))

    assert (exchange.status, exchange.choices) == (200, (f"PROXY 127.0.0.1:{page}",))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "did not come: status 404"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "SyntaxError"),
        (b"", "did not come: eof_error"),
    ],
)
async def test_without_its_file_nothing_is_tried(
    serve: Any, say: Any, answer: bytes, says: str
) -> None:
    served = await serve(say(answer))
    options = PacOptions(file=f"http://127.0.0.1:{served}/proxy.pac", resolver="127.0.0.1:9")
    exchange = await visit(Pac("site", options, None, Limits()))

    assert exchange.failure is not None
    assert exchange.failure.stage == "proxy_connect"
    assert says in exchange.failure.detail
    assert exchange.choices == ()


async def test_a_script_sees_no_more_of_a_url_than_browsers_show(line: Any) -> None:
    async with line("throw new Error(url)") as opened:
        plain = await opened.fetch(Request(url="http://a.accredit.test/secret?q=1"))
        sealed = await opened.fetch(Request(url="https://a.accredit.test/secret?q=1"))

    assert plain.failure is not None
    assert sealed.failure is not None
    assert plain.failure.detail.endswith("http://a.accredit.test/secret?q=1")
    assert sealed.failure.detail.endswith("https://a.accredit.test/")


def test_a_file_that_is_none_is_the_users_mistake(line: Any, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"line 'site', option 'file': .* is not a PAC file: Syntax"
    ):
        line("}")
    with pytest.raises(UsageError, match=r"line 'site', option 'file': .*: No such file"):
        line("", file=str(tmp_path / "absent.pac"))


@pytest.mark.parametrize("file", ["/proxy.pac", "http://127.0.0.1:1/proxy.pac"])
def test_without_the_engine_nothing_begins(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "quickjs", None)
    options = PacOptions(file=file, resolver="127.0.0.1:9")

    with pytest.raises(UsageError, match=r"^line 'site' follows a PAC file, which needs 'quickjs"):
        Pac("site", options, None, Limits())


async def test_an_old_file_in_latin_1_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.pac"
    path.write_bytes(
        "// é\nfunction FindProxyForURL() { throw new Error('read'); }".encode("latin-1")
    )
    options = PacOptions(file=str(path), resolver="127.0.0.1:9")
    exchange = await visit(Pac("site", options, None, Limits()))

    assert exchange.failure is not None
    assert "read" in exchange.failure.detail


def test_it_is_found_by_name() -> None:
    assert LINES.find("pac") is Pac
    assert Pac.carries == {"fetch", "ask", "dial"}
