"""Whole campaigns of services at the mark, stopped early for real, without measuring each anew.

A campaign is measured twice on simulated lines: with everything blocked, and with nothing blocked
but the sentinels. A replicate takes each item's observations from one of the two, batch by batch
through the ``EarlyStopping``, and its journal is concluded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from msgspec.structs import replace

from harness.assess.outcomes import assess, bar_incomplete
from harness.campaign.assemble import Prepared
from harness.campaign.origin_file import write_origin
from harness.cli.compose import measurement_context, prepare
from harness.cli.measure import header_of
from harness.estimate.early_stopping_outcomes import EarlyStoppingOutcomes
from harness.estimate.estimate import estimate
from harness.estimate.stopping_tests import StoppingTests
from harness.judge.composite_measurements import judge_maker
from harness.judge.judge import batch_judges
from harness.measure.batch_plan import plan_batches
from harness.measure.early_stopping import EarlyStopping
from harness.model.campaign import Campaign, Stopping, StoppingPlan
from harness.model.corpus import covers
from harness.model.journal_header import JournalHeader
from harness.model.observation import Observation
from harness.model.outcome import Outcome
from harness.model.scheme import Scheme
from harness.pipeline import conclude, measure
from harness.ports.network import Origin
from harness.ports.storage import WallClock
from harness.store.evidence import EvidenceFolder
from harness.store.journal.journal import SegmentJournal
from test_suites.calibration.simulated_counts import Random, scheme
from test_suites.calibration.simulated_rows import block
from test_suites.kit.campaigns.memory_fold import MemoryFold
from test_suites.kit.campaigns.rehearsal import write_campaign
from test_suites.unit.harness.measure.test_early_stopping import Memory

SENTINEL = "copper-meadow.accredit.test"
CATEGORIES = ("DRUG", "VIOL")
PLAN = StoppingPlan(categories=("DRUG",), bad=0.9, good=0.98, alpha=0.05, beta=0.1)
PHASES = {"ks2": "ks2"}
SCHEME = scheme(
    block("block_rate", "DRUG"),
    block("block_rate_by_category", "DRUG"),
    block("block_rate", "DRUG", alpha=0.04),
    block("block_rate", "DRUG", "VIOL"),
    block("block_rate", "VIOL"),
)
"""What the plan decides, what is within it, what it touches, and what it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A campaign as it goes if all is blocked, and if nothing is, by batch."""

    campaign: Campaign
    ready: Prepared
    header: JournalHeader
    closed: dict[int, list[Observation]]
    open: dict[int, list[Observation]]

    def journal(self, blocked: Collection[str]) -> Memory:
        """The journal of a service that blocks these items, stopped as the campaign declares."""
        kept = Memory(self.header)
        judges = batch_judges(self.campaign.service.block_page)
        may_stop = StoppingTests(self.campaign, self.header.packs)
        stopper = EarlyStopping(self.campaign, self.ready.items, kept, judges.judge_batch, may_stop)
        for batch in stopper.without_stopped(plan_batches(self.campaign, self.ready.items)):
            tried = {item.id for item in batch.items}
            seen = [
                one
                for source, is_blocked in ((self.closed, True), (self.open, False))
                for one in source[batch.number]
                if one.role == "item"
                and one.item.id in tried
                and (one.item.id in blocked) == is_blocked
            ]
            ends = [one for one in self.closed[batch.number] if one.role != "item"]
            stopper.store_batch(batch.number, [*ends, *seen])
        stopper.seal()
        return kept

    def outcomes(self, journal: Memory, scheme: Scheme) -> tuple[Outcome, ...]:
        """What ``conclude`` makes of it, with the verdicts folded in memory instead of on disk."""
        maker = judge_maker(journal)
        judge = maker()
        verdict_counts = MemoryFold(judge.verdicts(journal.observations()))
        early = EarlyStoppingOutcomes(scheme, journal, maker)
        found = estimate(verdict_counts, early.scheme, PHASES, judge.preconditions)
        whole = bar_incomplete(found.measurements, journal)
        return assess(early.decide(whole), scheme.decision, judge.preconditions)

    def concluded(self, journal: Memory, scheme: Scheme) -> tuple[Outcome, ...]:
        """The same by ``conclude`` itself."""
        return conclude(journal, scheme).outcomes

    def of(self, category: str) -> list[str]:
        """The ids of the items of a category, and of those below it."""
        return [item.id for item in self.ready.items if covers(item.category, category)]


def at_the_mark(recorded: Recorded, random: Random) -> set[str]:
    """The items that a service at 90 % blocks."""
    items = [item for code in CATEGORIES for item in recorded.of(code)]
    hits = random.random(len(items)) < PLAN.bad
    return {item for item, is_hit in zip(items, hits, strict=True) if is_hit}


def record(folder: Path) -> Recorded:
    """Measure the campaign both ways."""
    origin = Origin(
        zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="a", key=b"k" * 32
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_origin(origin, folder / "origin.json")
    ready, closed = _measured(folder, [*CATEGORIES, SENTINEL], "closed")
    _, open_ = _measured(folder, [SENTINEL], "open")
    campaign = ready.campaign.model_copy(update={"stopping": Stopping(plans=(PLAN,))})
    header = replace(header_of(ready), campaign=campaign, retrials=False)
    return Recorded(campaign=campaign, ready=ready, header=header, closed=closed, open=open_)


def _measured(
    folder: Path, block: list[str], name: str
) -> tuple[Prepared, dict[int, list[Observation]]]:
    path = write_campaign(
        folder / name,
        origin=folder / "origin.json",
        lines=[{"name": "proxy", "type": "simulated", "options": {"block": block}}],
        categories=CATEGORIES,
        profiles={"ks2": {}},
        control={"type": "simulated"},
        limits={"batch": 40, "timeout": 0.7, "concurrency": 40},
        stopping={"plans": [PLAN.model_dump()]},
    )
    ready = prepare(path)
    ready.campaign.__dict__["stopping"] = None  # both are measured to their end
    journal = SegmentJournal.create(folder / f"{name}-journal", header_of(ready).as_document())
    instruments = measurement_context(ready, EvidenceFolder(folder / "evidence"), WallClock())
    asyncio.run(measure(ready.campaign, ready.items, instruments, journal))
    batches = {
        number: list(seen)
        for number, seen in groupby(journal.observations(), lambda one: one.batch)
    }
    journal.close()
    return ready, batches
