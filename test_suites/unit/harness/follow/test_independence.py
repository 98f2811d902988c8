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
    DeviationApproved,
    DeviationRejected,
    DeviationRequested,
    FixClaimed,
    PlanAgreed,
    PlanClosed,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    PlanProgressed,
    PlanSubmitted,
    PlanSuperseded,
    RetestConcluded,
    RetestStarted,
    VendorCheckedIn,
)

Made = Callable[..., PlanEvent]
LOOKS_LIKE_BEA = "В\u0435\u0430"  # noqa: RUF001 - Cyrillic letters that look like Bea
APPROVALS = (PlanExtended, PlanSuperseded)
DECISIONS = (DeviationApproved, DeviationRejected)
STATES = {
    PlanAgreed: PlanState.DRAFT,
    PlanProgressed: PlanState.IN_PROGRESS,
    FixClaimed: PlanState.IN_PROGRESS,
    RetestStarted: PlanState.CLAIMED,
    RetestConcluded: PlanState.VERIFYING,
    PlanExtended: PlanState.AGREED,
    DeviationRequested: PlanState.AGREED,
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


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize(
    ("actor", "why"),
    [
        ("ACME\u200b", "Acme is its owner and cannot .* its deviation"),
        ("\u0410nn", "Ann acted on it before and cannot .* its deviation"),
        ("cy", "Cy acted on it before and cannot .* its deviation"),
        ("\u200b", "the actor's name must have letters"),
    ],
)
def test_who_decides_on_a_deviation_has_no_part_in_the_plan(
    plan: ActionPlan,
    finding: Finding,
    made: Made,
    decision: type[PlanEvent],
    actor: str,
    why: str,
) -> None:
    asked = advance(replace(plan, actors=("Cy",)), finding, made(DeviationRequested))

    with pytest.raises(UsageError, match=why):
        advance(asked, finding, made(decision, actor=actor))
    assert advance(asked, finding, made(decision)).approvers == ("Bea",)


def approve(plan: ActionPlan, finding: Finding, made: Made, what: type[PlanEvent]) -> ActionPlan:
    """The plan after Bea approved an extension, or decided on a deviation."""
    if what in DECISIONS:
        plan = advance(plan, finding, made(DeviationRequested))
    return advance(plan, finding, made(what))


@pytest.mark.parametrize("approval", [PlanExtended, *DECISIONS])
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
    approved = approve(plan, finding, made, approval)
    before = replace(approved, state=STATES[kind], verifying="again", claimed_by="Acme")

    with pytest.raises(UsageError, match="Bea decided on its extension or deviation and"):
        advance(before, finding, made(kind, actor=actor))


@pytest.mark.parametrize("approval", [PlanExtended, *DECISIONS])
def test_who_approved_does_not_become_the_owner(
    plan: ActionPlan, finding: Finding, made: Made, approval: type[PlanEvent]
) -> None:
    approved = approve(plan, finding, made, approval)

    with pytest.raises(UsageError, match=r"Bea decided .* and cannot become its owner"):
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


def test_nobody_verifies_or_agrees_a_plan_that_they_submitted(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    submitted = advance(plan, finding, made(PlanSubmitted, actor="Zoe"))

    with pytest.raises(UsageError, match="ZOE submitted it and cannot agree it"):
        advance(submitted, finding, made(PlanAgreed, actor="ZOE"))
    with pytest.raises(UsageError, match="acme owns it and cannot agree it"):
        advance(submitted, finding, made(PlanAgreed, actor="acme"))
    claimed = replace(submitted, state=PlanState.CLAIMED, claimed_by="Acme")
    with pytest.raises(UsageError, match="zoe submitted it and cannot verify it"):
        advance(claimed, finding, made(RetestStarted, actor="zoe"))
    assert advance(submitted, finding, made(PlanAgreed)).state is PlanState.AGREED


def test_an_escalation_by_rule_is_no_act_of_who_ran_the_command(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    extended = advance(plan, finding, made(PlanExtended))

    after = advance(extended, finding, made(PlanEscalated, actor="Bea", rule="overdue"))
    assert after.level is not None
    assert after.actors == extended.actors
    with pytest.raises(UsageError, match="Bea decided on its extension"):
        advance(extended, finding, made(PlanEscalated, actor="Bea"))


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
