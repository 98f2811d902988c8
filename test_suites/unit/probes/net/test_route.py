"""Routes through a proxy, on every lane: absolute URLs, tunnels, and refusals."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from probes.net.local_binding import LocalBinding
from probes.net.route import (
    Address,
    Proxy,
    Route,
    basic_authorization,
    client_tls_context,
    shared_tls_context,
)
from probes.range.authority import Authority

HOST = "gamb-001.canary.accredit.test"
PROXY = "proxy.accredit.test"


async def test_a_proxy_is_asked_by_the_whole_url(fetch: Any, serve: Any) -> None:
    heard: list[bytes] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()

    exchange = await fetch(
        f"http://{HOST}/x", await serve(play), proxy=Proxy(username="ann", password="secret")
    )

    assert (exchange.status, exchange.tunnel_status) == (200, None)
    assert heard[0].startswith(f"GET http://{HOST}/x HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic YW5uOnNlY3JldA==" in heard[0]


async def test_a_tunnel_is_opened_and_used(
    fetch: Any, serve: Any, plays: Any, tunnel: Any, authority: Authority
) -> None:
    far = await serve(plays["page"], authority.context(HOST))
    heard: list[bytes] = []
    exchange = await fetch(f"https://{HOST}/", await serve(tunnel(far, heard)), proxy=Proxy())

    assert exchange.failure is None
    assert (exchange.status, exchange.tunnel_status, exchange.body) == (200, 200, b"hello")
    assert heard[0].startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n".encode())


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (403, "proxy_refused_tunnel"),
        (407, "proxy_authentication_required"),
        (302, "proxy_refused_tunnel"),
        (503, "proxy_refused_tunnel"),
    ],
)
async def test_a_refused_tunnel_keeps_what_the_proxy_said(
    fetch: Any, serve: Any, say: Any, status: int, failure: str
) -> None:
    answer = f"HTTP/1.1 {status} No\r\nX-Squid-Error: ERR_X 0\r\nContent-Length: 6\r\n\r\ndenied"
    exchange = await fetch(f"https://{HOST}/", await serve(say(answer.encode())), proxy=Proxy())

    assert (exchange.failure.name, exchange.failure.stage) == (failure, "tunnel")
    assert (exchange.tunnel_status, exchange.status) == (status, None)
    assert exchange.body == b"denied"
    assert ("x-squid-error", "ERR_X 0") in exchange.headers


@pytest.mark.parametrize(
    ("play", "failure"),
    [
        ("close", "eof_error"),
        ("reset", "connection_reset"),
        ("silent", "generic_timeout_error"),
        ("nonsense", "http_invalid_response"),
    ],
)
async def test_trouble_inside_the_tunnel_request(
    fetch: Any, serve: Any, plays: Any, play: str, failure: str
) -> None:
    exchange = await fetch(f"https://{HOST}/", await serve(plays[play]), proxy=Proxy(), timeout=0.5)

    assert (exchange.failure.name, exchange.failure.stage) == (failure, "tunnel")


async def test_a_proxy_that_wants_other_credentials_is_no_answer(
    fetch: Any, serve: Any, say: Any
) -> None:
    answer = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"
    exchange = await fetch(f"http://{HOST}/", await serve(say(answer)), proxy=Proxy())

    assert exchange.failure.name == "proxy_authentication_required"


async def test_a_proxy_is_spoken_to_over_tls(
    fetch: Any, serve: Any, say: Any, authority: Authority, trust: ssl.SSLContext
) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    port = await serve(say(answer), authority.context(PROXY))
    exchange = await fetch(f"http://{HOST}/", port, proxy=Proxy(host=PROXY, trust=trust))

    assert (exchange.failure, exchange.status, exchange.body) == (None, 200, b"ok")
    assert exchange.timings.tls is None


async def test_a_tunnel_inside_tls(
    fetch: Any, serve: Any, plays: Any, tunnel: Any, authority: Authority, trust: ssl.SSLContext
) -> None:
    far = await serve(plays["page"], authority.context(HOST))
    port = await serve(tunnel(far, []), authority.context(PROXY))
    exchange = await fetch(f"https://{HOST}/", port, proxy=Proxy(host=PROXY, trust=trust))

    assert exchange.failure is None
    assert (exchange.status, exchange.tunnel_status, exchange.body) == (200, 200, b"hello")
    assert exchange.certificate is None or exchange.certificate.subject == f"CN={HOST}"
    assert exchange.timings.tls > 0


async def test_a_refusal_inside_tls_keeps_what_the_proxy_said(
    fetch: Any, serve: Any, say: Any, authority: Authority, trust: ssl.SSLContext
) -> None:
    answer = b"HTTP/1.1 403 No\r\nContent-Length: 6\r\n\r\ndenied"
    port = await serve(say(answer), authority.context(PROXY))
    exchange = await fetch(f"https://{HOST}/", port, proxy=Proxy(host=PROXY, trust=trust))

    assert (exchange.failure.name, exchange.failure.stage) == ("proxy_refused_tunnel", "tunnel")
    assert (exchange.tunnel_status, exchange.body) == (403, b"denied")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_cannot_prove_itself_is_out_of_reach(
    fetch: Any, serve: Any, plays: Any, authority: Authority, scheme: str
) -> None:
    port = await serve(plays["page"], authority.context(PROXY))
    unknowing = Proxy(host=PROXY, trust=ssl.create_default_context())
    exchange = await fetch(f"{scheme}://{HOST}/", port, proxy=unknowing)

    assert (exchange.failure.name, exchange.failure.stage) == (
        "ssl_unknown_authority",
        "proxy_connect",
    )
    assert exchange.certificate is None


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_way_through_socks(
    fetch: Any, serve: Any, plays: Any, socks: Any, authority: Authority, scheme: str
) -> None:
    far = await serve(plays["page"], authority.context(HOST) if scheme == "https" else None)
    heard: list[bytes] = []
    port = await serve(socks(far, heard))
    proxy = Proxy(kind="socks5", username="ann", password="pw")
    exchange = await fetch(f"{scheme}://{HOST}/", port, proxy=proxy)

    assert (exchange.failure, exchange.status, exchange.body) == (None, 200, b"hello")
    assert heard == [b"ann", b"pw", HOST.encode()]


@pytest.mark.parametrize(
    ("reply", "failure"),
    [(2, "proxy_refused_tunnel"), (4, "host_unreachable"), (1, "not_connected")],
)
async def test_a_way_that_socks_does_not_give(
    fetch: Any, serve: Any, socks: Any, reply: int, failure: str
) -> None:
    exchange = await fetch(
        f"http://{HOST}/", await serve(socks(1, [], reply)), proxy=Proxy(kind="socks5")
    )

    assert (exchange.failure.name, exchange.failure.stage) == (failure, "tunnel")
    assert exchange.status is None


async def test_a_route_leaves_from_its_source(fetch: Any, serve: Any) -> None:
    peers: list[str] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername")[0])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No\r\n\r\n")
        await writer.drain()

    port = await serve(play)
    good = await fetch(f"http://{HOST}/", port, binding=LocalBinding(address="127.0.0.5"))
    gone = await fetch(f"http://{HOST}/", port, binding=LocalBinding(address="192.0.2.77"))

    assert (good.status, peers) == (204, ["127.0.0.5"])
    assert gone.failure.name == "instrument_local_address"


def test_a_missing_authority_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file of certificate authorities"):
        client_tls_context(str(tmp_path / "nowhere.pem"))


def test_an_authority_file_without_a_certificate_is_the_users_mistake(tmp_path: Path) -> None:
    path = tmp_path / "empty.pem"
    path.write_text("nothing")

    with pytest.raises(UsageError, match="contains no certificate in PEM form"):
        client_tls_context(str(path))


def test_a_route_never_shows_its_authorization() -> None:
    address = Address(host="127.0.0.1", port=1)
    secret = basic_authorization("ann", "secret")
    proxy = Proxy(username="ann", password="secret")
    route = Route(address=address, trust=ssl.create_default_context(), proxy=proxy)

    assert secret == proxy.authorization == "Basic YW5uOnNlY3JldA=="
    assert "'secret'" not in repr(route)
    assert secret not in repr(route)


def test_a_context_is_shared_until_a_file_of_its_authorities_changes(tmp_path: Path) -> None:
    file, other = tmp_path / "ca.pem", Authority("Other CA").pem
    file.write_bytes(Authority("First CA").pem)

    first, again = shared_tls_context(str(file)), shared_tls_context(str(file))
    protocols = shared_tls_context(str(file), alpn=("h2",))
    file.write_bytes(other + b"\n")
    changed = shared_tls_context(str(file))

    assert first is again
    assert 3 == len({id(each) for each in (first, protocols, changed)})
    assert "Other CA" in str(changed.get_ca_certs())
    file.unlink()
    with pytest.raises(UsageError, match="no such file"):
        shared_tls_context(str(file))
