"""Overdue is read off the clock, and a closed plan is never overdue."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from harness.model.action_plan import ActionPlan, PlanState

DUE = datetime(2026, 12, 24, tzinfo=UTC)
PLAN = ActionPlan(
    id="P-1",
    finding="F-1",
    owner="",
    corrective_action="",
    due=DUE,
    original_due=DUE,
    state=PlanState.AGREED,
    opened=DUE - timedelta(days=30),
)


def test_a_plan_is_overdue_after_its_due_date_only() -> None:
    assert not PLAN.is_overdue(DUE)
    assert PLAN.is_overdue(DUE + timedelta(seconds=1))


def test_a_closed_plan_is_not_overdue() -> None:
    assert not replace(PLAN, state=PlanState.CLOSED).is_overdue(DUE + timedelta(days=1))
