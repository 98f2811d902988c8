"""What is the portable lane's own; what every lane does is in ``test_backend``."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from harness.ports.network import Request
from probes.net.portable.portable_backend import PortableBackend
from probes.net.route import Address, Route


async def test_a_lane_is_used_inside_its_context() -> None:
    route = Route(address=Address(host="127.0.0.1", port=1), trust=ssl.create_default_context())
    exchange = await PortableBackend().exchange(Request(url="http://a.test/"), route)

    assert exchange.failure is not None
    assert exchange.failure.is_instrument


async def test_the_environment_names_no_proxy(
    serve: Any, plays: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    port = await serve(plays["page"])
    route = Route(address=Address(host="127.0.0.1", port=port), trust=ssl.create_default_context())
    async with PortableBackend() as lane:
        exchange = await lane.exchange(Request(url="http://a.accredit.test/"), route)

    assert exchange.status == 200


async def test_cookies_are_never_sent_back(serve: Any) -> None:
    heard = []

    async def play(reader: Any, writer: Any) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    route = Route(
        address=Address(host="127.0.0.1", port=await serve(play)),
        trust=ssl.create_default_context(),
    )
    async with PortableBackend() as lane:
        for _ in range(2):
            await lane.exchange(Request(url="http://a.accredit.test/"), route)

    assert b"cookie" not in heard[1].lower()
