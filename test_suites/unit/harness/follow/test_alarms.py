"""Alarms of surveillance: who may do what with them, and what a re-test of fixed size shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from harness.errors import UsageError
from harness.follow.alarm_retest import retest_of
from harness.follow.alarms import alarms_of, open_alarms
from harness.follow.derived_rows import ALARM, rows_after, rows_of
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.model.alarm import Alarm, AlarmRetest, AlarmRule, AlarmState, RaisedAlarm
from harness.model.conformity import Conformity
from harness.model.event import StreamOpened
from harness.model.metric import Span
from harness.model.outcome import (
    Assessment,
    LineUnderTest,
    Outcome,
    Precondition,
    Sequential,
)
from harness.model.surveillance_event import (
    AlarmAcknowledged,
    AlarmRaised,
    AlarmRetested,
    SurveillanceRun,
)
from test_suites.unit.harness.follow.conftest import NOW
from test_suites.unit.harness.follow.raised_alarm import RAISED

DAY = timedelta(days=1)
RETEST = AlarmRetest(
    campaign="fixed",
    scheme="becta-2008",
    begun=NOW + DAY,
    conformity=Conformity.DOES_NOT_CONFORM,
    statement="42 of 60",
)
Make = Callable[..., Outcome]
Assess = Callable[..., Assessment]


def raised(**values: Any) -> AlarmRaised:
    alarm = msgspec.structs.replace(RAISED, **values)
    return AlarmRaised(at=NOW, actor="monitor", service=alarm.service, alarm=alarm.id, raised=alarm)


def acknowledged(actor: str = "Ann", note: str = "The supplier looks at it") -> AlarmAcknowledged:
    at = NOW + timedelta(hours=1)
    return AlarmAcknowledged(at=at, actor=actor, service="Safe Net", alarm="A-0001", note=note)


def retested(**values: Any) -> AlarmRetested:
    retest = msgspec.structs.replace(RETEST, **values)
    return AlarmRetested(
        at=NOW + 2 * DAY, actor="Ann", service="Safe Net", alarm="A-0001", retest=retest
    )


def run(campaign: str = "daily-1") -> SurveillanceRun:
    return SurveillanceRun(
        at=NOW,
        actor="monitor",
        service="Safe Net",
        monitoring="acme",
        site="Hill School",
        schedule="daily",
        due=NOW,
        result="measured",
        campaign=campaign,
    )


@pytest.fixture
def state() -> StreamState:
    return replay([StreamOpened(at=NOW, actor="monitor", name="Acme"), run(), raised()])


def test_an_alarm_is_raised_acknowledged_and_confirmed(state: StreamState) -> None:
    after = state.after(acknowledged(), retested())

    alarm = after.alarms["A-0001"]
    assert alarm.state is AlarmState.CONFIRMED
    assert alarm.acknowledged_by == "Ann"
    assert alarm.ended == NOW + 2 * DAY
    assert alarms_of(after.alarms, "safe net") == (alarm,)
    assert open_alarms(after.alarms.values()) == ()


def test_a_retest_that_decides_nothing_leaves_an_alarm_open(state: StreamState) -> None:
    after = state.after(retested(conformity=Conformity.INSUFFICIENT))

    alarm = after.alarms["A-0001"]
    assert alarm.state is AlarmState.RAISED
    assert not alarm.is_ended
    assert alarm.ended is None
    assert open_alarms(after.alarms.values()) == (alarm,)
    assert not alarm.is_overdue(NOW + 5 * DAY)
    assert alarm.is_overdue(NOW + 6 * DAY)


def test_an_alarm_that_was_not_confirmed_ends(state: StreamState) -> None:
    after = state.after(retested(conformity=Conformity.CONFORMS))

    assert after.alarms["A-0001"].state is AlarmState.NOT_CONFIRMED
    assert not after.alarms["A-0001"].is_overdue(NOW + 90 * DAY)


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (retested(campaign="daily-1"), "was a run of surveillance"),
        (retested(begun=NOW - DAY), "before the alarm was raised"),
        (acknowledged(note=" "), "needs a name, and a note"),
        (acknowledged(actor="..."), "needs a name, and a note"),
        (raised(number=2), "alarm A-0001 about the same requirement is open"),
        (raised(), "exists already"),
        (raised(number=2, requirement="URL-02", sites=()), "needs the sites"),
        (msgspec.structs.replace(acknowledged(), alarm="A-0009"), "no alarm 'A-0009'"),
        (run(), "is recorded already"),
    ],
)
def test_what_cannot_follow_is_refused(state: StreamState, event: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        state.after(event)


def test_no_campaign_counts_twice_and_an_ended_alarm_stays_ended(state: StreamState) -> None:
    undecided = retested(conformity=Conformity.INSUFFICIENT)
    after = state.after(undecided)

    with pytest.raises(UsageError, match="counted already"):
        after.after(undecided)
    with pytest.raises(UsageError, match="is confirmed already, by campaign fixed"):
        state.after(retested()).after(retested(campaign="other"))
    with pytest.raises(UsageError, match="Ann acknowledged it already"):
        state.after(acknowledged(), acknowledged("Di"))


def test_an_alarm_about_the_same_can_be_raised_after_the_first_has_ended(
    state: StreamState,
) -> None:
    after = state.after(retested(), raised(number=2))

    assert after.alarms["A-0002"].state is AlarmState.RAISED


def test_derived_rows_hold_the_alarms(state: StreamState) -> None:
    event = acknowledged()
    after = state.after(event)

    (row,) = rows_after(after, [event])
    assert (row.kind, row.id, row.state, row.key) == (ALARM, "A-0001", "acknowledged", "safe net")
    assert row in tuple(rows_of(after))


# what a campaign of fixed size shows


@pytest.fixture
def assessed(make_assessment: Assess) -> Callable[..., Assessment]:
    def made(*outcomes: Outcome, corpora: tuple[str, ...] = ("gambling 1 ab",)) -> Assessment:
        lines = tuple(
            LineUnderTest(name=name, type="proxy", site=site)
            for name, site in (("proxy", "Hill School"), ("other", "Vale School"))
        )
        assessment = make_assessment(*outcomes, campaign="fixed")
        return replace(assessment, lines=lines, corpora=corpora)

    return made


def shown(alarm: RaisedAlarm, assessment: Assessment, *tried: str) -> AlarmRetest:
    return retest_of(Alarm(raised=alarm, at=NOW), assessment, NOW + DAY, frozenset(tried))


def test_one_outcome_that_does_not_conform_confirms(make_outcome: Make, assessed: Assess) -> None:
    failed = make_outcome(Conformity.DOES_NOT_CONFORM)
    passed = replace(make_outcome(Conformity.CONFORMS), line="other")

    retest = shown(RAISED, assessed(failed, passed))

    assert retest.conformity is Conformity.DOES_NOT_CONFORM
    assert retest.statement.startswith("URL-01[ks2-proxy]: ")


def test_a_conforming_outcome_at_the_site_ends_the_alarm(
    make_outcome: Make, assessed: Assess
) -> None:
    retest = shown(RAISED, assessed(make_outcome(Conformity.CONFORMS)))

    assert retest.conformity is Conformity.CONFORMS
    assert retest.campaign == "fixed"


def test_a_retest_at_another_site_decides_nothing(make_outcome: Make, assessed: Assess) -> None:
    elsewhere = replace(make_outcome(Conformity.CONFORMS), line="other")

    retest = shown(RAISED, assessed(elsewhere))

    assert retest.conformity is Conformity.INSUFFICIENT
    assert retest.statement == "not shown to conform at Hill School"


def test_each_site_of_the_alarm_must_be_shown_to_conform(
    make_outcome: Make, assessed: Assess
) -> None:
    both = msgspec.structs.replace(RAISED, sites=("Hill School", "Vale School"))
    here = make_outcome(Conformity.CONFORMS)
    there = replace(make_outcome(Conformity.INSUFFICIENT), line="other")

    retest = shown(both, assessed(here, there))

    assert retest.conformity is Conformity.INSUFFICIENT
    assert "not shown to conform at Vale School" in retest.statement
    assert "too little evidence for URL-01[ks2-other]" in retest.statement


def test_a_retest_without_the_packs_of_the_alarm_decides_nothing(
    make_outcome: Make, assessed: Assess
) -> None:
    passed = assessed(make_outcome(Conformity.CONFORMS), corpora=("easy 1 ab",))

    assert "without the packs of the alarm: gambling" in shown(RAISED, passed).statement
    assert shown(RAISED, passed).conformity is Conformity.INSUFFICIENT


def test_where_no_miss_is_allowed_each_missed_item_is_tried_again(
    make_outcome: Make, assessed: Assess
) -> None:
    missed = msgspec.structs.replace(RAISED, rule=AlarmRule.MISS)
    passed = assessed(make_outcome(Conformity.CONFORMS))

    assert shown(missed, passed, "gamb-001").conformity is Conformity.INSUFFICIENT
    assert shown(missed, passed, "gamb-001", "gamb-002").conformity is Conformity.CONFORMS


def test_an_outcome_with_an_undeclared_limit_decides_nothing(
    make_outcome: Make, assessed: Assess
) -> None:
    limited = replace(make_outcome(Conformity.CONFORMS), qualifier="agreed list only")

    retest = shown(RAISED, assessed(limited))

    assert retest.conformity is Conformity.INSUFFICIENT
    assert "limited to agreed list only" in retest.statement


def test_a_test_that_may_be_read_at_any_time_is_no_retest(
    make_outcome: Make, assessed: Assess
) -> None:
    passed = make_outcome(Conformity.CONFORMS)
    rows = passed.requirement.model_copy(update={"rule": "sequential"})
    stopped = Sequential(
        plan=1,
        bad=0.9,
        good=0.97,
        decision="pass",
        alpha=0.05,
        beta=0.05,
        blocked=60,
        missed=0,
        doubtful=0,
    )

    for outcome in (replace(passed, requirement=rows), replace(passed, sequential=stopped)):
        with pytest.raises(UsageError, match="a re-test needs a fixed size"):
            shown(RAISED, assessed(outcome))


def test_a_campaign_about_something_else_is_refused(make_outcome: Make, assessed: Assess) -> None:
    passed = make_outcome(Conformity.CONFORMS)
    reported = passed.requirement.model_copy(update={"binding": False})

    with pytest.raises(UsageError, match="says nothing about URL-01 for profile ks2"):
        shown(RAISED, assessed(replace(passed, profile="staff")))
    with pytest.raises(UsageError, match="only reports URL-01"):
        shown(RAISED, assessed(replace(passed, requirement=reported)))


STRICT = msgspec.structs.replace(RAISED, metric="block_rate", at_least=0.95)


def test_a_scheme_that_asks_for_less_ends_no_alarm(make_outcome: Make, assessed: Assess) -> None:
    passed = assessed(make_outcome(Conformity.CONFORMS))

    with pytest.raises(UsageError, match="asks for at least 90 %, and the alarm is about at least"):
        shown(STRICT, passed)
    with pytest.raises(UsageError, match="asks for nothing"):
        shown(msgspec.structs.replace(STRICT, at_least=None, at_most=0.1), passed)


def test_the_scheme_of_the_accreditation_may_ask_for_less(
    make_outcome: Make, assessed: Assess
) -> None:
    passed = assessed(make_outcome(Conformity.CONFORMS))
    alarm = Alarm(raised=STRICT, at=NOW)

    retest = retest_of(alarm, passed, NOW + DAY, frozenset(), is_decided_by=True)

    assert retest.conformity is Conformity.CONFORMS


def test_a_retest_by_another_metric_or_without_a_part_decides_nothing(
    make_outcome: Make, assessed: Assess
) -> None:
    passed = assessed(make_outcome(Conformity.CONFORMS))
    parts = msgspec.structs.replace(RAISED, parts=("GAMB, hidden real items",))
    other = msgspec.structs.replace(RAISED, metric="overblock_rate")

    assert shown(parts, passed).conformity is Conformity.INSUFFICIENT
    assert "nothing measured of GAMB, hidden real items" in shown(parts, passed).statement
    assert "measured by another metric" in shown(other, passed).statement


# re-tests that leave an alarm open

OF_RATE = msgspec.structs.replace(RAISED, metric="block_rate", at_least=0.9)


def left_open(tries: int, counted: int = 60) -> Alarm:
    """An alarm that so many re-tests left open."""
    undecided = msgspec.structs.replace(RETEST, conformity=Conformity.INSUFFICIENT, counted=counted)
    names = [f"try-{number}" for number in range(tries)]
    tried = tuple(msgspec.structs.replace(undecided, campaign=name) for name in names)
    return Alarm(raised=OF_RATE, at=NOW, retests=tried)


def again(alarm: Alarm, assessment: Assessment, deciding: int = 500) -> AlarmRetest:
    return retest_of(alarm, assessment, NOW + DAY, frozenset(), deciding=deciding)


def counting(make_outcome: Make, conformity: Conformity, items: int) -> Outcome:
    """An outcome of so many items, with bounds on both sides of 90 % where it is insufficient."""
    outcome = make_outcome(conformity)
    lower = 0.92 if conformity is Conformity.CONFORMS else 0.85
    metric = replace(outcome.metric, n=items, lower=lower, upper=0.95, parts=(), decided=None)
    return replace(outcome, metric=metric)


def test_the_levels_of_all_retests_of_an_alarm_together_are_at_most_one_alpha() -> None:
    levels = [left_open(tries).next_level for tries in range(10)]

    assert levels[:3] == [0.5, 0.25, 0.125]
    assert sum(levels) <= 1


def test_after_three_open_retests_only_a_larger_one_counts(
    make_outcome: Make, assessed: Assess
) -> None:
    open_, passed = Conformity.INSUFFICIENT, Conformity.CONFORMS
    small = assessed(counting(make_outcome, open_, 60))
    large = assessed(counting(make_outcome, open_, 500))

    assert again(left_open(2), small).counted == 60
    for conformity in Conformity:
        with pytest.raises(UsageError, match="the next has to decide it: 500 independent items"):
            again(left_open(3), assessed(counting(make_outcome, conformity, 499)))
    assert again(left_open(3), large).conformity is open_
    cleared = again(left_open(3), assessed(counting(make_outcome, passed, 500)))
    assert (cleared.conformity, cleared.level) == (passed, 0.5**4)
    assert not left_open(3).is_not_ruled_out
    assert left_open(4).is_not_ruled_out


def test_all_items_of_the_packs_decide_however_few_they_are(
    make_outcome: Make, assessed: Assess
) -> None:
    passed = assessed(counting(make_outcome, Conformity.CONFORMS, 120))

    retest = retest_of(left_open(3), passed, NOW + DAY, frozenset(), deciding=500, has_all=True)

    assert retest.conformity is Conformity.CONFORMS


def test_what_the_test_itself_left_open_does_not_count_against_the_service(
    make_outcome: Make, assessed: Assess
) -> None:
    """A site that was left out, a gate or precondition that failed, and undecided items."""
    open_ = counting(make_outcome, Conformity.INSUFFICIENT, 60)
    elsewhere = assessed(replace(open_, line="other"))
    gated = assessed(replace(open_, metric=replace(open_.metric, lower=0.92)))
    doubtful = assessed(replace(open_, metric=replace(open_.metric, decided=Span(0.93, 0.99))))
    failed = Precondition(name="origin", line="proxy", profile="ks2", held=False, detail="down")
    void = replace(assessed(open_), preconditions=(failed,))

    for assessment in (elsewhere, gated, doubtful, void):
        assert again(left_open(0), assessment).counted == 0
    assert left_open(4, counted=0).left_open == 0
