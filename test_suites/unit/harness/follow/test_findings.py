"""Each failure opens one finding with one plan; nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from harness.follow.findings import draft_plan, follow, open_findings
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.model.action_plan import PlanState, Retest, RetestResult
from harness.model.event import (
    FixClaimed,
    PlanAgreed,
    PlanProgressed,
    PlanSuperseded,
    RetestConcluded,
    RetestStarted,
)
from harness.model.outcome import Assessment, Conformity, Outcome
from test_suites.kit.hubs.held_fix import held_and_closed

Make = Callable[..., Outcome]
Assess = Callable[..., Assessment]
FAILED = Conformity.DOES_NOT_CONFORM
MISSED = ("gamb-001", "gamb-002")


def closed(state: StreamState, plan: str, at: datetime) -> StreamState:
    """The state after everything that leads to a closed plan."""
    of = {"at": at, "plan": plan}
    retest = Retest(
        campaign="spring-retest",
        at=at,
        outcome=RetestResult.CONFORMS,
        statement="",
        missed_tested=2,
        missed_still_failing=(),
        fresh_tested=60,
    )
    return state.after(
        PlanAgreed(
            actor="Ann",
            owner="Acme",
            corrective_action="Mend",
            root_cause="r",
            preventive_action="p",
            containment="c",
            **of,  # type: ignore[arg-type]
        ),
        PlanProgressed(actor="Acme", note="", **of),  # type: ignore[arg-type]
        FixClaimed(actor="Acme", statement="Mended", **of),  # type: ignore[arg-type]
        RetestStarted(actor="Ann", campaign="spring-retest", **of),  # type: ignore[arg-type]
        RetestConcluded(actor="Ann", retest=retest, service="Safe Net", **of),  # type: ignore[arg-type]
        *held_and_closed(plan, at),
    )


def test_each_failed_outcome_opens_one_finding_with_one_draft(
    make_outcome: Make, make_assessment: Assess, now: datetime
) -> None:
    assessment = make_assessment(
        make_outcome(FAILED, missed=MISSED),
        make_outcome(FAILED, missed=MISSED[:1], profile="ks4", severity="Maj"),
        make_outcome(Conformity.CONFORMS, requirement="URL-02"),
    )

    state = replay(follow(assessment, StreamState(), now, "Ann"))

    first, second = state.findings.values()
    assert (first.id, first.requirement, first.profile) == ("F-0001", "URL-01", "ks2")
    assert first.missed == MISSED
    assert first.categories == ("GAMB",)
    assert (first.sampled, first.supplier, first.service) == (60, "Acme", "Safe Net")
    assert first.statement == "58 of 60 items were blocked (96.67 %); at least 90 % is required"
    assert [second.id, second.profile] == ["F-0002", "ks4"]
    plans = list(state.plans.values())
    assert [plan.finding for plan in plans] == ["F-0001", "F-0002"]
    assert [plan.due for plan in plans] == [now + timedelta(days=30), now + timedelta(days=90)]
    assert all(plan.state is PlanState.DRAFT for plan in plans)
    assert all(plan.milestones for plan in plans)


@pytest.mark.parametrize(
    ("conformity", "binding"),
    [(Conformity.CONFORMS, True), (Conformity.INSUFFICIENT, True), (FAILED, False)],
)
def test_nothing_else_opens_a_finding(
    make_outcome: Make,
    make_assessment: Assess,
    now: datetime,
    conformity: Conformity,
    *,
    binding: bool,
) -> None:
    assessment = make_assessment(make_outcome(conformity, missed=MISSED, binding=binding))

    assert open_findings(assessment, now, StreamState()) == ()


@pytest.mark.parametrize("campaign", ["spring", "summer"])
def test_an_open_finding_is_not_opened_twice(
    make_outcome: Make, make_assessment: Assess, now: datetime, campaign: str
) -> None:
    failed = make_outcome(FAILED, missed=MISSED)
    state = replay(follow(make_assessment(failed), StreamState(), now, "Ann"))

    assert follow(make_assessment(failed, campaign=campaign), state, now, "Ann") == ()


def test_another_service_or_scheme_has_findings_of_its_own(
    make_outcome: Make, make_assessment: Assess, now: datetime
) -> None:
    failed = make_outcome(FAILED, missed=MISSED)
    state = replay(follow(make_assessment(failed), StreamState(), now, "Ann"))

    for assessment in (
        make_assessment(failed, service="Other"),
        make_assessment(failed, scheme="strict"),
    ):
        assert [one.id for one in open_findings(assessment, now, state)] == ["F-0002"]


def test_a_failure_after_closure_is_a_new_finding_that_names_the_old_one(
    make_outcome: Make, make_assessment: Assess, now: datetime
) -> None:
    failed = make_outcome(FAILED, missed=MISSED)
    state = replay(follow(make_assessment(failed), StreamState(), now, "Ann"))
    state = closed(state, "P-0001", now)

    again = follow(make_assessment(failed, campaign="summer"), state, now, "Ann")

    after = state.after(*again)
    assert after.finding("F-0002").recurrence_of == "F-0001"
    assert after.plan("P-0001").state is PlanState.CLOSED
    assert after.plan("P-0002").state is PlanState.DRAFT


def test_a_failure_after_its_plan_was_superseded_is_new_and_no_recurrence(
    make_outcome: Make, make_assessment: Assess, now: datetime
) -> None:
    failed = make_outcome(FAILED, missed=MISSED)
    state = replay(follow(make_assessment(failed), StreamState(), now, "Ann"))
    superseded = PlanSuperseded(
        at=now, actor="Ann", plan="P-0001", scheme_version="2.0", reason="r", approver="Bea"
    )
    state = state.after(superseded)

    (found,) = open_findings(make_assessment(failed, campaign="summer"), now, state)

    assert (found.id, found.recurrence_of) == ("F-0002", "")


@pytest.mark.parametrize("campaign", ["spring", "spring-retest"])
def test_old_evidence_is_no_recurrence(
    make_outcome: Make, make_assessment: Assess, now: datetime, campaign: str
) -> None:
    failed = make_outcome(FAILED, missed=MISSED)
    state = replay(follow(make_assessment(failed), StreamState(), now, "Ann"))
    state = closed(state, "P-0001", now)

    assert open_findings(make_assessment(failed, campaign=campaign), now, state) == ()


def test_a_draft_without_a_supplier_waits_for_an_owner(
    make_outcome: Make, make_assessment: Assess, now: datetime
) -> None:
    assessment = make_assessment(make_outcome(FAILED, missed=MISSED, categories=()))
    (found,) = open_findings(replace(assessment, supplier=""), now, StreamState())

    assert draft_plan(found, at=now, actor="Ann").owner == "to be agreed"
    assert found.categories == ("GAMB",)
