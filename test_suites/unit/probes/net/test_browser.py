"""The browser lane, beyond what every lane must do (``test_backend``)."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.ports.network import Exchange, Request
from probes.net import browser
from probes.net.browser import BrowserBackend, browser_of
from probes.net.browser_profiles import PROFILES
from probes.net.curl_transfer import header_lines
from probes.net.route import Address, Route
from probes.range.authority import Authority
from probes.range.gateway import read_server_name

Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., Awaitable[int]]

HOST = "gamb-001.canary.accredit.test"


def request(**more: Any) -> Request:
    return Request(url=f"https://{HOST}/", timeout=20.0, **more)


async def exchanged(port: int, trust: ssl.SSLContext, **more: Any) -> Exchange:
    route = Route(address=Address(host="127.0.0.1", port=port), trust=trust)
    async with BrowserBackend() as lane:
        return await lane.exchange(request(**more), route)


async def hellos(number: int, trust: ssl.SSLContext) -> list[bytes]:
    """The ClientHello that a profile's browser sends, of a few connections."""
    found: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(5)
        found.append(head + await reader.readexactly(int.from_bytes(head[3:], "big")))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        exchange = await exchanged(port, trust, headers=PROFILES[number].https)
    assert exchange.failure is not None
    assert (exchange.failure.name, exchange.failure.stage) == ("eof_error", "tls")
    return found


@pytest.mark.parametrize("number", range(len(PROFILES)))
async def test_the_handshake_is_not_pythons(number: int, trust: ssl.SSLContext) -> None:
    (hello,) = await hellos(number, trust)

    assert read_server_name(hello) == HOST
    assert b"\x02h2\x08http/1.1" in hello
    own, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    pythons = trust.wrap_bio(own, outgoing, server_hostname=HOST)
    with pytest.raises(ssl.SSLWantReadError):
        pythons.do_handshake()
    assert ciphers(hello) != ciphers(outgoing.read())


async def test_each_browser_has_its_own_handshake(trust: ssl.SSLContext) -> None:
    offered = {ciphers((await hellos(number, trust))[0]) for number in (0, 3, 4)}

    assert 3 == len(offered)


def ciphers(hello: bytes) -> tuple[bytes, ...]:
    """The cipher suites of a ClientHello (RFC 8446 section 4.1.2), without GREASE (RFC 8701)."""
    start = 5 + 4 + 2 + 32
    start += 1 + hello[start]
    length = int.from_bytes(hello[start : start + 2], "big")
    suites = hello[start + 2 : start + 2 + length]
    both = (suites[place : place + 2] for place in range(0, length, 2))
    return tuple(one for one in both if one[0] != one[1] or one[0] & 0x0F != 0x0A)


async def test_headers_go_out_in_their_order(trust: ssl.SSLContext, authority: Authority) -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\nhello")
        await writer.drain()
        await reader.read()
        writer.close()

    context = authority.context(HOST)
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        headers = (("Connection", "keep-alive"), ("B", "1"), ("a", "2"), ("User-Agent", "x"))
        exchange = await exchanged(port, trust, headers=headers)

    assert exchange.failure is None
    assert (exchange.status, exchange.body) == (200, b"hello")
    assert [value for name, value in exchange.headers if name == "x-a"] == ["1", "2"]
    names = [line.partition(b":")[0] for line in heard[0].split(b"\r\n")[1:] if line]
    assert names == [b"Host", b"Connection", b"B", b"a", b"User-Agent"]
    assert exchange.timings.tls is not None
    assert exchange.timings.first_byte is not None


@pytest.mark.parametrize(
    ("number", "browser"),
    [(0, "chrome152"), (1, "chrome152"), (2, "chrome152"), (3, "firefox155"), (4, "safari270")],
)
def test_the_handshake_fits_the_user_agent(number: int, browser: str) -> None:
    assert browser_of(request(headers=PROFILES[number].https)) == browser


async def test_nothing_is_left_on_the_disk(
    trust: ssl.SSLContext,
    authority: Authority,
    serve: Serve,
    say: Callable[[bytes], Play],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    port = await serve(say(b"HTTP/1.1 204 No Content\r\n\r\n"), authority.context(HOST))

    exchange = await exchanged(port, trust)

    assert exchange.status == 204
    assert [] == files_in(tmp_path)


def files_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def test_curl_knows_every_browser_that_is_named() -> None:
    from curl_cffi.requests.impersonate import BrowserType  # noqa: PLC0415 - only here

    known = {each.value for each in BrowserType}
    assert {browser.CHROMIUM, *browser.BROWSERS.values()} <= known


def test_a_line_break_in_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match="line break"):
        header_lines(request(headers=(("A", "b\r\nC: d"),)))


def test_where_it_cannot_run_the_user_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "can_browse", lambda: False)

    with pytest.raises(UsageError, match="curl_cffi"):
        BrowserBackend()


IMPATIENT = """
import asyncio, random, sys, threading
from probes.net.route import Address
from probes.net.browser import BrowserBackend, Request
from probes.net.route import Route, client_tls_context
from probes.range.authority import Authority

authority = Authority()
open(sys.argv[1], "wb").write(authority.pem)
context = authority.context("h.accredit.test")

async def main(seed):
    chance = random.Random(seed)

    async def serve(reader, writer):
        try:
            await reader.readuntil(b"\\r\\n\\r\\n")
            if chance.random() < 0.3:
                writer.transport.abort()
                return
            await asyncio.sleep(chance.random() * 0.2)
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello")
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client gave up
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    address = Address(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    route = Route(address=address, trust=client_tls_context(sys.argv[1]))

    def asked():
        timeout = chance.choice([0.02, 0.05, 0.1, 0.5])
        return Request(url="https://h.accredit.test/", timeout=timeout)

    async with BrowserBackend() as lane:
        for _ in range(40):
            await asyncio.gather(*(lane.exchange(asked(), route) for _ in range(8)))

threads = [threading.Thread(target=lambda seed=seed: asyncio.run(main(seed))) for seed in range(4)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print("whole")
"""


def test_a_deadline_never_takes_curl_from_under_its_own_thread(tmp_path: Path) -> None:
    """Closing curl while it transfers would end the process, so this is a process of its own."""
    command = [sys.executable, "-c", IMPATIENT, str(tmp_path / "authority.pem")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr[-2000:]
