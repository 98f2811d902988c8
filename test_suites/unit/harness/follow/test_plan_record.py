"""The record of a plan: details, milestones in order, evidence, exit criteria, signatures."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.follow.deadlines import LEVELS, latest_due, milestones_of, moved, require_order
from harness.follow.exit_query import exit_query_of, in_words
from harness.follow.plan_terms import digest_of, terms_of
from harness.follow.replay import replay
from harness.follow.transitions import advance
from harness.model.action_plan import CONTAINED, ActionPlan, Finding, Milestone, PlanState
from harness.model.event import (
    DeviationApproved,
    DeviationRequested,
    EvidenceAdded,
    FindingOpened,
    FixClaimed,
    PlanAgreed,
    PlanDetailed,
    PlanExtended,
    PlanSigned,
    RetestConcluded,
)
from test_suites.unit.harness.follow.conftest import signed

Made = Callable[..., Any]


@pytest.mark.parametrize("severity", [*LEVELS, "unknown"])
@pytest.mark.parametrize("category", ["GAMB", "ILL.CSAM"])
def test_a_plan_is_contained_agreed_fixed_and_tested_in_this_order(
    finding: Finding, severity: str, category: str
) -> None:
    found = replace(finding, severity=severity, categories=(category,))
    steps = milestones_of(found)

    titles = [step.title for step in steps]
    order = ["Failure contained", "Corrective action agreed", "Fix in the service"]
    assert titles == [*(order if len(steps) == 4 else order[1:]), "Re-test conforms"]
    assert all(earlier.due < later.due for earlier, later in pairwise(steps))
    assert steps[-1].due == latest_due(found)
    if category == "ILL.CSAM":
        assert steps[0].due == found.opened + timedelta(days=1)


@given(days=st.lists(st.integers(1, 40), min_size=1, max_size=6), new=st.integers(1, 60))
def test_milestones_stay_in_order_and_within_the_date_when_it_moves(
    days: list[int], new: int
) -> None:
    opened = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
    steps = tuple(
        Milestone(title=f"{day}", due=opened + timedelta(days=day)) for day in sorted(days)
    )
    due = steps[-1].due
    plan = ActionPlan(
        id="P-0001",
        finding="F-0001",
        owner="",
        corrective_action="",
        due=due,
        original_due=due,
        state=PlanState.DRAFT,
        opened=opened,
        milestones=steps,
    )
    moved_to = opened + timedelta(days=new)

    after = moved(plan, moved_to)

    require_order(plan, after, moved_to)
    assert after[-1].due == moved_to
    kept = [step for step in steps if step.due < min(due, moved_to)]
    assert list(after[: len(kept)]) == kept


def at(plan: ActionPlan, *days: int) -> tuple[Milestone, ...]:
    return tuple(
        Milestone(title=f"step {day}", due=plan.opened + timedelta(days=day)) for day in days
    )


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ((9, 5), r"milestone 'step 5' \(2026-03-07\) is before 'step 9' \(2026-03-11\)"),
        ((5, 31), "milestone 'step 31' is later than its due date 2026-04-01"),
        ((-2, 5), r"milestone 'step -2' \(2026-02-28\) is before the plan was opened"),
    ],
)
def test_milestones_out_of_order_or_after_the_plan_are_refused(
    plan: ActionPlan, finding: Finding, made: Made, days: tuple[int, ...], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        advance(plan, finding, made(PlanAgreed, milestones=at(plan, *days)))
    after = advance(plan, finding, made(PlanAgreed, milestones=at(plan, 5, 9, 9, 30)))
    assert after.milestones == at(plan, 5, 9, 9, 30)


def test_a_critical_failure_is_contained_by_the_date_of_the_rule_whatever_is_agreed(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    contained = Milestone(title=CONTAINED, due=plan.opened + timedelta(days=5))
    draft = replace(plan, milestones=(contained, *at(plan, 30)))
    late = Milestone(title=CONTAINED, due=plan.opened + timedelta(days=20))

    agreed = advance(draft, finding, made(PlanAgreed, milestones=(late, *at(plan, 25))))
    assert agreed.milestones == (contained, *at(plan, 25))
    early = advance(draft, finding, made(PlanAgreed, due=plan.opened + timedelta(days=3)))
    later = advance(early, finding, made(PlanExtended))
    assert [step.due.day for step in early.milestones] == [5, 5]
    assert later.milestones[0].due == plan.opened + timedelta(days=3)
    assert later.milestones[1].due == later.due
    assert draft.is_overdue(plan.opened + timedelta(days=6))
    assert not draft.is_overdue(plan.opened + timedelta(days=4))
    claimed = replace(draft, state=PlanState.CLAIMED)
    assert not claimed.is_overdue(plan.opened + timedelta(days=6))


def test_an_extension_moves_what_was_due_with_the_plan(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    agreed = replace(plan, state=PlanState.AGREED, milestones=at(plan, 5, 30))

    after = advance(agreed, finding, made(PlanExtended))

    assert [step.due for step in after.milestones] == [at(plan, 5)[0].due, after.due]


def test_a_critical_plan_names_its_containment_when_it_is_agreed(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    blank = replace(plan, containment="")
    spaces = advance(plan, finding, made(PlanAgreed, containment=" ", root_cause=" "))
    assert (spaces.containment, spaces.root_cause) == (plan.containment, plan.root_cause)

    with pytest.raises(UsageError, match="needs containment: what limits the failure"):
        advance(blank, finding, made(PlanAgreed, containment=""))
    major = replace(finding, severity="Maj")
    assert advance(blank, major, made(PlanAgreed, containment="")).state is PlanState.AGREED
    kept = advance(blank, finding, made(PlanAgreed, containment=""), is_kept=True)
    assert kept.state is PlanState.AGREED, "a registry of an earlier version can still be read"


@pytest.mark.parametrize(
    ("detail", "what"),
    [("root_cause", "the root cause"), ("preventive_action", "a preventive action")],
)
def test_a_fix_is_claimed_only_with_its_cause_and_prevention_on_record(
    plan: ActionPlan, finding: Finding, made: Made, detail: str, what: str
) -> None:
    working = replace(plan, state=PlanState.IN_PROGRESS, **{detail: " "})  # type: ignore[arg-type]

    with pytest.raises(UsageError, match=f"needs {what} before the fix can be claimed"):
        advance(working, finding, made(FixClaimed))
    known = advance(working, finding, made(PlanDetailed, root_cause="r", preventive_action="p"))
    assert advance(known, finding, made(FixClaimed)).state is PlanState.CLAIMED
    assert advance(working, finding, made(FixClaimed), is_kept=True).state is PlanState.CLAIMED


def test_details_that_are_not_given_stay(plan: ActionPlan, finding: Finding, made: Made) -> None:
    after = advance(plan, finding, made(PlanDetailed, root_cause=" ", explanation="ours"))

    assert (after.root_cause, after.explanation) == (plan.root_cause, "ours")
    assert after.history[-1].endswith("details: explanation")
    with pytest.raises(UsageError, match="give at least one detail"):
        advance(plan, finding, made(PlanDetailed, root_cause=""))


def test_evidence_is_added_once_and_says_what_it_shows(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    after = advance(plan, finding, made(EvidenceAdded))

    (held,) = after.evidence
    assert (held.sha256, held.name, held.size, held.by) == ("a" * 64, "log.txt", 3, "Ann")
    with pytest.raises(UsageError, match="has this document already"):
        advance(after, finding, made(EvidenceAdded, name="other.txt"))
    with pytest.raises(UsageError, match="needs a sentence on what the evidence shows"):
        advance(after, finding, made(EvidenceAdded, sha256="b" * 64, what=""))


def test_the_exit_criteria_are_a_query_about_the_finding(finding: Finding, now: datetime) -> None:
    query = exit_query_of(finding)

    assert (query.service, query.scheme, query.missed, query.fresh) == (
        "Safe Net", "becta-2008", 2, 1,
    )  # fmt: skip
    assert in_words(query) == (
        "all 2 missed items pass again, and a fresh sample meets URL-01 on line proxy, "
        "profile ks2, by scheme becta-2008; what conformed of over-blocking conforms again, "
        "and harmless pages do not wait longer"
    )
    state = replay([FindingOpened(at=now, actor="Ann", finding=finding)])
    assert state.plans == {}


def test_a_re_test_by_another_scheme_verifies_nothing(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    before = replace(plan, state=PlanState.VERIFYING, verifying="again", claimed_by="Acme")
    event = msgspec.structs.replace(made(RetestConcluded), scheme="lenient")
    with pytest.raises(UsageError, match=r"without the scheme becta-2008 \(it is lenient\)"):
        advance(before, finding, event)
    assert advance(before, finding, made(RetestConcluded)).state is PlanState.VERIFIED


def test_supplier_and_assessor_sign_the_same_terms(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    agreed = replace(plan, state=PlanState.AGREED)
    once = advance(agreed, finding, made(PlanSigned, **signed(agreed, finding)))
    both = advance(once, finding, made(PlanSigned, **signed(once, finding, "assessor")))

    assert [one.role for one in both.signatures] == ["supplier", "assessor"]
    assert {one.terms for one in both.signatures} == {digest_of(both, finding)}
    with pytest.raises(UsageError, match="is signed for the supplier already, by supplier Lee"):
        advance(both, finding, made(PlanSigned, **signed(both, finding)))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"signature": "00" * 64}, "the signature of supplier Lee is not valid"),
        ({"signature": "no"}, "the signature of supplier Lee is not valid"),
        ({"key": "11" * 32}, "the signature of supplier Lee is not valid"),
        ({"terms": "0" * 64}, "is of other terms; read the plan again"),
    ],
)
def test_a_signature_of_something_else_is_refused(
    plan: ActionPlan, finding: Finding, made: Made, wrong: dict[str, str], why: str
) -> None:
    agreed = replace(plan, state=PlanState.AGREED)

    event = made(PlanSigned, **signed(agreed, finding) | wrong)

    with pytest.raises(UsageError, match=why):
        advance(agreed, finding, event)
    kept = advance(agreed, finding, event, is_kept=True)
    assert len(kept.breaches) == 1, "a registry stays readable, and the fault is marked"
    assert re.search(why, kept.breaches[0])


def test_one_person_or_key_cannot_sign_for_both(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    agreed = replace(plan, state=PlanState.AGREED)
    once = advance(agreed, finding, made(PlanSigned, **signed(agreed, finding)))
    changed = advance(once, finding, made(PlanDetailed, explanation="other terms"))

    for before in (once, changed):
        for key, signer in (("s", "Ann"), ("a", "SUPPLIER lee")):
            again = signed(before, finding, "assessor", key=key, signer=signer)
            with pytest.raises(UsageError, match="supplier Lee signed for the supplier; somebody"):
                advance(before, finding, made(PlanSigned, **again))


def test_neither_the_owner_nor_who_claimed_the_fix_signs_for_the_assessor(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    claimed = replace(plan, state=PlanState.CLAIMED, claimed_by="Cy")

    for signer, why in (("ACME", "owns it"), ("cy", "claimed the fix")):
        event = made(PlanSigned, **signed(claimed, finding, "assessor", signer=signer))
        with pytest.raises(UsageError, match=f"{why} and cannot sign for the assessor"):
            advance(claimed, finding, event)


def test_a_signature_holds_for_its_role_and_signer_alone(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    agreed = replace(plan, state=PlanState.AGREED)
    for other in ({"role": "assessor"}, {"signer": "Eve"}):
        event = made(PlanSigned, **signed(agreed, finding) | other)
        with pytest.raises(UsageError, match="is not valid"):
            advance(agreed, finding, event)


def test_changed_terms_are_signed_anew(plan: ActionPlan, finding: Finding, made: Made) -> None:
    agreed = replace(plan, state=PlanState.AGREED)
    once = advance(agreed, finding, made(PlanSigned, **signed(agreed, finding)))
    changed = advance(once, finding, made(PlanExtended))

    assert terms_of(changed, finding) != terms_of(once, finding)
    with pytest.raises(UsageError, match="is of other terms"):
        advance(changed, finding, made(PlanSigned, **signed(once, finding, "assessor")))
    again = advance(changed, finding, made(PlanSigned, **signed(changed, finding)))
    assert len(again.signatures) == 2
    assert terms_of(advance(once, finding, made(PlanDetailed)), finding) != terms_of(once, finding)
    asked = advance(once, finding, made(DeviationRequested))
    assert terms_of(asked, finding) == terms_of(once, finding)
    approved = advance(asked, finding, made(DeviationApproved))
    assert terms_of(approved, finding) != terms_of(once, finding)
    assert terms_of(once, replace(finding, missed=("x", "y"))) != terms_of(once, finding)
