"""The whole system: measure collects facts from the network, conclude reads the journal alone."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Collection
from contextlib import AsyncExitStack, aclosing

from harness.assess.declared_conformity import compared
from harness.assess.outcomes import assess, bar_incomplete
from harness.estimate.early_stopping_outcomes import EarlyStoppingOutcomes
from harness.estimate.label_error import corrected
from harness.estimate.stopping_tests import StoppingTests
from harness.judge.composite_measurements import judge_maker
from harness.judge.judge import batch_judges
from harness.measure.batch_plan import Retries
from harness.measure.early_stopping import EarlyStopping
from harness.measure.event_loop import infrequent_garbage_collection
from harness.measure.measurement_context import MeasurementContext
from harness.measure.observe import observe, require_control
from harness.measure.progress import ProgressCounter, Reporter
from harness.measure.retrials import Retrials
from harness.model.campaign import Campaign
from harness.model.outcome import Assessment
from harness.model.scheme import Scheme
from harness.ports.corpora import Items
from harness.ports.storage import Clock, Journal, WallClock
from harness.verdicts.cached_verdicts import VerdictCache, counted_verdicts


async def measure(
    campaign: Campaign,
    items: Items,
    context: MeasurementContext,
    journal: Journal,
    reporter: Reporter | None = None,
) -> Journal:
    """Try every item every way that the journal lacks; void batches and undecided items again."""
    progress = ProgressCounter(campaign, len(items), journal.batches(), context.clock, reporter)
    judges = batch_judges(campaign.service.block_page, journal.header.probes)
    may_stop = StoppingTests(campaign, journal.header.packs)
    stopping = EarlyStopping(campaign, items, journal, judges.judge_batch, may_stop)
    retries = Retries(campaign, items, journal, judges)
    passes = retries.passes(context.half, only_undecided=context.only_undecided)
    retrials = Retrials(campaign, items, context, journal, judges.judge_trials)
    async with AsyncExitStack() as stack:
        await context.open(stack)
        await retrials.open(stack)
        stack.enter_context(infrequent_garbage_collection())
        for batches in map(stopping.without_stopped, passes):
            async with aclosing(observe(batches, campaign, context)) as observed:
                async for batch, seen in observed:
                    progress.count(seen, await to_thread(stopping.store_batch, batch.number, seen))
                    await to_thread(retries.add_batch, batch.number, seen)
                    require_control(batch.number, seen)
                    await retrials.add_batch(seen)
        await retrials.finish(progress)
    progress.finish()
    await to_thread(stopping.seal)
    await to_thread(retrials.seal)
    return journal


def conclude(
    journal: Journal,
    scheme: Scheme,
    clock: Clock | None = None,
    only: Collection[str] | None = None,
    verdicts: VerdictCache | None = None,
) -> Assessment:
    """Judge all items (or ``only`` some; kept in ``verdicts``), hold metrics against the scheme."""
    header, instrument = journal.header, journal.instrument_records()
    held, make_judge = scheme.within(header.campaign.scope), judge_maker(journal)
    early = EarlyStoppingOutcomes(held, journal, make_judge)
    with counted_verdicts(journal, make_judge, only, verdicts, twice=scheme.reproduces) as counted:
        found = early.estimate(counted, counted.basis, instrument)
    whole = early.decide(bar_incomplete(found.measurements, journal))
    outcomes = corrected(assess(whole, scheme.decision, found.preconditions), header.packs.values())
    now = (clock or WallClock()).now()
    return compared(Assessment.of(header, scheme, now, counted.basis, found, outcomes, instrument))
