"""The speed of a service of an area, measured in few and short rounds beside a slow origin."""

from __future__ import annotations

from pathlib import Path

from harness.cli.compose import prepare
from harness.cli.paths import CampaignPaths
from harness.cli.speed import measure
from harness.model.transfer import SIZES, Sizes
from probes.range.faults import Fault, FaultKind

ROUNDS, SHORT, AT_ONCE, ITEMS = 6, 1, 8, 6
"""Rounds, short pages in each, transfers at once, and items tried under load."""
FEW_BYTES: Sizes = {form: (least // 40, most // 40) for form, (least, most) in SIZES.items()}
SLOW_ORIGIN = Fault(kind=FaultKind.SLOW, service="origin", delay=0.06)
"""The origin waits before each answer of a transfer, so that the work of a service hardly counts."""


def measure_speed(campaign: Path, out: Path) -> None:
    """Measure the speed of a campaign's service."""
    prepared = prepare(campaign)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    measure(prepared, paths, ROUNDS, SHORT, AT_ONCE, 0.05, ITEMS, sizes=FEW_BYTES, samples=0)
