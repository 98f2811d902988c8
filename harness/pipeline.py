"""The whole system: measure collects facts from the network, conclude reads the journal alone."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Collection
from contextlib import AsyncExitStack, aclosing
from functools import partial
from typing import Any

from harness.collector import calm_collector
from harness.control import require_control
from harness.correcting import corrected
from harness.instruments import Instruments
from harness.judged import judged
from harness.model.campaign import Campaign
from harness.model.outcome import Assessment
from harness.model.scheme import Scheme
from harness.ports.keeping import Clock, Journal, WallClock
from harness.ports.telling import Reporter, Silence
from harness.retrials import Retrials
from harness.retrying import Retrier
from harness.schemes.load import metric_units
from harness.settling import Settlement
from harness.stages.assess import assess
from harness.stages.judge.judge import judge_batch
from harness.stages.observe import observe
from harness.stages.select import Chosen
from harness.stopping import Stopper
from harness.store.verdicts import VerdictFolder
from harness.tally import Tally


async def measure(
    campaign: Campaign,
    items: Chosen,
    instruments: Instruments,
    journal: Journal,
    reporter: Reporter | None = None,
) -> Journal:
    """Try every item every way that the journal lacks; void batches and undecided items again."""
    held = journal.batches()
    tally = Tally(campaign, len(items), held, instruments.clock, reporter or Silence())
    stopper, retrier = Stopper(campaign, items, journal), Retrier(campaign, items, journal)
    passes = retrier.passes(instruments.half, only_undecided=instruments.only_undecided)
    judging = partial(judge_batch, page=campaign.service.block_page)
    retrials = Retrials(campaign, items, instruments, journal, judging)
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
    from harness.stages.estimate.estimate import estimate  # noqa: PLC0415 - an agent has no scipy

    campaign = Campaign.model_validate_json(journal.header["campaign"])
    phases = {profile: campaign.phase_of(profile) for profile in campaign.profiles}
    told: dict[str, Any] = {name: journal.header.get(name) for name in ("frames", "packs")}
    told["instrument"] = instrument = journal.instrument_records()
    early = Settlement(campaign, scheme, journal)
    with judged(journal, only, verdicts) as folded:
        basis = folded.basis
        told |= {"units": metric_units(), "items": campaign.items, "twins": basis.twins}
        found = estimate(folded, early.scheme, phases, basis.preconditions, **told)
    outcomes = assess(early.settle(found.measurements), scheme.decision, found.preconditions)
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
