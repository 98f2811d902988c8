"""What happens next: from the plans of failures, and from what was missing where nothing was decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from harness.follow.findings import open_findings
from harness.follow.state import StreamState
from harness.model.action_plan import (
    ActionPlan,
    FollowUp,
    Milestone,
    PlanState,
    Retest,
    RetestResult,
)
from harness.model.metric import CANNOT_MEASURE, NOT_IMPLEMENTED, Part, Source
from harness.model.outcome import Assessment, Conformity, Outcome, Precondition
from reports.documents import Report
from reports.next_steps import ASSESSOR, NO_PLAN, day, lead, next_steps
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_metric,
    example_outcome,
    example_requirement,
)

AT = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
FAILED = example_outcome(
    Conformity.DOES_NOT_CONFORM,
    requirement=example_requirement(short="Gambling"),
    metric=example_metric(80, 100, lower=0.72, upper=0.86),
)


def plan(**changes: Any) -> ActionPlan:
    fields: dict[str, Any] = {
        "id": "P-0001",
        "finding": "F-0001",
        "owner": "Example Networks Ltd",
        "corrective_action": "load the whole list",
        "due": AT + timedelta(days=30),
        "original_due": AT + timedelta(days=30),
        "state": PlanState.AGREED,
        "opened": AT,
        "milestones": (
            Milestone(title="Failure contained", due=AT, done=AT),
            Milestone(title="Re-test conforms", due=AT + timedelta(days=30)),
        ),
    }
    return ActionPlan(**{**fields, **changes})


def report(*outcomes: Outcome, followed: ActionPlan | None = None, **changes: Any) -> Report:
    assessment = example_assessment(outcomes=outcomes, **{"preconditions": (), **changes})
    (finding, *_) = open_findings(assessment, AT, StreamState()) or (None,)
    plans = (FollowUp(finding=finding, plan=followed),) if finding else ()
    return Report(assessment=assessment, follow_ups=plans, read=AT)


def retest(*still: str) -> Retest:
    return Retest(
        campaign="again",
        at=AT + timedelta(days=9),
        outcome=RetestResult.CONFORMS,
        statement="",
        missed_tested=20,
        missed_still_failing=still,
        fresh_tested=60,
    )


def test_a_failure_says_the_count_then_the_rule_then_who_does_what_by_when() -> None:
    (step,) = next_steps(report(FAILED, followed=plan()))

    assert step.subject == "Gambling"
    assert step.found == "80 of 100 items were blocked (80%). At least 90% must be."
    assert "agreed to do this: Load the whole list." in step.text
    assert "Re-test conforms by 13\N{NO-BREAK SPACE}April 2026." in step.text
    assert "contained" not in step.text, "it is done"
    assert (step.due, step.owner) == ("13\N{NO-BREAK SPACE}April 2026", "Example Networks Ltd")
    assert step.plan == "P-0001, agreed"


@pytest.mark.parametrize("state", PlanState)
def test_every_state_of_a_plan_has_a_next_step(state: PlanState) -> None:
    followed = plan(state=state, claimed_by="Kim", verifying="again", retests=(retest(),))
    (step,) = next_steps(report(FAILED, followed=followed))

    assert step.text.endswith(".")
    assert state is PlanState.CLOSED or not step.retested
    assert "  " not in step.text


def test_a_closed_plan_says_what_the_retest_found_and_when() -> None:
    closed = plan(state=PlanState.CLOSED, root_cause="a node was old", retests=(retest(),))
    told = report(FAILED, followed=closed)
    (step,) = next_steps(told)

    assert step.retested == "23\N{NO-BREAK SPACE}March 2026"
    assert "all 20 missed items were handled rightly, and 60 fresh items were tried" in step.text
    assert lead(told, [step]) == "One failure has since been fixed and passed its re-test."


@pytest.mark.parametrize(
    ("tested", "still", "fresh", "says"),
    [
        (1, (), 1, "the missed item was handled rightly, and 1 fresh item was tried."),
        (1, ("a",), 60, "the missed item still failed, and 60 fresh items were tried."),
        (20, ("a", "b"), 0, "2 of 20 missed items still failed, and 0 fresh items were tried."),
    ],
)
def test_one_missed_item_is_not_called_all(
    tested: int, still: tuple[str, ...], fresh: int, says: str
) -> None:
    tried = msgspec.structs.replace(
        retest(), missed_tested=tested, missed_still_failing=still, fresh_tested=fresh
    )
    closed = plan(state=PlanState.CLOSED, root_cause="a node was old", retests=(tried,))
    (step,) = next_steps(report(FAILED, followed=closed))

    assert f"At the re-test {says}" in step.text


@pytest.mark.parametrize(
    ("result", "state", "says"),
    [
        (RetestResult.DOES_NOT_CONFORM, PlanState.IN_PROGRESS, "failed."),
        (RetestResult.INSUFFICIENT, PlanState.CLAIMED, "could not be decided."),
        (RetestResult.DOES_NOT_CONFORM, PlanState.VERIFYING, "failed."),
    ],
)
def test_a_retest_that_was_not_passed_is_told_first(
    result: RetestResult, state: PlanState, says: str
) -> None:
    tried = plan(state=state, retests=(retest(), msgspec.structs.replace(retest(), outcome=result)))
    (step,) = next_steps(report(FAILED, followed=tried))
    (before,) = next_steps(report(FAILED, followed=replace(tried, retests=(retest(),))))

    assert step.text.startswith(f"The re-test on {day(retest().at)} {says} ")
    assert step.text.endswith(before.text)


def test_one_fixed_and_one_open_are_both_told() -> None:
    other = replace(FAILED, requirement=example_requirement("URL-02"))
    told = report(FAILED, other, followed=plan(state=PlanState.CLOSED, retests=(retest(),)))
    second = open_findings(told.assessment, AT, StreamState())[1]
    told = replace(told, follow_ups=(*told.follow_ups, FollowUp(finding=second, plan=plan())))

    assert lead(told, next_steps(told)) == (
        "One failure has since been fixed and passed its re-test. "
        "The other must be closed by 13\N{NO-BREAK SPACE}April 2026."
    )


def others(told: Report, planned: int) -> Report:
    """The report, where the first failures have a plan and the others none."""
    findings = open_findings(told.assessment, AT, StreamState())
    plans = tuple(
        FollowUp(finding=finding, plan=plan() if number < planned else None)
        for number, finding in enumerate(findings)
    )
    return replace(told, follow_ups=plans)


@pytest.mark.parametrize(
    ("failures", "planned", "says"),
    [
        (1, 1, "The failure must be closed by 13\N{NO-BREAK SPACE}April 2026."),
        (2, 2, "Both must be closed by 13\N{NO-BREAK SPACE}April 2026."),
        (3, 3, "All 3 must be closed by 13\N{NO-BREAK SPACE}April 2026."),
        (
            3,
            1,
            (
                "1 of 3 failures must be closed by 13\N{NO-BREAK SPACE}April 2026. "
                "2 have no action plan yet."
            ),
        ),
        (
            3,
            2,
            (
                "2 of 3 failures must be closed by 13\N{NO-BREAK SPACE}April 2026. "
                "One has no action plan yet."
            ),
        ),
    ],
)
def test_a_failure_without_a_plan_has_no_date(failures: int, planned: int, says: str) -> None:
    outcomes = [
        replace(FAILED, requirement=example_requirement(f"URL-0{number}"))
        for number in range(1, failures + 1)
    ]
    told = others(report(*outcomes), planned)

    assert lead(told, next_steps(told)) == says


def test_an_abbreviation_keeps_its_capitals_within_a_sentence() -> None:
    steps = tuple(
        Milestone(title=title, due=AT)
        for title in ("Lists are loaded", "DNS lists too", "A list is sent")
    )
    (step,) = next_steps(report(FAILED, followed=plan(milestones=steps)))

    assert "Lists are loaded by" in step.text
    assert "; DNS lists too by" in step.text
    assert "; a list is sent by" in step.text
    assert "dNS" not in step.text


def test_the_date_of_a_plan_that_no_failure_of_the_report_has_is_not_told() -> None:
    told = report(FAILED, followed=plan())
    other = replace(told.follow_ups[0].finding, requirement="URL-09")
    stale = FollowUp(finding=other, plan=plan(due=AT + timedelta(days=90)))
    told = replace(told, follow_ups=(*told.follow_ups, stale))

    assert "April" in lead(told, next_steps(told))


def test_without_a_plan_the_assessor_opens_one() -> None:
    told = Report(assessment=report(FAILED).assessment)
    (step,) = next_steps(told)

    assert (step.owner, step.plan, step.due) == (ASSESSOR, NO_PLAN, "")
    assert lead(told, [step]) == "No action plan is open yet."


def test_a_plan_that_is_late_says_so() -> None:
    late = plan(due=AT - timedelta(days=1))

    assert next_steps(report(FAILED, followed=late))[0].late
    assert not next_steps(report(FAILED, followed=plan()))[0].late


def undecided(**changes: Any) -> Outcome:
    return example_outcome(Conformity.INSUFFICIENT, **changes)


SHORT = tuple(
    Part(group=code, source=Source("real", is_hidden=True), metric=example_metric(12, 12))
    for code in ("DISC", "EXTR")
)
DEAD = Precondition(name="alive", line="proxy", profile="ks2", held=False, detail="it is silent")
VOID = replace(DEAD, voids=True)


@pytest.mark.parametrize(
    ("outcome", "preconditions", "says"),
    [
        (
            undecided(
                metric=example_metric(0, 0, method=NOT_IMPLEMENTED), reasons=(CANNOT_MEASURE,)
            ),
            (),
            "Show it by other evidence",
        ),
        (undecided(), (DEAD,), "Repair what the reason names (line, filter or origin), and mea"),
        (undecided(), (DEAD, replace(DEAD, held=True)), "Test more items, so that the bar is"),
        (undecided(), (VOID, replace(DEAD, held=True)), "Repair what the reason names"),
        (undecided(metric=example_metric(0, 0)), (), "Add items of these categories"),
        (undecided(metric=example_metric(0, 0, indeterminate=3)), (), "None of the items could"),
        (undecided(metric=example_metric(12, 12)), (), "Test more items: at least 29."),
        (
            undecided(metric=example_metric(12, 12, parts=SHORT)),
            (),
            "Test more real sites: at least 29 of each category.",
        ),
        (undecided(metric=example_metric(90, 98, indeterminate=2)), (), "Measure the undecided"),
        (undecided(metric=example_metric(90, 98)), (), "Test more items, so that the bar is"),
    ],
)
def test_what_could_not_be_decided_has_a_next_step_of_the_assessors(
    outcome: Outcome, preconditions: tuple[Precondition, ...], says: str
) -> None:
    (step,) = next_steps(report(outcome, preconditions=preconditions))

    assert step.text.startswith(says)
    assert (step.owner, step.due) == (ASSESSOR, "")


def test_too_few_items_are_told_by_category() -> None:
    reasons = tuple(f"{part.name}: 12 decided, at least 29 are needed" for part in SHORT)
    outcome = undecided(metric=example_metric(12, 12, parts=SHORT), reasons=reasons)
    (step,) = next_steps(report(outcome))

    assert step.found == (
        "24 of 24 real sites were blocked. Too few were decided: Discrimination and hate 12, "
        "Extremism 12; at least 29 of each are needed."
    )


def test_checks_with_the_same_reason_share_a_row() -> None:
    outcomes = tuple(
        undecided(
            requirement=example_requirement(f"URL-0{number}", short=f"Subject {number}"),
            metric=example_metric(0, 0),
            reasons=("no item for this requirement was measured",),
        )
        for number in range(1, 6)
    )
    (step,) = next_steps(report(*outcomes))

    assert step.subject == "Subject 1; Subject 2; Subject 3; and 2 more"
    assert len(step.outcomes) == 5


def test_what_does_not_bind_has_no_next_step() -> None:
    outcome = replace(FAILED, requirement=example_requirement(binding=False))

    assert next_steps(report(outcome)) == ()


@pytest.mark.parametrize(
    ("assessment", "says"),
    [
        (example_assessment(outcomes=(example_outcome(),)), "Nothing failed."),
        (
            example_assessment(outcomes=(example_outcome(qualifier="agreed list only"),)),
            "Nothing failed. This holds for the agreed list only.",
        ),
        (
            example_assessment(outcomes=(example_outcome(), undecided())),
            "Nothing failed, but 1 of 2 checks could not be decided. This is never a pass.",
        ),
        (
            example_assessment(outcomes=()),
            "No requirement that binds was decided, so nothing is shown to conform.",
        ),
    ],
)
def test_without_failures_the_first_sentence_promises_nothing(
    assessment: Assessment, says: str
) -> None:
    assert says == lead(Report(assessment=assessment), ())
