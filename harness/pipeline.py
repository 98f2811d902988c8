"""The whole system: measure collects facts from the network, conclude reads the journal alone."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Collection
from contextlib import AsyncExitStack, aclosing
from typing import Any

from harness.assess.outcomes import assess, grant_nothing_unfinished
from harness.estimate.early_stopping_outcomes import Settlement
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
    held = journal.batches()
    tally = Tally(campaign, len(items), held, instruments.clock, reporter or Silence())
    judges = batch_judges(campaign.service.block_page)
    may_stop = StoppingTests(campaign, journal.header.get("packs") or {})
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
    from harness.estimate.estimate import estimate  # noqa: PLC0415 - an agent has no scipy

    campaign = Campaign.model_validate_json(journal.header["campaign"])
    phases = {profile: campaign.phase_of(profile) for profile in campaign.profiles}
    told: dict[str, Any] = {name: journal.header.get(name) for name in ("frames", "packs")}
    told["instrument"] = instrument = journal.instrument_records()
    make_judge = judge_maker(journal, campaign.service.block_page)
    early = Settlement(campaign, scheme, journal, make_judge)
    with judged(journal, make_judge, only, verdicts) as folded:
        basis = folded.basis
        told |= {"items": campaign.items, "twins": basis.twins}
        found = estimate(folded, early.scheme, phases, basis.preconditions, **told)
    whole = grant_nothing_unfinished(found.measurements, campaign, journal)
    outcomes = assess(early.settle(whole), scheme.decision, found.preconditions)
    return Assessment(
        campaign=campaign.campaign,
        title=campaign.title,
        service=campaign.service.name,
        supplier=campaign.service.supplier,
        scheme=scheme.id,
        scheme_version=scheme.version,
        scheme_title=scheme.title,
        rules_version=basis.rules_version,
        concluded=(now := (clock or WallClock()).now()),
        observations=basis.observations,
        outcomes=corrected(outcomes, journal.header),
        preconditions=found.preconditions,
        rates=early.widen(found.rates),
        mechanisms=found.mechanisms,
        latencies=found.latencies,
        corpora=tuple(journal.header["corpora"]),
        not_applicable=found.not_applicable,
        packs=found.apart.rates,
        foreknowledge=found.apart.foreknowledge,
        items=campaign.items,
        warnings=scheme.warnings(now.date()),
        instrument=instrument,
    )
