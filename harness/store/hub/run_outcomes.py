"""Read what single runs showed of one requirement: the figures that an alarm rests on."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from harness.store.hub.hub_tables import OUTCOMES
from harness.store.hub.repository import Reading


class RunOutcome(NamedTuple):
    """What one run showed of a requirement on one line; figures are in the metric's unit."""

    site: str
    at: datetime
    campaign: str
    line: str
    state: str
    value: float | None
    lower: float | None
    upper: float | None


def run_outcomes(
    reading: Reading,
    stream: str,
    campaigns: Collection[str],
    requirement: str,
    profile: str,
    *,
    limit: int,
) -> tuple[RunOutcome, ...]:
    """The outcomes of a requirement for a profile in some campaigns, oldest first for each site."""
    table = OUTCOMES.c
    rows = reading.rows(
        OUTCOMES,
        table.stream == stream,
        table.campaign.in_(sorted(campaigns)),
        table.requirement == requirement,
        table.profile == profile,
        order=(table.site, table.measured_at, table.campaign, table.line),
        limit=limit,
    )
    return tuple(
        RunOutcome(
            row.site,
            row.measured_at,
            row.campaign,
            row.line,
            row.state,
            row.value,
            row.lower,
            row.upper,
        )
        for row in rows
    )
