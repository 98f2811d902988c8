"""The whole system: measure collects facts from the network, conclude reads the journal alone."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Collection
from contextlib import AsyncExitStack, aclosing

from harness.assess.outcomes import assess, bar_incomplete
from harness.estimate.early_stopping_outcomes import EarlyStoppingOutcomes
from harness.estimate.label_error import corrected
from harness.estimate.stopping_tests import StoppingTests
from harness.judge.composite_measurements import judge_maker
from harness.judge.judge import batch_judges
from harness.measure.batch_plan import Retrier
from harness.measure.early_stopping import Stopper
from harness.measure.event_loop import calm_collector
from harness.measure.measurement_context import Instruments
from harness.measure.observe import observe, require_control
from harness.measure.progress import Reporter, Silence, Tally
from harness.measure.retrials import Retrials
from harness.model.campaign import Campaign
from harness.model.outcome import Assessment
from harness.model.scheme import Scheme
from harness.ports.network import Items
from harness.ports.storage import Clock, Journal, WallClock
from harness.verdicts.cached_verdicts import VerdictFolder, judged


async def measure(
    campaign: Campaign,
    items: Items,
    instruments: Instruments,
    journal: Journal,
    reporter: Reporter | None = None,
) -> Journal:
    """Try every item every way that the journal lacks; void batches and undecided items again."""
    tally = Tally(campaign, len(items), journal.batches(), instruments.clock, reporter or Silence())
    judges = batch_judges(campaign.service.block_page, journal.header.probes)
    may_stop = StoppingTests(campaign, journal.header.packs)
    stopper = Stopper(campaign, items, journal, judges.judge_batch, may_stop)
    retrier = Retrier(campaign, items, journal, judges)
    passes = retrier.passes(instruments.half, only_undecided=instruments.only_undecided)
    retrials = Retrials(campaign, items, instruments, journal, judges.judge_trials)
    async with AsyncExitStack() as stack:
        await instruments.open(stack)
        await retrials.open(stack)
        stack.enter_context(calm_collector())
        for batches in map(stopper.thin, passes):
            async with aclosing(observe(batches, campaign, instruments)) as observed:
                async for batch, seen in observed:
                    tally.count(seen, await to_thread(stopper.take, batch.number, seen))
                    await to_thread(retrier.heed, batch.number, seen)
                    require_control(batch.number, seen)
                    await retrials.heed(seen)
        await retrials.finish(tally)
    tally.finish()
    await to_thread(stopper.seal)
    await to_thread(retrials.seal)
    return journal


def conclude(
    journal: Journal,
    scheme: Scheme,
    clock: Clock | None = None,
    only: Collection[str] | None = None,
    verdicts: VerdictFolder | None = None,
) -> Assessment:
    """Judge all items (or ``only`` some; kept in ``verdicts``), hold metrics against the scheme."""
    header, instrument = journal.header, journal.instrument_records()
    make_judge = judge_maker(journal)
    early = EarlyStoppingOutcomes(scheme, journal, make_judge)
    with judged(journal, make_judge, only, verdicts) as verdict_counts:
        found = early.estimate(verdict_counts, verdict_counts.basis, instrument)
    whole = bar_incomplete(found.measurements, journal)
    outcomes = assess(early.decide(whole), scheme.decision, found.preconditions)
    outcomes = corrected(outcomes, header.packs.values())
    now = (clock or WallClock()).now()
    return Assessment.of(header, scheme, now, verdict_counts.basis, found, outcomes, instrument)
