"""Engines that run the harness: observing batches into a journal, and a whole campaign."""

from __future__ import annotations

import json
import tempfile
from asyncio import to_thread
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from benchmarks.engines import LOOPBACK, Found, ResponseCounts, paths
from benchmarks.silence import hosts
from harness.campaign.item_selection import SelectedItems
from harness.campaign.origin_file import read_origin
from harness.judge.judge import judge
from harness.measure.concurrency_limiter import CONFIRMATION_FACTOR, ConcurrencyLimiter
from harness.measure.event_loop import LoopLagMonitor, infrequent_garbage_collection
from harness.measure.measurement_context import MeasurementContext
from harness.measure.observe import observe
from harness.model.batch import Batch, Way
from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.journal_header import JournalHeader
from harness.pipeline import measure
from harness.plugins import LINES, PROBES
from harness.ports.storage import WallClock
from harness.store.evidence import EvidenceFolder
from harness.store.journal.journal import SegmentJournal
from probes.clients.second_client import SecondClient


async def observation(
    name: str,
    port: int,
    count: int,
    concurrency: int,
    holes: int = 0,
    *,
    same_page: bool = False,
    **limits: float,
) -> Found:
    """Everything: batches observed by the web probe over a line, and appended to a journal.

    With ``same_page`` the paths differ in their query only, which the server ignores.
    """
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
    plugin = LINES.find("control")
    options = plugin.Options(resolver="127.0.0.1:53", ports={80: port}, lane=name)
    clock = WallClock()
    with tempfile.TemporaryDirectory() as folder:
        instruments = MeasurementContext(
            probes={"web": PROBES.find("web")()},
            lines={("control", "ks2"): plugin("control", options, None, campaign.limits)},
            origin=None,
            evidence=EvidenceFolder(Path(folder) / "evidence"),
            clock=clock,
            limiter=ConcurrencyLimiter(concurrency),
            confirmation_limiter=ConcurrencyLimiter(4 * concurrency),
            lag_monitor=LoopLagMonitor(clock),
        )
        journal = SegmentJournal.create(Path(folder) / "journal", {})
        async with AsyncExitStack() as stack:
            stack.callback(journal.close)
            stack.enter_context(infrequent_garbage_collection())
            await instruments.open(stack)
            await _observe(["warm"] * 100, 1, campaign, instruments, journal)
            yield {}
            asked = paths(count, holes)
            if same_page:
                asked = [f"same?{path}" for path in asked]
            yield await _observe(asked, 2, campaign, instruments, journal)


async def _observe(
    asked: list[str],
    first: int,
    campaign: Campaign,
    instruments: MeasurementContext,
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
                    registrable=f"site-{start + n}.test",  # else all would be one site
                )
                for n, path in enumerate(asked[start : start + size])
            ),
        )
        for start in range(0, len(asked), size)
    )
    responses = ResponseCounts()
    async for batch, observations in observe(batches, campaign, instruments):
        await to_thread(journal.append, batch.number, observations)
        for each in observations:
            responses.answered += getattr(each.facts, "status", None) == 200
            if each.failure is not None:
                responses.failures[each.failure.name] += 1
    return responses.counts()


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
    control, filtered = LINES.find("control"), LINES.find("explicit_proxy")
    items = SelectedItems([[Item(id=host, value=host, labels=("X",)) for host in hosts(count)]])
    clock, concurrency = WallClock(), declared.limits.concurrency
    with tempfile.TemporaryDirectory() as out:
        given = declared.limits
        options = filtered.Options(proxy=proxy)
        instruments = MeasurementContext(
            probes={"web": PROBES.find("web")()},
            lines={
                ("control", "ks2"): control("control", control.Options(), origin, given),
                ("filtered", "ks2"): filtered("filtered", options, origin, given),
            },
            origin=origin,
            evidence=EvidenceFolder(Path(out) / "evidence"),
            clock=clock,
            limiter=ConcurrencyLimiter(concurrency),
            confirmation_limiter=ConcurrencyLimiter(
                CONFIRMATION_FACTOR * concurrency if concurrency > 1 else 1
            ),
            lag_monitor=LoopLagMonitor(clock),
            second_client=SecondClient(),
        )
        header = JournalHeader(campaign=declared)
        journal = SegmentJournal.create(Path(out) / "journal", header.as_document())
        yield {}
        await measure(declared, items, instruments, journal)
        verdicts = judge(tuple(journal.observations())).verdicts
        journal.close()
    outcomes = {verdict.item.id: f"{verdict.state} {verdict.mechanism}" for verdict in verdicts}
    blocked = sum("blocked" in outcome for outcome in outcomes.values())
    yield {"verdicts": outcomes, "blocked": blocked}
