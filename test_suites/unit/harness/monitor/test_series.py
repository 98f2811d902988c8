"""Which readings of surveillance runs are compared, and where a series begins anew."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from harness.model.alarm import Alarm, AlarmRetest, AlarmRule, AlarmState, RaisedAlarm
from harness.model.conformity import Conformity
from harness.monitor.series import series_of
from test_suites.kit.campaigns.monitored_runs import BEGUN, DAY, reading, run


def ended_alarm(ended: datetime, requirement: str = "URL-04") -> Alarm:
    retest = AlarmRetest(
        campaign="fixed",
        scheme="becta-2008",
        begun=ended,
        conformity=Conformity.CONFORMS,
        statement="",
    )
    raised = RaisedAlarm(
        number=1,
        service="Safe Net",
        scheme="surveillance",
        requirement=requirement,
        profile="ks2",
        rule=AlarmRule.EVIDENCE,
        sites=("Hill School",),
        of_sites=1,
        statement="",
        retest_by=ended,
    )
    return Alarm(
        raised=raised,
        at=ended - DAY,
        state=AlarmState.NOT_CONFIRMED,
        ended=ended,
        retests=(retest,),
    )


def test_runs_of_one_schedule_at_one_site_are_a_series() -> None:
    runs = [run(day, reading(day)) for day in range(3)]

    (series,) = series_of(runs)

    assert [point.run.campaign for point in series.points] == ["daily-0", "daily-1", "daily-2"]
    assert [part.missed for each in series.readings for part in each.parts] == [0, 1, 2]
    assert series.runs_per_year == 365
    assert series.key.requirement == "URL-04"


@pytest.mark.parametrize(
    "other",
    [
        run(1, reading(), site="Vale School"),
        run(1, reading(), schedule="weekly"),
        run(1, reading(), scheme="other"),
        run(1, reading(profile="staff")),
        run(1, reading(line="wifi")),
        run(1, reading(requirement="URL-05")),
    ],
)
def test_what_is_measured_elsewhere_or_by_another_requirement_is_another_series(
    other: object,
) -> None:
    series = series_of([run(0, reading()), other])  # type: ignore[list-item]  # parametrised

    assert len(series) == 2
    assert all(len(each.readings) == 1 for each in series)


def test_the_case_of_a_sites_name_does_not_count() -> None:
    (series,) = series_of([run(0, reading()), run(1, reading(), site="hill  school")])

    assert len(series.readings) == 2
    assert series.key.site == "Hill School"


def test_a_change_of_the_instrument_begins_every_series_of_the_schedule_anew() -> None:
    changed = ("rules 2", "surveillance 1.1", "drugs 1 ab")
    runs = [
        run(0, reading(), reading(requirement="URL-05")),
        run(0, reading(), site="Vale School"),
        run(1, reading(1), instrument=changed),
        run(2, reading(2), instrument=changed),
    ]

    found = {(each.key.site, each.key.requirement): each for each in series_of(runs)}

    assert len(found["Hill School", "URL-04"].points) == 2
    assert len(found["Vale School", "URL-04"].points) == 1
    assert ("Hill School", "URL-05") not in found


def test_a_change_at_a_run_that_measured_nothing_is_none() -> None:
    runs = [run(0, reading()), run(1, result="failed", instrument=()), run(2, reading())]

    (series,) = series_of(runs)

    assert [point.reading is None for point in series.points] == [False, True, False]


def test_runs_that_were_left_out_are_no_gap_but_missed_ones_are() -> None:
    runs = [
        run(0, reading()),
        run(1, result="left-out"),
        run(2, result="missed"),
        run(3, reading()),
    ]

    (series,) = series_of(runs)

    assert [point.run.result for point in series.points] == ["measured", "missed", "measured"]


def test_a_run_without_a_requirement_that_was_measured_before_is_a_gap_of_it() -> None:
    (series,) = series_of([run(0, reading()), run(1)])

    assert [point.reading is None for point in series.points] == [False, True]
    assert series.last.run.campaign == "daily-1"


def test_figures_before_a_decided_alarm_count_no_more() -> None:
    runs = [run(day, reading(day), reading(requirement="URL-05")) for day in range(4)]

    found = {
        each.key.requirement: [point.run.campaign for point in each.points]
        for each in series_of(runs, [ended_alarm(BEGUN + 2 * DAY)])
    }

    assert found["URL-04"] == ["daily-2", "daily-3"]
    assert found["URL-05"] == ["daily-0", "daily-1", "daily-2", "daily-3"]


def test_an_open_alarm_ends_no_series() -> None:
    alarm = msgspec.structs.replace(ended_alarm(BEGUN + 2 * DAY), ended=None)

    (series,) = series_of([run(day, reading()) for day in range(4)], [alarm])

    assert len(series.points) == 4
