"""The whole system on one page: measure collects facts, conclude draws conclusions.

``measure`` needs the network and concludes nothing. ``conclude`` needs only the journal, and may
be run again for ever, by a newer rule or a stricter scheme.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AsyncExitStack, aclosing

from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.outcome import Assessment
from harness.model.scheme import Scheme
from harness.ports.keeping import Clock, Journal, WallClock
from harness.ports.telling import Reporter, Silence
from harness.stages.assess import assess
from harness.stages.estimate.estimate import estimate
from harness.stages.judge.judge import judge
from harness.stages.observe import Equipment, observe
from harness.stages.select import plan_batches
from harness.tally import Tally


async def measure(
    campaign: Campaign,
    items: tuple[Item, ...],
    equipment: Equipment,
    journal: Journal,
    reporter: Reporter | None = None,
) -> Journal:
    """Try every item every way; batches that the journal holds are not repeated."""
    batches = list(plan_batches(campaign, items))
    held = journal.batches()
    missing = [batch for batch in batches if batch.number not in held]
    tally = Tally(campaign, batches, held, equipment.clock, reporter or Silence())
    async with AsyncExitStack() as stack:
        await equipment.open(stack)
        async with aclosing(observe(missing, campaign, equipment)) as observed:
            async for batch, observations in observed:
                journal.append(batch.number, observations)
                tally.count(observations)
    journal.seal()
    return journal


def conclude(
    journal: Journal,
    scheme: Scheme,
    clock: Clock | None = None,
    only: Collection[str] | None = None,
) -> Assessment:
    """Judge the journal's trials, estimate metrics, and hold them against the scheme.

    ``only`` are the ids of the items that count, as a re-test needs; by default all do.
    """
    campaign = Campaign.model_validate_json(journal.header["campaign"])
    phases = {profile: campaign.phase_of(profile) for profile in campaign.profiles}
    observations = tuple(
        observation
        for observation in journal.observations()
        if only is None or observation.role != "item" or observation.item.id in only
    )
    judged = judge(observations)
    estimated = estimate(judged.verdicts, scheme, phases)
    outcomes = assess(estimated.measurements, scheme.decision, judged.preconditions)
    return Assessment(
        campaign=campaign.campaign,
        title=campaign.title,
        service=campaign.service.name,
        supplier=campaign.service.supplier,
        scheme=scheme.id,
        scheme_version=scheme.version,
        scheme_title=scheme.title,
        rules_version=judged.rules_version,
        concluded=(clock or WallClock()).now(),
        observations=len(observations),
        outcomes=outcomes,
        preconditions=judged.preconditions,
        rates=estimated.rates,
        mechanisms=estimated.mechanisms,
        latencies=estimated.latencies,
        corpora=tuple(journal.header["corpora"]),
        not_applicable=estimated.not_applicable,
    )
