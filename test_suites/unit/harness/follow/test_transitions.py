"""Each state of a plan allows its own steps, on their conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from harness.errors import UsageError
from harness.follow.transitions import TRANSITIONS, advance, verbs_in
from harness.model.action_plan import (
    ActionPlan,
    Finding,
    PlanState,
    RetestResult,
)
from harness.model.deviation import Deviation
from harness.model.event import (
    CanariesMade,
    ChangeAllowed,
    DeviationApproved,
    DeviationRejected,
    DeviationRequested,
    EvidenceAdded,
    FixClaimed,
    PlanAgreed,
    PlanClosed,
    PlanDetailed,
    PlanDeviated,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    PlanProgressed,
    PlanReturned,
    PlanSigned,
    PlanSubmitted,
    PlanSuperseded,
    RetestConcluded,
    RetestPostponed,
    RetestStarted,
    SoakMeasured,
    VendorCheckedIn,
)
from test_suites.kit.hubs.held_fix import held_and_closed

ENDED = {PlanState.CLOSED, PlanState.SUPERSEDED}
EXPECTED = {
    (PlanState.DRAFT, PlanSubmitted): PlanState.SUBMITTED,
    (PlanState.RETURNED, PlanSubmitted): PlanState.SUBMITTED,
    (PlanState.SUBMITTED, PlanReturned): PlanState.RETURNED,
    (PlanState.SUBMITTED, PlanAgreed): PlanState.AGREED,
    (PlanState.DRAFT, PlanAgreed): PlanState.AGREED,
    (PlanState.AGREED, PlanProgressed): PlanState.IN_PROGRESS,
    (PlanState.IN_PROGRESS, PlanProgressed): PlanState.IN_PROGRESS,
    (PlanState.IN_PROGRESS, FixClaimed): PlanState.CLAIMED,
    (PlanState.CLAIMED, RetestStarted): PlanState.VERIFYING,
    (PlanState.VERIFYING, RetestConcluded): PlanState.VERIFIED,
    (PlanState.VERIFIED, SoakMeasured): PlanState.VERIFIED,
    (PlanState.VERIFIED, PlanClosed): PlanState.CLOSED,
}
EXPECTED |= {
    (state, PlanSuperseded): PlanState.SUPERSEDED for state in PlanState if state not in ENDED
}
EXPECTED |= {
    (state, kind): state
    for kind in (
        PlanExtended,
        PlanDeviated,
        DeviationRequested,
        DeviationApproved,
        DeviationRejected,
        VendorCheckedIn,
        PlanEscalated,
    )
    for state in PlanState
    if state not in {PlanState.VERIFIED, *ENDED}
}
EXPECTED |= {
    (state, CanariesMade): state
    for state in (PlanState.AGREED, PlanState.IN_PROGRESS, PlanState.CLAIMED)
}
EXPECTED |= {
    (state, PlanDetailed): state
    for state in (
        PlanState.DRAFT,
        PlanState.RETURNED,
        PlanState.AGREED,
        PlanState.IN_PROGRESS,
        PlanState.CLAIMED,
    )
}
EXPECTED |= {(state, EvidenceAdded): state for state in PlanState if state not in ENDED}
EXPECTED |= {
    (state, PlanSigned): state
    for state in PlanState
    if state not in {PlanState.DRAFT, PlanState.RETURNED, *ENDED}
}
EXPECTED |= {(state, RetestPostponed): state for state in (PlanState.CLAIMED, PlanState.VERIFYING)}
EXPECTED |= {
    (state, ChangeAllowed): state
    for state in (PlanState.CLAIMED, PlanState.VERIFYING, PlanState.VERIFIED)
}
"""METHOD (d), written down again by hand."""


def requested(plan: ActionPlan, finding: Finding, made: Callable[..., PlanEvent]) -> Deviation:
    """A deviation that was requested and is not decided."""
    return advance(plan, finding, made(DeviationRequested)).deviations[0]


@pytest.mark.parametrize("kind", TRANSITIONS)
@pytest.mark.parametrize("state", PlanState)
def test_each_state_allows_just_its_own_steps(
    plan: ActionPlan,
    finding: Finding,
    made: Callable[..., Any],
    state: PlanState,
    kind: type[PlanEvent],
) -> None:
    before = replace(plan, state=state, verifying="again", claimed_by="Acme")
    if state is PlanState.VERIFIED:
        verified = msgspec.structs.replace(made(RetestConcluded).retest, campaign="first")
        soak, _ = held_and_closed(plan.id, verified.at)
        before = replace(before, retests=(verified,), soaks=(soak.soak,))
    if kind in {DeviationApproved, DeviationRejected}:
        before = replace(before, deviations=(requested(plan, finding, made),))
    expected, is_kept = EXPECTED.get((state, kind)), kind is PlanDeviated

    if expected is None:
        with pytest.raises(UsageError, match=f"plan P-0001 is {state}: '.*' is not possible; "):
            advance(before, finding, made(kind))
    else:
        after = advance(before, finding, made(kind), is_kept=is_kept)
        assert after.state is expected
        assert after.original_due == plan.original_due
        assert len(after.history) == 1


def test_an_illegal_step_names_the_legal_ones(
    plan: ActionPlan, finding: Finding, made: Callable[..., PlanEvent]
) -> None:
    with pytest.raises(
        UsageError,
        match="is draft: 'claim' is not possible; possible: agree, check-in, decide-deviation, "
        "detail, deviate, escalate, evidence, extend, submit, supersede",
    ):
        advance(plan, finding, made(FixClaimed))
    with pytest.raises(UsageError, match="is closed: 'extend' is not possible; it is final"):
        advance(replace(plan, state=PlanState.CLOSED), finding, made(PlanExtended))
    assert verbs_in(PlanState.VERIFIED) == (
        "evidence", "sign", "soak", "allow a change", "supersede", "close",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (RetestResult.DOES_NOT_CONFORM, PlanState.IN_PROGRESS),
        (RetestResult.INSUFFICIENT, PlanState.CLAIMED),
    ],
)
def test_only_a_conforming_re_test_verifies(
    plan: ActionPlan,
    finding: Finding,
    made: Callable[..., PlanEvent],
    outcome: RetestResult,
    state: PlanState,
) -> None:
    before = replace(plan, state=PlanState.VERIFYING, verifying="again", claimed_by="Acme")

    after = advance(before, finding, made(RetestConcluded, outcome=outcome, missed_tested=0))

    assert after.state is state
    assert after.verifying == ""
    assert [retest.outcome for retest in after.retests] == [outcome]


@pytest.mark.parametrize(
    ("lacking", "why"),
    [
        ({"missed_tested": 1}, "every missed item tested again"),
        ({"missed_still_failing": ("gamb-001",)}, "no missed item still failing"),
        ({"fresh_tested": 0}, "a fresh sample"),
        ({"campaign": "other"}, "'again' is running, not 'other'"),
        ({"actor": "acme "}, "claimed the fix and cannot verify it"),
    ],
)
def test_a_re_test_without_its_evidence_is_refused(
    plan: ActionPlan,
    finding: Finding,
    made: Callable[..., PlanEvent],
    lacking: dict[str, Any],
    why: str,
) -> None:
    before = replace(plan, state=PlanState.VERIFYING, verifying="again", claimed_by="Acme")

    with pytest.raises(UsageError, match=why):
        advance(before, finding, made(RetestConcluded, **lacking))


@pytest.mark.parametrize(
    ("differing", "why"),
    [
        ({"campaign": "spring"}, "a re-test needs a campaign of its own, not 'spring'"),
        ({"campaign": "first"}, "a re-test needs a campaign of its own, not 'first'"),
        ({"actor": "ACME"}, "cannot verify it; somebody else must"),
    ],
)
def test_a_re_test_starts_with_a_new_campaign_and_another_person(
    plan: ActionPlan,
    finding: Finding,
    made: Callable[..., Any],
    differing: dict[str, str],
    why: str,
) -> None:
    first = msgspec.structs.replace(made(RetestConcluded).retest, campaign="first")
    before = replace(plan, state=PlanState.CLAIMED, claimed_by="Acme", retests=(first,))

    with pytest.raises(UsageError, match=why):
        advance(before, finding, made(RetestStarted, **differing))


def test_an_extension_moves_the_date_and_keeps_the_original(
    plan: ActionPlan, finding: Finding, made: Callable[..., PlanEvent], now: datetime
) -> None:
    after = advance(plan, finding, made(PlanExtended))

    assert after.due == now + timedelta(days=60)
    assert after.original_due == now + timedelta(days=30)
    assert after.history == (
        "2026-03-02 09:00 Ann: extended to 2026-05-01, approved by Bea: parts",
    )


@pytest.mark.parametrize(
    ("differing", "why"),
    [
        ({"reason": " "}, "needs a reason"),
        ({"approver": ""}, "needs an approver"),
        ({"approver": "acme"}, "cannot approve its extension"),
        (
            {"due": datetime.fromisoformat("2026-03-10T00:00:00Z")},
            "later than the due date 2026-04",
        ),
    ],
)
def test_an_extension_needs_a_reason_an_approver_and_a_later_date(
    plan: ActionPlan,
    finding: Finding,
    made: Callable[..., PlanEvent],
    differing: dict[str, Any],
    why: str,
) -> None:
    with pytest.raises(UsageError, match=why):
        advance(plan, finding, made(PlanExtended, **differing))


@pytest.mark.parametrize(
    ("differing", "why"),
    [
        ({"owner": ""}, "needs an owner"),
        ({"corrective_action": ""}, "needs a corrective action"),
        (
            {"due": datetime.fromisoformat("2026-09-01T00:00:00Z")},
            "only an extension with a reason",
        ),
        ({"due": datetime.fromisoformat("2026-03-01T00:00:00Z")}, "not in the future"),
    ],
)
def test_an_agreement_names_who_what_and_a_date_within_the_time(
    plan: ActionPlan,
    finding: Finding,
    made: Callable[..., PlanEvent],
    differing: dict[str, Any],
    why: str,
) -> None:
    with pytest.raises(UsageError, match=why):
        advance(plan, finding, made(PlanAgreed, **differing))


def test_an_agreement_that_is_due_the_moment_it_is_made_is_refused(
    plan: ActionPlan, finding: Finding, made: Callable[..., PlanEvent], now: datetime
) -> None:
    with pytest.raises(UsageError, match="not in the future"):
        advance(plan, finding, made(PlanAgreed, due=now))


def test_an_agreement_may_bring_the_date_forward(
    plan: ActionPlan, finding: Finding, made: Callable[..., PlanEvent], now: datetime
) -> None:
    after = advance(
        plan, finding, made(PlanAgreed, due=now + timedelta(days=5), root_cause="old list")
    )

    assert (after.due, after.root_cause) == (now + timedelta(days=5), "old list")
    assert after.original_due == plan.original_due


def test_a_milestone_is_reached_once(
    plan: ActionPlan, finding: Finding, made: Callable[..., PlanEvent], now: datetime
) -> None:
    agreed = replace(plan, state=PlanState.AGREED)
    once = advance(agreed, finding, made(PlanProgressed, milestone=1))
    later = made(PlanProgressed, milestone=1, at=now + timedelta(days=1))
    twice = advance(once, finding, later)

    assert twice.milestones[0].done == now
    assert "milestone reached: Fix in the service" in twice.history[0]
    with pytest.raises(UsageError, match="no milestone 2; known: 1 Fix in the service"):
        advance(agreed, finding, made(PlanProgressed, milestone=2))


def test_a_claim_says_what_was_fixed(
    plan: ActionPlan, finding: Finding, made: Callable[..., PlanEvent]
) -> None:
    working = replace(plan, state=PlanState.IN_PROGRESS)

    assert advance(working, finding, made(FixClaimed)).claimed_by == "Acme"
    with pytest.raises(UsageError, match="needs a statement of what was fixed"):
        advance(working, finding, made(FixClaimed, statement=" "))
