"""The HTTP and DNS engines that are compared: ours, and bare aiohttp.

Each is an asynchronous generator: its first step prepares, its second step is timed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any

from harness.measure.event_loop import infrequent_garbage_collection
from harness.model.campaign import Limits
from harness.plugins import LINES
from harness.ports.network import Exchange, Question, Request
from probes.net.backend import open_backend
from probes.net.route import Address, Route, client_tls_context

Found = AsyncGenerator[dict[str, Any]]
WARM_UP = 300
LOOPBACK = "127.0.0.1"


async def in_flight(
    act: Callable[[str], Awaitable[None]], urls: Iterable[str], concurrency: int
) -> None:
    """Run ``act`` for all URLs, ``concurrency`` at a time, in order."""
    waiting = iter(urls)

    async def work() -> None:
        for url in waiting:
            await act(url)

    await asyncio.gather(*(work() for _ in range(concurrency)))


class ResponseCounts:
    """Counts of responses; the responses themselves are not kept."""

    def __init__(self) -> None:
        self.answered = 0
        self.failures: Counter[str] = Counter()
        self.errors: list[float] = []

    def exchange(self, exchange: Exchange) -> None:
        """Count an exchange, and by how much its first byte was misread (``x-took``)."""
        self.answered += exchange.status == 200
        if exchange.failure is not None:
            self.failures[exchange.failure.name] += 1
        took = next((value for name, value in exchange.headers if name == "x-took"), None)
        if took and exchange.timings.first_byte is not None:
            self.errors.append(exchange.timings.first_byte - float(took))

    def counts(self) -> dict[str, Any]:
        """Return the counts as JSON data."""
        return {
            "answered": self.answered,
            "timeouts": self.failures["generic_timeout_error"],
            "failures": sorted(self.failures),
            "errors": sorted(self.errors),
        }


async def lane(
    name: str,
    port: int,
    count: int,
    concurrency: int,
    cert: str = "",
    holes: int = 0,
    patience: float = 5.0,
) -> Found:
    """Fetch with a backend alone. One URL in ``holes`` is never answered."""
    route = Route(address=Address(host=LOOPBACK, port=port), trust=client_tls_context(cert))
    scheme = "https" if cert else "http"
    responses = ResponseCounts()
    async with open_backend(name) as opened:

        async def fetch(path: str) -> None:
            url = f"{scheme}://{LOOPBACK}:{port}/{path}"
            responses.exchange(await opened.exchange(Request(url=url, timeout=patience), route))

        await in_flight(fetch, [f"warm{n}" for n in range(min(WARM_UP, count))], concurrency)
        with infrequent_garbage_collection():
            yield {}
            responses = ResponseCounts()
            await in_flight(fetch, paths(count, holes), concurrency)
            yield responses.counts()


def paths(count: int, holes: int) -> list[str]:
    """Return the request paths, with unanswered ones spread evenly among them."""
    return [f"hole{n}" if holes and n % holes == 0 else f"page{n}" for n in range(count)]


async def bare_aiohttp(port: int, count: int, concurrency: int) -> Found:
    """Fetch with aiohttp as documented, with a new connection for each URL."""
    import aiohttp  # noqa: PLC0415 - its memory is not the lane's

    connector = aiohttp.TCPConnector(force_close=True, limit=concurrency)
    responses = ResponseCounts()
    async with aiohttp.ClientSession(connector=connector) as session:

        async def fetch(path: str) -> None:
            async with session.get(f"http://{LOOPBACK}:{port}/{path}") as answer:
                await answer.read()
                responses.answered += answer.status == 200

        await in_flight(fetch, [f"warm{n}" for n in range(WARM_UP)], concurrency)
        yield {}
        responses = ResponseCounts()
        await in_flight(fetch, paths(count, 0), concurrency)
        yield responses.counts()


async def names(name: str, server: str, count: int, concurrency: int, cert: str = "") -> Found:
    """Ask a name server over a line; each answer is a full record."""
    plugin = LINES.find("control")
    options = plugin.Options(resolver=server, authority=cert, lane=name)
    responses = ResponseCounts()
    async with plugin("control", options, None, Limits()) as line:

        async def ask(host: str) -> None:
            answer = await line.ask(Question(name=host))
            responses.answered += bool(answer.facts.addresses)
            if answer.failure is not None:
                responses.failures[answer.failure.name] += 1

        await in_flight(ask, [f"warm{n}.bench.test" for n in range(WARM_UP)], concurrency)
        with infrequent_garbage_collection():
            yield {}
            responses = ResponseCounts()
            await in_flight(ask, [f"h{n}.bench.test" for n in range(count)], concurrency)
            yield responses.counts()
