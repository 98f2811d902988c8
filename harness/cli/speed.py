"""``accredit speed``: measure the speed of a service's lines beside the control line.

What is measured becomes a part of the campaign's journal, for ``accredit conclude``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from harness.campaign.assemble import Prepared
from harness.cli.compose import load_and_warn
from harness.cli.measure import prepare_in, resumable
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.printing import say
from harness.cli.sending import make_requests
from harness.errors import UsageError
from harness.estimate.quantile_bounds import Shift
from harness.estimate.transfer_pairs import PHASES, added_delays, block_delay
from harness.judge.composite_measurements import judge_maker
from harness.measure.measurement_context import MeasurementContext
from harness.measure.speed_rounds import (
    PROBE,
    SpeedExtent,
    SpeedPlan,
    measure_speed,
    paths_of,
)
from harness.model.corpus import Item
from harness.model.sampler import ordering
from harness.model.service_speed import Bandwidth
from harness.ports.storage import Clock, Journal

USUAL = SpeedExtent()
LEVEL = 0.05
"""The level of each one-sided bound of the delays that are printed."""


def speed_command(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.")],
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    rounds: Annotated[
        int, typer.Option(min=1, max=1000, help="Rounds for each line and profile.")
    ] = USUAL.rounds,
    requests: Annotated[
        int, typer.Option(min=1, max=10_000, help="Short pages in each round.")
    ] = USUAL.requests,
    connections: Annotated[
        int, typer.Option(min=2, max=256, help="Transfers at once, for the bandwidth and as load.")
    ] = USUAL.connections,
    seconds: Annotated[
        float, typer.Option(min=0.01, max=600, help="Length of a sample and of a load.")
    ] = USUAL.seconds,
    items: Annotated[
        int, typer.Option(min=0, max=100_000, help="Items tried idle and under load.")
    ] = USUAL.items,
) -> None:
    """Measure bandwidth, throughput, delay and failures, and filtering under load.

    Transfers look like ordinary traffic: pages, downloads, videos, uploads.
    """
    prepared = prepare_in(campaign, out)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    extent = SpeedExtent(
        rounds=rounds, requests=requests, connections=connections, seconds=seconds, items=items
    )
    with resumable(paths.journal):
        measure(prepared, paths, extent)


def measure(
    prepared: Prepared, paths: CampaignPaths, extent: SpeedExtent, clock: Clock | None = None
) -> None:
    """Measure the speed of each line and profile, and write it to the journal of the campaign.

    Raises UsageError if no line can be measured.
    """
    campaign = prepared.campaign
    chosen = {name: _chosen(prepared, name, extent.items) for name in campaign.profiles}

    async def make(context: MeasurementContext, journal: Journal, number: int) -> None:
        plan = SpeedPlan(
            number=number,
            extent=extent,
            bandwidth=campaign.service.bandwidth or Bandwidth(),
            items=chosen,
        )
        found, others = paths_of(campaign, context)
        if not found:
            msg = (
                f"{prepared.path}: no line fetches pages (by web or web_https), so none has a speed"
            )
            raise UsageError(msg)
        for name in others:
            say(f"{name}: not measured, because no probe of the campaign fetches pages over it")
        await measure_speed(campaign, context, journal, plan)

    number = make_requests(prepared, paths, {PROBE}, make, clock, "speed")
    say(f"measurement {number}: {extent.rounds} rounds of each line and profile")
    for line in _delays(paths.journal):
        say(line)
    say(f"next: accredit conclude {paths.journal}")


def _chosen(prepared: Prepared, profile: str, number: int) -> tuple[Item, ...]:
    """The items to try idle and under load: of those that must be blocked, drawn by the seed.

    If the campaign has too few, each is tried several times, in rounds that are far apart.
    """
    campaign = prepared.campaign
    policy, phase = load_and_warn(campaign.scheme).policy, campaign.phase_of(profile)
    key = ordering(f"speed {campaign.seed}")
    found = [
        one for one in prepared.items if one.host and policy.expects(one.category, phase) == "block"
    ]
    found.sort(key=lambda one: key(one.id))
    return tuple(found[place % len(found)] for place in range(number)) if found else ()


def _delays(folder: Path) -> Iterator[str]:
    """What the service adds to each phase of a short page, and to a block, in words."""
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    with closing(open_journal(folder)) as journal:
        speed = judge_maker(journal)().records.speed
    for line, profile in sorted({(one.line, one.profile) for one in speed.rounds}):
        own = speed.of(line, profile)
        for phase, shift in added_delays(own, LEVEL).items():
            yield f"{line}, {profile}: {PHASES[phase]}: {_in_words(shift)}"
        block = block_delay(own, LEVEL)
        if block is not None:
            yield f"{line}, {profile}: answer of a block: {_in_words(block)}"


def _in_words(shift: Shift) -> str:
    ends = (shift.bounds.lower, shift.bounds.upper)
    bounds = " to ".join("?" if end is None else f"{end * 1000:+.1f}" for end in ends)
    return f"{shift.value * 1000:+.1f} ms ({bounds} ms)"
