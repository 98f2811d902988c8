"""A supplier submits a plan; the assessor agrees it as it is, or returns it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from harness.errors import UsageError
from harness.follow.transitions import advance
from harness.model.action_plan import ActionPlan, Finding, Milestone, PlanState
from harness.model.event import (
    PlanAgreed,
    PlanEvent,
    PlanExtended,
    PlanReturned,
    PlanSubmitted,
    PlanSuperseded,
)

Made = Callable[..., PlanEvent]


def test_what_was_submitted_is_agreed(
    plan: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    due = now + timedelta(days=20)
    submitted = advance(
        plan, finding, made(PlanSubmitted, actor="Zoe", due=due, root_cause="a full disk")
    )
    agreed = advance(submitted, finding, made(PlanAgreed, corrective_action="Mend"))

    assert (submitted.state, submitted.submitted_by) == (PlanState.SUBMITTED, "Zoe")
    assert (agreed.state, agreed.due, agreed.root_cause) == (PlanState.AGREED, due, "a full disk")
    assert "Zoe: submitted, owner Acme, due 2026-03-22" in submitted.history[-1]


@pytest.mark.parametrize(
    ("differing", "what"),
    [
        ({"owner": "Other"}, "owner"),
        ({"corrective_action": "Wait"}, "corrective action"),
        ({"root_cause": "another"}, "root cause"),
        ({"containment": "none"}, "containment"),
        ({"preventive_action": "hope"}, "preventive action"),
        ({"explanation": "not ours"}, "explanation"),
        ({"due": datetime.fromisoformat("2026-03-12T00:00:00Z")}, "due date"),
        (
            {
                "milestones": (
                    Milestone(title="x", due=datetime.fromisoformat("2026-03-12T00:00Z")),
                )
            },
            "milestones",
        ),
    ],
)
def test_a_submitted_plan_is_agreed_as_it_is(
    plan: ActionPlan, finding: Finding, made: Made, differing: dict[str, Any], what: str
) -> None:
    submitted = advance(plan, finding, made(PlanSubmitted, actor="Zoe"))

    with pytest.raises(UsageError, match=f"but this changes its {what}; return it"):
        advance(submitted, finding, made(PlanAgreed, **differing))


def test_a_returned_plan_is_changed_and_submitted_again(
    plan: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    soon = now + timedelta(days=10)
    submitted = advance(plan, finding, made(PlanSubmitted, actor="Zoe", due=soon))
    with pytest.raises(UsageError, match="needs a reason: what has to change"):
        advance(submitted, finding, made(PlanReturned, reason=" "))
    returned = advance(submitted, finding, made(PlanReturned))

    again = advance(returned, finding, made(PlanSubmitted, actor="Zoe", due=plan.original_due))

    assert (returned.state, returned.due) == (PlanState.RETURNED, soon)
    assert (again.state, again.due) == (PlanState.SUBMITTED, plan.original_due)
    assert "returned: name a milestone" in returned.history[-1]


@pytest.mark.parametrize(
    ("differing", "why"),
    [
        ({"owner": ""}, "needs an owner"),
        ({"corrective_action": " "}, "needs a corrective action"),
        ({"due": datetime.fromisoformat("2026-04-02T00:00:00Z")}, "only an extension"),
        ({"due": datetime.fromisoformat("2026-03-01T00:00:00Z")}, "is not in the future"),
    ],
)
def test_a_submission_needs_what_an_agreement_needs(
    plan: ActionPlan, finding: Finding, made: Made, differing: dict[str, Any], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        advance(plan, finding, made(PlanSubmitted, **differing))


def test_a_critical_plan_is_submitted_with_its_containment(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    with pytest.raises(UsageError, match="needs containment"):
        advance(replace(plan, containment=""), finding, made(PlanSubmitted, containment=" "))


def test_extensions_stay_on_record_with_the_date_before(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    once = advance(plan, finding, made(PlanExtended))
    twice = advance(once, finding, made(PlanExtended, due=once.due + timedelta(days=9)))

    assert twice.original_due == plan.due
    assert [(one.was, one.due) for one in twice.extensions] == [
        (plan.due, once.due),
        (once.due, twice.due),
    ]
    assert twice.latest_due == twice.due


def test_only_another_version_of_the_scheme_supersedes_a_plan(
    plan: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    after = advance(plan, finding, made(PlanSuperseded))

    assert (after.is_ended, after.ended, after.approvers) == (True, now, ("Bea",))
    assert not after.is_overdue(now + timedelta(days=400))
    for differing, why in (
        ({"scheme_version": "1.0 "}, "is by becta-2008 1.0 already"),
        ({"scheme_version": " "}, "needs the new version"),
        ({"reason": ""}, "needs a reason"),
        ({"approver": ""}, "needs an approver"),
        ({"approver": "Acme"}, "is its owner and cannot approve its end"),
    ):
        with pytest.raises(UsageError, match=why):
            advance(plan, finding, made(PlanSuperseded, **differing))
