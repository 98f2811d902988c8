"""Routes through a proxy, on every lane: absolute URLs, tunnels, and refusals."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from probes.net.address import Address
from probes.net.route import Route, basic_authorization, trusting
from probes.range.authority import Authority

HOST = "gamb-001.canary.accredit.test"


async def test_a_proxy_is_asked_by_the_whole_url(fetch: Any, serve: Any) -> None:
    heard: list[bytes] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()

    authorization = basic_authorization("ann", "secret")
    exchange = await fetch(
        f"http://{HOST}/x", await serve(play), by_proxy=True, authorization=authorization
    )

    assert (exchange.status, exchange.tunnel_status) == (200, None)
    assert heard[0].startswith(f"GET http://{HOST}/x HTTP/1.1\r\n".encode())
    assert f"Proxy-Authorization: {authorization}".encode() in heard[0]
    assert authorization not in repr(exchange)


async def test_a_tunnel_is_opened_and_used(
    fetch: Any, serve: Any, plays: Any, tunnel: Any, authority: Authority
) -> None:
    far = await serve(plays["page"], authority.context(HOST))
    heard: list[bytes] = []
    exchange = await fetch(f"https://{HOST}/", await serve(tunnel(far, heard)), by_proxy=True)

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
    exchange = await fetch(f"https://{HOST}/", await serve(say(answer.encode())), by_proxy=True)

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
    exchange = await fetch(f"https://{HOST}/", await serve(plays[play]), by_proxy=True, timeout=0.5)

    assert (exchange.failure.name, exchange.failure.stage) == (failure, "tunnel")


async def test_a_proxy_that_wants_other_credentials_is_no_answer(
    fetch: Any, serve: Any, say: Any
) -> None:
    answer = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"
    exchange = await fetch(f"http://{HOST}/", await serve(say(answer)), by_proxy=True)

    assert exchange.failure.name == "proxy_authentication_required"


def test_a_missing_authority_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file of certificate authorities"):
        trusting(str(tmp_path / "nowhere.pem"))


def test_an_authority_file_without_a_certificate_is_the_users_mistake(tmp_path: Path) -> None:
    path = tmp_path / "empty.pem"
    path.write_text("nothing")

    with pytest.raises(UsageError, match="holds no certificate in PEM form"):
        trusting(str(path))


def test_a_route_never_shows_its_authorization() -> None:
    address = Address(host="127.0.0.1", port=1)
    secret = basic_authorization("ann", "secret")
    route = Route(address=address, trust=ssl.create_default_context(), authorization=secret)

    assert secret == "Basic YW5uOnNlY3JldA=="
    assert secret not in repr(route)
