"""The speed of a service of an area, measured in few and short rounds beside a slow origin."""

from __future__ import annotations

from pathlib import Path

from harness.cli.compose import prepare
from harness.cli.paths import CampaignPaths
from harness.cli.speed import measure
from harness.measure.speed_rounds import SpeedExtent
from harness.model.transfer import SIZES
from probes.range.faults import Fault, FaultKind

EXTENT = SpeedExtent(
    rounds=6,
    requests=1,
    connections=8,
    seconds=0.05,
    items=6,
    sizes={form: (least // 40, most // 40) for form, (least, most) in SIZES.items()},
    samples=0,
)
SLOW_ORIGIN = Fault(kind=FaultKind.SLOW, service="origin", delay=0.06)
"""The origin waits before each answer of a transfer, so that the work of a service hardly counts."""


def measure_speed(campaign: Path, out: Path) -> None:
    """Measure the speed of a campaign's service."""
    prepared = prepare(campaign)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    measure(prepared, paths, EXTENT)
