"""Who approves stands apart, now and later; nobody verifies a fix of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from harness.errors import UsageError
from harness.follow.guards import role_conflict_in
from harness.follow.transitions import advance
from harness.model.action_plan import ActionPlan, Finding, PlanState
from harness.model.event import (
    CanariesMade,
    FixClaimed,
    PlanAgreed,
    PlanClosed,
    PlanDeviated,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    PlanProgressed,
    RetestConcluded,
    RetestStarted,
    VendorCheckedIn,
)

Made = Callable[..., PlanEvent]
LOOKS_LIKE_BEA = "В\u0435\u0430"  # noqa: RUF001 - Cyrillic letters that look like Bea
APPROVALS = (PlanExtended, PlanDeviated)
STATES = {
    PlanAgreed: PlanState.DRAFT,
    PlanProgressed: PlanState.IN_PROGRESS,
    FixClaimed: PlanState.IN_PROGRESS,
    RetestStarted: PlanState.CLAIMED,
    RetestConcluded: PlanState.VERIFYING,
    PlanExtended: PlanState.AGREED,
    PlanDeviated: PlanState.AGREED,
    VendorCheckedIn: PlanState.AGREED,
    PlanEscalated: PlanState.AGREED,
    PlanClosed: PlanState.VERIFIED,
}


@pytest.mark.parametrize("kind", APPROVALS)
@pytest.mark.parametrize(
    ("approver", "why"),
    [
        ("ACME\u200b", "Acme is its owner and cannot approve its"),
        ("\u0410nn", "Ann records the .* and cannot also approve it"),
        ("cy", "Cy acted on it before and cannot approve its"),
        ("\u200b", "needs an approver: a name with letters"),
    ],
)
def test_the_approver_is_neither_actor_nor_owner(
    plan: ActionPlan,
    finding: Finding,
    made: Made,
    kind: type[PlanEvent],
    approver: str,
    why: str,
) -> None:
    touched = replace(plan, actors=("Cy",))

    with pytest.raises(UsageError, match=why):
        advance(touched, finding, made(kind, approver=approver))
    assert role_conflict_in(touched, made(kind)) is None


@pytest.mark.parametrize("approval", APPROVALS)
@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("actor", ["Bea", LOOKS_LIKE_BEA])
def test_who_approved_does_nothing_else_later(
    plan: ActionPlan,
    finding: Finding,
    made: Made,
    approval: type[PlanEvent],
    kind: type[PlanEvent],
    actor: str,
) -> None:
    approved = advance(plan, finding, made(approval))
    before = replace(approved, state=STATES[kind], verifying="again", claimed_by="Acme")

    with pytest.raises(UsageError, match="Bea approved its extension or deviation and cannot"):
        advance(before, finding, made(kind, actor=actor))


@pytest.mark.parametrize("approval", APPROVALS)
def test_who_approved_does_not_become_the_owner(
    plan: ActionPlan, finding: Finding, made: Made, approval: type[PlanEvent]
) -> None:
    approved = advance(plan, finding, made(approval))

    with pytest.raises(UsageError, match=r"Bea approved .* and cannot become its owner"):
        advance(approved, finding, made(PlanAgreed, owner=LOOKS_LIKE_BEA))
    assert advance(approved, finding, made(PlanAgreed)).owner == "Acme"


def test_the_same_person_may_approve_again(plan: ActionPlan, finding: Finding, made: Made) -> None:
    once = advance(plan, finding, made(PlanExtended))
    later = made(PlanExtended, due=once.due + timedelta(days=1))

    assert advance(once, finding, later).approvers == ("Bea", "Bea")


def test_owner_and_actors_are_remembered(plan: ActionPlan, finding: Finding, made: Made) -> None:
    assert advance(plan, finding, made(PlanAgreed)).actors == ("Ann", "Acme")


def test_nobody_verifies_a_fix_of_their_own_under_another_spelling(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    before = replace(plan, state=PlanState.CLAIMED, claimed_by="Acme")

    with pytest.raises(UsageError, match="claimed the fix and cannot verify it"):
        advance(before, finding, made(RetestStarted, actor="\uff21cme"))


def test_nobody_claims_a_fix_whose_canaries_they_made(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    agreed = advance(plan, finding, made(PlanAgreed))
    ready = advance(agreed, finding, made(CanariesMade, actor="Zoe"))

    with pytest.raises(UsageError, match="made its canaries and cannot claim the fix"):
        advance(replace(ready, state=PlanState.IN_PROGRESS), finding, made(FixClaimed, actor="zoe"))


@pytest.mark.parametrize("differing", [{"actor": "\u2800"}, {"owner": "\u3164"}])
def test_actors_and_owners_have_names_with_letters(
    plan: ActionPlan, finding: Finding, made: Made, differing: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match="letters"):
        advance(plan, finding, made(PlanAgreed, **differing))


def test_what_a_registry_holds_already_stays_and_is_marked(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    after = advance(plan, finding, made(PlanExtended, approver="Ann"), is_kept=True)

    assert after.due > plan.due
    assert "2026-03-02 09:00 plan P-0001: Ann records the extension" in after.breaches[0]
    assert advance(plan, finding, made(PlanExtended), is_kept=True).breaches == ()
