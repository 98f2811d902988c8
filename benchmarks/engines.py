"""The engines that are compared: ours, and bare aiohttp.

Each is an asynchronous generator: the first step makes it ready, the second is what is timed.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.silence import hosts
from harness.equipment import SECOND_LOOKS
from harness.gate import Gate
from harness.instruments import Instruments
from harness.model.batch import Batch, Way
from harness.model.campaign import Campaign, Limits
from harness.model.corpus import Item
from harness.origin import read_origin
from harness.pipeline import measure
from harness.plugins import find
from harness.ports.asking import Exchange, Question, Request
from harness.ports.keeping import WallClock
from harness.stages.judge.judge import judge
from harness.stages.observe import observe
from harness.stages.select import Chosen
from harness.store.evidence import EvidenceFolder
from harness.store.journal import SegmentJournal
from harness.watch import Watch
from probes.net.address import Address
from probes.net.lane import open_lane
from probes.net.route import Route, trusting

Found = AsyncGenerator[dict[str, Any]]
WARM_UP = 300
LOOPBACK = "127.0.0.1"


async def in_flight(
    act: Callable[[str], Awaitable[None]], urls: Iterable[str], concurrency: int
) -> None:
    """Do it to all of them, so many at a time, first come first served."""
    waiting = iter(urls)

    async def work() -> None:
        for url in waiting:
            await act(url)

    await asyncio.gather(*(work() for _ in range(concurrency)))


class Heard:
    """What came back, counted: answers are not kept, as they are not in a campaign either."""

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

    def told(self) -> dict[str, Any]:
        """All of it."""
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
    """A lane bare: a request in, an exchange out. One URL in ``holes`` is a black hole."""
    route = Route(address=Address(host=LOOPBACK, port=port), trust=trusting(cert))
    scheme = "https" if cert else "http"
    heard = Heard()
    async with open_lane(name) as opened:

        async def fetch(path: str) -> None:
            url = f"{scheme}://{LOOPBACK}:{port}/{path}"
            heard.exchange(await opened.exchange(Request(url=url, timeout=patience), route))

        await in_flight(fetch, [f"warm{n}" for n in range(min(WARM_UP, count))], concurrency)
        yield {}
        heard = Heard()
        await in_flight(fetch, paths(count, holes), concurrency)
        yield heard.told()


def paths(count: int, holes: int) -> list[str]:
    """The paths that are asked for, black holes spread evenly among them."""
    return [f"hole{n}" if holes and n % holes == 0 else f"page{n}" for n in range(count)]


async def bare_aiohttp(port: int, count: int, concurrency: int) -> Found:
    """aiohttp as its documentation has it, a new connection for each URL."""
    connector = aiohttp.TCPConnector(force_close=True, limit=concurrency)
    heard = Heard()
    async with aiohttp.ClientSession(connector=connector) as session:

        async def fetch(path: str) -> None:
            async with session.get(f"http://{LOOPBACK}:{port}/{path}") as answer:
                await answer.read()
                heard.answered += answer.status == 200

        await in_flight(fetch, [f"warm{n}" for n in range(WARM_UP)], concurrency)
        yield {}
        heard = Heard()
        await in_flight(fetch, paths(count, 0), concurrency)
        yield heard.told()


async def observation(
    name: str, port: int, count: int, concurrency: int, holes: int = 0, **limits: float
) -> Found:
    """Everything: batches observed by the web probe over a line, and appended to a journal."""
    declared = {"name": "none", "type": "control"}
    campaign = Campaign.model_validate(
        {
            "campaign": "benchmark",
            "service": {"name": "a far end"},
            "lines": (declared,),
            "profiles": {"ks2": {}},
            "corpora": ({"pack": "none"},),
            "sentinels": {"must_allow": (), "must_block": ()},
            "limits": {"concurrency": concurrency, **limits},
        }
    )
    plugin = find("lines", "control")
    options = plugin.Options(resolver="127.0.0.1:53", ports={80: port}, lane=name)
    clock = WallClock()
    with tempfile.TemporaryDirectory() as folder:
        instruments = Instruments(
            probes={"web": find("probes", "web")()},
            lines={("control", "ks2"): plugin("control", options, None, campaign.limits)},
            origin=None,
            evidence=EvidenceFolder(Path(folder) / "evidence"),
            clock=clock,
            gate=Gate(concurrency),
            second_gate=Gate(4 * concurrency),
            watch=Watch(clock),
        )
        journal = SegmentJournal.create(Path(folder) / "journal", {})
        async with AsyncExitStack() as stack:
            stack.callback(journal.close)
            await instruments.open(stack)
            await _observe(["warm"] * 100, 1, campaign, instruments, journal)
            yield {}
            yield await _observe(paths(count, holes), 2, campaign, instruments, journal)


async def _observe(
    asked: list[str],
    first: int,
    campaign: Campaign,
    instruments: Instruments,
    journal: SegmentJournal,
) -> dict[str, Any]:
    way = Way(probe="web", lines=(), profile="ks2", round=1)
    size = campaign.limits.batch
    batches = (
        Batch(
            number=first + start // size,
            way=way,
            items=tuple(
                Item(
                    id=f"{first}-{start + n}",
                    value=f"http://{LOOPBACK}/{path}",
                    labels=("X",),
                    kind="url",
                )
                for n, path in enumerate(asked[start : start + size])
            ),
        )
        for start in range(0, len(asked), size)
    )
    heard = Heard()
    async for batch, observations in observe(batches, campaign, instruments):
        journal.append(batch.number, observations)
        for each in observations:
            heard.answered += getattr(each.facts, "status", None) == 200
            if each.failure is not None:
                heard.failures[each.failure.name] += 1
    return heard.told()


async def names(name: str, port: int, count: int, concurrency: int) -> Found:
    """Questions to a name server over a line, each answer a full record."""
    plugin = find("lines", "control")
    options = plugin.Options(resolver=f"{LOOPBACK}:{port}", lane=name)
    heard = Heard()
    async with plugin("control", options, None, Limits()) as line:

        async def ask(host: str) -> None:
            answer = await line.ask(Question(name=host))
            heard.answered += bool(answer.facts.addresses)

        await in_flight(ask, [f"warm{n}.bench.test" for n in range(WARM_UP)], concurrency)
        yield {}
        heard = Heard()
        await in_flight(ask, [f"h{n}.bench.test" for n in range(count)], concurrency)
        yield heard.told()


async def campaign(folder: str, count: int, limits: dict[str, Any]) -> Found:
    """A whole campaign over the range in ``folder``: measured into a journal, and judged."""
    place = Path(folder)
    proxy = json.loads((place / "proxy.json").read_text(encoding="utf-8"))
    declared = Campaign.model_validate(
        {
            "campaign": "silence",
            "service": {"name": "the reference filter"},
            "lines": ({"name": "filtered", "type": "explicit_proxy"},),
            "profiles": {"ks2": {}},
            "corpora": ({"pack": "none"},),
            "limits": limits,
        }
    )
    origin = read_origin(place / "origin.json")
    control, filtered = find("lines", "control"), find("lines", "explicit_proxy")
    items = Chosen([[Item(id=host, value=host, labels=("X",)) for host in hosts(count)]])
    clock, concurrency = WallClock(), declared.limits.concurrency
    with tempfile.TemporaryDirectory() as out:
        given = declared.limits
        options = filtered.Options(proxy=proxy)
        instruments = Instruments(
            probes={"web": find("probes", "web")()},
            lines={
                ("control", "ks2"): control("control", control.Options(), origin, given),
                ("filtered", "ks2"): filtered("filtered", options, origin, given),
            },
            origin=origin,
            evidence=EvidenceFolder(Path(out) / "evidence"),
            clock=clock,
            gate=Gate(concurrency),
            second_gate=Gate(SECOND_LOOKS * concurrency if concurrency > 1 else 1),
            watch=Watch(clock),
        )
        journal = SegmentJournal.create(Path(out) / "journal", {})
        yield {}
        await measure(declared, items, instruments, journal)
        verdicts = judge(tuple(journal.observations())).verdicts
        journal.close()
    told = {each.item.id: f"{each.state} {each.mechanism}" for each in verdicts}
    yield {"verdicts": told, "blocked": sum("blocked" in each for each in told.values())}
