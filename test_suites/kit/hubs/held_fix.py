"""A fix that holds: the events that close a verified plan."""

from __future__ import annotations

from datetime import datetime, timedelta

from harness.model.event import PlanClosed, SoakMeasured
from harness.model.soak import SOAK_DAYS, SoakCampaign


def held_and_closed(
    plan: str, at: datetime, *, scheme: str = "becta-2008", actor: str = "Ann"
) -> tuple[SoakMeasured, PlanClosed]:
    """A campaign after the soak period that began at a time, and the closure of the plan."""
    ended = at + timedelta(days=SOAK_DAYS)
    later = ended + timedelta(hours=1)
    soak = SoakCampaign(campaign="after-soak", begun=ended, conforms=True)
    return (
        SoakMeasured(
            at=later, actor=actor, plan=plan, soak=soak, service="Safe Net", scheme=scheme
        ),
        PlanClosed(at=later, actor=actor, plan=plan),
    )
