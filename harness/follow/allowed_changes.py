"""Differences between the campaigns of a plan that a named person allowed."""

from __future__ import annotations

from dataclasses import replace

from harness.follow.guards import require_text
from harness.model.action_plan import ActionPlan, Finding
from harness.model.content_identity import AllowedChange
from harness.model.event import ChangeAllowed


def allow_change(plan: ActionPlan, _: Finding, event: ChangeAllowed) -> ActionPlan:
    """The plan after somebody allowed a change. Raises UsageError without a reason."""
    require_text(plan, "a reason to allow the change (--allow-change)", event.reason)
    require_text(plan, "what differs", "".join(event.differences))
    change = AllowedChange(
        campaign=event.campaign,
        differences=event.differences,
        reason=event.reason,
        by=event.actor,
        at=event.at,
    )
    return replace(plan, changes=(*plan.changes, change))
