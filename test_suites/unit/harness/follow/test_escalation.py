"""Plans are escalated by a person, or by rules that look at dates, numbers and repetition."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from harness.errors import UsageError
from harness.follow.deadlines import agreed_by
from harness.follow.escalation import HALF_YEAR, drop_escalations, escalations_due, notice_of
from harness.follow.transitions import advance
from harness.model.action_plan import ActionPlan, Finding, FollowUp, PlanState
from harness.model.deviation import Deviation, DeviationKind, DeviationState
from harness.model.escalation import Escalation, Level
from harness.model.event import ClockCorrected, PlanEscalated, PlanEvent, VendorCheckedIn
from harness.model.event_times import TOLERANCE

Made = Callable[..., PlanEvent]


def days(number: float) -> timedelta:
    """So many days."""
    return timedelta(days=number)


@pytest.fixture
def agreed(plan: ActionPlan) -> ActionPlan:
    """The plan once it was agreed."""
    return replace(plan, state=PlanState.AGREED, milestones=())


def due(
    followed: Iterable[tuple[ActionPlan, Finding]], now: datetime
) -> dict[str, tuple[str, Level]]:
    """The rule and level that each plan is due for."""
    held = [FollowUp(finding=finding, plan=plan) for plan, finding in followed]
    return {name: (one.rule, one.level) for name, one in escalations_due(held, now).items()}


def many(
    plan: ActionPlan, finding: Finding, number: int, severity: str
) -> list[tuple[ActionPlan, Finding]]:
    """So many plans of different requirements."""
    return [
        (
            replace(plan, id=f"P-{n}", finding=f"F-{n}", due=plan.due + days(900)),
            replace(finding, id=f"F-{n}", requirement=f"URL-{n}", severity=severity),
        )
        for n in range(number)
    ]


def test_escalation_only_goes_up_and_says_what_ends_it(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    once = advance(plan, finding, made(PlanEscalated))
    twice = advance(once, finding, made(PlanEscalated, level=Level.SUSPENDED))

    assert (once.level, once.escalations[0].exit_criteria) == (
        Level.FINDING_REVIEW,
        "the fix is claimed",
    )
    assert twice.level is Level.SUSPENDED
    assert "It ends when: the fix is claimed" in twice.history[-1]
    with pytest.raises(UsageError, match="is not higher; known: withdrawn"):
        advance(twice, finding, made(PlanEscalated, level=Level.CORRECTIVE_ACTION_PLAN))
    top = advance(plan, finding, made(PlanEscalated, level=Level.WITHDRAWN))
    with pytest.raises(UsageError, match="there is no higher level"):
        advance(top, finding, made(PlanEscalated, level=Level.WITHDRAWN))
    for lacking in ({"reason": ""}, {"exit_criteria": " "}):
        with pytest.raises(UsageError, match="needs"):
            advance(plan, finding, made(PlanEscalated, **lacking))


@pytest.mark.parametrize(
    ("severity", "category", "late", "level"),
    [
        ("Maj", "GAMB", 1, Level.FINDING_REVIEW),
        ("Maj", "GAMB", 31, Level.CORRECTIVE_ACTION_PLAN),
        ("Min", "GAMB", 61, Level.SUSPENDED),
        ("Crit", "GAMB", 1, Level.CORRECTIVE_ACTION_PLAN),
        ("Crit", "GAMB", 31, Level.SUSPENDED),
        ("Min", "ILL.CSAM", 1, Level.SUSPENDED),
    ],
)
def test_a_late_plan_moves_up_with_time(
    agreed: ActionPlan, finding: Finding, severity: str, category: str, late: int, level: Level
) -> None:
    found = replace(finding, severity=severity, categories=(category,))

    assert due([(agreed, found)], agreed.due) == {}
    assert due([(agreed, found)], agreed.due + days(late)) == {"P-0001": ("overdue", level)}


def test_a_level_that_was_reached_is_not_asked_for_again(
    agreed: ActionPlan, finding: Finding, made: Made
) -> None:
    later = agreed.due + days(1)
    held = FollowUp(finding=finding, plan=agreed)
    trigger = escalations_due([held], later)["P-0001"]

    notice = notice_of(trigger, "P-0001", finding, later, "Ann")
    after = advance(agreed, finding, notice)

    assert after.escalations == (
        Escalation(
            at=later,
            level=Level.CORRECTIVE_ACTION_PLAN,
            reason="overdue since 2026-04-01",
            exit_criteria=notice.exit_criteria,
            rule="overdue",
        ),
    )
    assert notice.exit_criteria == (
        "root cause, milestones and due date are on record and signed for the supplier, and all 2 "
        "missed items pass again, and a fresh sample meets URL-01 on line proxy, profile ks2, by "
        "scheme becta-2008; what conformed of over-blocking conforms again, "
        "and harmless pages do not wait longer"
    )
    assert due([(after, finding)], later) == {}
    ended = replace(agreed, state=PlanState.CLOSED)
    assert due([(ended, finding)], later) == {}


def test_a_plan_that_nobody_agrees_in_time_is_reviewed(plan: ActionPlan, finding: Finding) -> None:
    limit = agreed_by(finding)

    for state in (PlanState.DRAFT, PlanState.SUBMITTED, PlanState.RETURNED):
        late = [(replace(plan, state=state), finding)]
        assert due(late, limit) == {}
        assert due(late, limit + days(0.1)) == {"P-0001": ("not-agreed", Level.FINDING_REVIEW)}
    assert due([(replace(plan, state=PlanState.AGREED), finding)], limit + days(0.1)) == {}


def test_a_missed_check_in_is_reviewed(
    agreed: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    waits = replace(advance(agreed, finding, made(VendorCheckedIn)), due=now + days(90))

    assert due([(waits, finding)], now + days(30)) == {}
    assert due([(waits, finding)], now + days(31)) == {
        "P-0001": ("check-in-missed", Level.FINDING_REVIEW)
    }


@pytest.mark.parametrize(
    ("after", "level"),
    [(HALF_YEAR, Level.CORRECTIVE_ACTION_PLAN), (HALF_YEAR + days(1), Level.FINDING_REVIEW)],
)
def test_a_failure_that_comes_back_is_escalated_at_once(
    agreed: ActionPlan, finding: Finding, now: datetime, after: timedelta, level: Level
) -> None:
    fixed = replace(agreed, state=PlanState.CLOSED, ended=now)
    opened = now + after
    back = replace(finding, id="F-0002", opened=opened, recurrence_of="F-0001")
    again = replace(agreed, id="P-0002", finding="F-0002", due=opened + days(30))

    assert due([(fixed, finding), (again, back)], opened) == {"P-0002": ("recurrence", level)}


def test_a_suspension_that_lasts_half_a_year_leads_to_withdrawal(
    agreed: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    suspended = advance(agreed, finding, made(PlanEscalated, level=Level.SUSPENDED))

    assert due([(suspended, finding)], now + HALF_YEAR) == {}
    assert due([(suspended, finding)], now + HALF_YEAR + days(1)) == {
        "P-0001": ("suspended-too-long", Level.WITHDRAWN)
    }


@pytest.mark.parametrize(
    ("severity", "number", "age", "expected"),
    [
        ("Crit", 4, 100, None),
        ("Crit", 5, 30, None),
        ("Crit", 5, 31, ("many-critical", Level.FINDING_REVIEW)),
        ("Crit", 5, 61, ("many-critical", Level.CORRECTIVE_ACTION_PLAN)),
        ("Maj", 9, 200, None),
        ("Maj", 10, 90, None),
        ("Maj", 10, 91, ("many-major", Level.FINDING_REVIEW)),
        ("Maj", 10, 121, ("many-major", Level.CORRECTIVE_ACTION_PLAN)),
        ("Min", 40, 300, None),
    ],
)
def test_many_old_failures_of_one_profile_are_escalated(
    agreed: ActionPlan,
    finding: Finding,
    now: datetime,
    severity: str,
    number: int,
    age: int,
    expected: tuple[str, Level] | None,
) -> None:
    held = many(agreed, finding, number, severity)

    found = due(held, now + days(age))

    assert found == ({plan.id: expected for plan, _ in held} if expected else {})


def test_one_requirement_on_several_lines_counts_once_and_profiles_count_apart(
    agreed: ActionPlan, finding: Finding, now: datetime
) -> None:
    held = many(agreed, finding, 5, "Crit")
    lines = [(plan, replace(one, requirement="URL-1")) for plan, one in held]
    profiles = [*held[:4], (held[4][0], replace(held[4][1], profile="ks3"))]
    services = [*held[:4], (held[4][0], replace(held[4][1], service="Other Net"))]
    excuse = Deviation(
        kind=DeviationKind.RISK_ADJUSTMENT,
        reason="r",
        mitigation="m",
        until=now + days(90),
        state=DeviationState.APPROVED,
        requested_by="Ann",
        requested=now,
    )
    excused = [(replace(held[0][0], deviations=(excuse,)), held[0][1]), *held[1:]]

    for fewer in (lines, profiles, services, excused):
        assert due(fewer, now + days(61)) == {}
    assert len(due(excused, now + days(91))) == 5


def test_ten_more_failures_than_at_first_are_escalated(
    agreed: ActionPlan, finding: Finding, now: datetime
) -> None:
    held = many(agreed, finding, 13, "Min")
    later = [
        (plan, replace(one, campaign="autumn", opened=now + days(1))) for plan, one in held[3:]
    ]

    assert due([*held[:3], *later[:9]], now + days(2)) == {}
    assert due([*held[:3], *later], now + days(2)) == {
        plan.id: ("more-findings", Level.FINDING_REVIEW) for plan, _ in later
    }


def test_what_happens_twice_within_six_months_needs_a_corrective_action_plan(
    agreed: ActionPlan, finding: Finding, now: datetime
) -> None:
    major = replace(finding, severity="Maj")
    first = Escalation(
        at=now, level=Level.FINDING_REVIEW, reason="r", exit_criteria="e", rule="overdue"
    )
    earlier = replace(agreed, id="P-0000", state=PlanState.CLOSED, escalations=(first,))

    def level(at: datetime, *others: ActionPlan) -> Level:
        late = replace(agreed, due=at - days(1))
        return due([(late, major), *((other, major) for other in others)], at)["P-0001"][1]

    assert level(now + HALF_YEAR, earlier) is Level.CORRECTIVE_ACTION_PLAN
    assert level(now + HALF_YEAR + days(1), earlier) is Level.FINDING_REVIEW
    assert level(now + days(1), earlier) is Level.FINDING_REVIEW
    other_rule = replace(earlier, escalations=(replace(first, rule="not-agreed"),))
    assert level(now + HALF_YEAR, other_rule) is Level.FINDING_REVIEW
    by_hand = replace(earlier, escalations=(replace(first, rule=""),))
    assert level(now + HALF_YEAR, by_hand) is Level.FINDING_REVIEW


def corrected(plan: ActionPlan, at: datetime) -> ActionPlan:
    """The plan after a correction of the clock."""
    return drop_escalations(plan, ClockCorrected(at=at, actor="Cy", reason="a flat battery"))


def by_rule(at: datetime, level: Level, rule: str = "overdue") -> Escalation:
    return Escalation(at=at, level=level, reason="r", exit_criteria="e", rule=rule)


def test_an_escalation_by_rule_with_a_wrong_date_counts_no_more_and_stays_on_record(
    agreed: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    first = advance(agreed, finding, made(PlanEscalated, rule="overdue"))
    wrong = made(PlanEscalated, rule="overdue", level=Level.SUSPENDED, at=now + days(3650))
    ahead = advance(first, finding, wrong)

    after = corrected(ahead, now + days(1))

    assert (ahead.level, after.level) == (Level.SUSPENDED, Level.FINDING_REVIEW)
    assert after.counted_escalations == first.escalations
    assert [one.level for one in after.escalations] == [Level.FINDING_REVIEW, Level.SUSPENDED]
    assert after.escalations[1].dropped == (
        "its date was wrong, the clock was corrected at 2026-03-03 09:00: a flat battery"
    )
    assert after.history[:-1] == ahead.history
    assert after.history[-1] == (
        "2026-03-03 09:00 Cy: the escalation of 2036-02-28 09:00 to suspended (rule overdue) "
        "counts no more: its date was wrong: a flat battery"
    )
    assert after.actors == ahead.actors
    assert corrected(after, now) == replace(
        corrected(first, now), escalations=after.escalations, history=after.history
    )
    again = advance(after, finding, made(PlanEscalated, level=Level.CORRECTIVE_ACTION_PLAN))
    assert again.level is Level.CORRECTIVE_ACTION_PLAN


@pytest.mark.parametrize(
    ("rule", "later", "counts"),
    [
        ("overdue", TOLERANCE, True),
        ("overdue", TOLERANCE + timedelta(seconds=1), False),
        ("overdue", -days(1), True),
        ("", days(3650), True),
    ],
)
def test_only_an_escalation_by_rule_that_is_dated_after_the_correction_is_dropped(
    agreed: ActionPlan, now: datetime, rule: str, later: timedelta, *, counts: bool
) -> None:
    held = replace(agreed, escalations=(by_rule(now + later, Level.SUSPENDED, rule),))

    after = corrected(held, now)

    assert after.level == (Level.SUSPENDED if counts else None)
    assert (after == held) == counts


def test_a_dropped_escalation_is_no_suspension_that_lasts_and_no_repetition(
    agreed: ActionPlan, finding: Finding, now: datetime
) -> None:
    major, at = replace(finding, severity="Maj"), now + days(30)
    suspended = replace(agreed, escalations=(by_rule(at, Level.SUSPENDED),), due=now + days(900))
    later = at + HALF_YEAR + days(1)
    assert due([(suspended, major)], later) == {"P-0001": ("suspended-too-long", Level.WITHDRAWN)}
    assert due([(corrected(suspended, now), major)], later) == {}

    earlier = replace(
        agreed, id="P-0000", state=PlanState.CLOSED, escalations=(by_rule(at, Level.SUSPENDED),)
    )
    late = replace(agreed, due=at + days(1))
    for other, level in (
        (earlier, Level.CORRECTIVE_ACTION_PLAN),
        (corrected(earlier, now), Level.FINDING_REVIEW),
    ):
        found = due([(late, major), (other, major)], at + days(2))
        assert found["P-0001"] == ("overdue", level)
