"""What is the wire lane's own; what every lane does is in ``test_backend``."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from harness.ports.network import Request
from probes.net.route import Address, Route
from probes.net.wire.wire_backend import WireBackend


def route(port: int) -> Route:
    return Route(address=Address(host="127.0.0.1", port=port), trust=ssl.create_default_context())


async def test_a_lane_is_used_inside_its_context() -> None:
    exchange = await WireBackend().exchange(Request(url="http://a.test/"), route(1))

    assert exchange.failure is not None
    assert exchange.failure.is_instrument


async def test_no_socket_outlives_its_exchange(serve: Any, plays: Any, closed_port: int) -> None:
    async with WireBackend() as lane:
        ports = [await serve(plays[name]) for name in ("page", "reset", "close", "silent")]
        for port in (*ports, closed_port):
            for scheme in ("http", "https"):
                request = Request(url=f"{scheme}://a.accredit.test/", timeout=0.1)
                await lane.exchange(request, route(port))

        assert lane._reactor is not None
        assert lane._reactor.tasks == {}


async def test_a_cancelled_exchange_drops_its_socket(serve: Any, plays: Any) -> None:
    async with WireBackend() as lane:
        request = Request(url="http://a.accredit.test/")
        task = asyncio.create_task(lane.exchange(request, route(await serve(plays["silent"]))))
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert lane._reactor is not None
        assert lane._reactor.tasks == {}
