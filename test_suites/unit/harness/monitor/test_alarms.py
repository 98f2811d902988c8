"""Which alarms are raised: from how many sites, and where one miss is enough."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.alarm import Alarm, AlarmRule, AlarmState, RaisedAlarm
from harness.model.conformity import Conformity
from harness.model.surveillance_event import SurveillanceRun
from harness.model.surveillance_reading import RequirementReading
from harness.monitor.alarms import (
    Signal,
    SiteRule,
    alarms_due,
    plain_signals,
    signal_over,
)
from harness.monitor.series import Series, series_of
from test_suites.kit.campaigns.monitored_runs import BEGUN, DAY, reading, run

NOW = BEGUN + 30 * DAY
SITES = ("Hill School", "Vale School", "Dale School")
FAILED, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.INSUFFICIENT


def rule(needed: int = 2) -> SiteRule:
    return SiteRule(sites=SITES, needed=needed, retest_within=timedelta(days=5))


def only(*runs: SurveillanceRun) -> Series:
    (series,) = series_of(runs)
    return series


def signal(
    site: str = "Hill School", which: AlarmRule = AlarmRule.EVIDENCE, **values: Any
) -> Signal:
    each = reading(6, **values)
    return signal_over(only(run(0, each, site=site), run(1, each, site=site)), which, "worse", 0)


def raised(signals: Sequence[Signal], needed: int = 2, *held: Alarm) -> tuple[RaisedAlarm, ...]:
    return alarms_due(signals, {each.id: each for each in held}, "Safe Net", rule(needed), NOW)


def test_a_signal_from_too_few_sites_raises_nothing() -> None:
    assert raised([signal()]) == ()
    assert raised([signal(), signal()]) == ()
    assert raised([signal(), signal("hill school")]) == ()


def test_signals_from_enough_sites_raise_one_alarm() -> None:
    (alarm,) = raised([signal(), signal("Vale School")])

    assert alarm.id == "A-0001"
    assert alarm.sites == ("Hill School", "Vale School")
    assert alarm.of_sites == 3
    assert alarm.rule is AlarmRule.EVIDENCE
    assert alarm.requirement == "URL-04"
    assert alarm.severity == "Crit"
    assert alarm.retest_by == NOW + timedelta(days=5)
    assert alarm.statement == "Hill School: worse; Vale School: worse"
    assert alarm.runs == ("daily-0", "daily-1")
    assert alarm.items == tuple(f"drug-{number}" for number in range(6))
    assert alarm.packs == ("drugs",)
    assert any("one site: 2 of 3 show it" in each for each in alarm.ruled_out)


def test_undecided_runs_do_not_count_together_with_evidence() -> None:
    assert raised([signal(), signal("Vale School", AlarmRule.UNDECIDED)]) == ()


@pytest.mark.parametrize("which", [AlarmRule.MISS, AlarmRule.DISCONTINUED])
def test_a_miss_at_one_site_is_enough(which: AlarmRule) -> None:
    (alarm,) = raised([signal(which=which)])

    assert alarm.sites == ("Hill School",)
    assert not any("one site" in each for each in alarm.ruled_out)


def test_another_requirement_or_profile_is_another_alarm() -> None:
    signals = [
        signal(which=AlarmRule.MISS),
        signal(which=AlarmRule.MISS, requirement="URL-05"),
        signal(which=AlarmRule.MISS, profile="staff"),
    ]

    found = raised(signals)

    assert [each.id for each in found] == ["A-0001", "A-0002", "A-0003"]
    assert {(each.requirement, each.profile) for each in found} == {
        ("URL-04", "ks2"),
        ("URL-05", "ks2"),
        ("URL-04", "staff"),
    }


def test_while_an_alarm_is_open_none_about_the_same_is_raised() -> None:
    signals = [signal(which=AlarmRule.MISS)]
    (first,) = raised(signals)
    held = Alarm(raised=first, at=NOW)
    ended = Alarm(raised=first, at=NOW, state=AlarmState.CONFIRMED, ended=NOW)

    assert raised(signals, 2, held) == ()
    assert [each.id for each in raised(signals, 2, ended)] == ["A-0002"]


@given(
    st.lists(st.tuples(st.sampled_from(SITES), st.sampled_from(list(AlarmRule))), max_size=8),
    st.integers(1, 3),
)
def test_no_alarm_without_enough_sites(shown: list[tuple[str, AlarmRule]], needed: int) -> None:
    found = raised([signal(site, which) for site, which in shown], needed)

    for alarm in found:
        sites = {site for site, _ in shown}
        assert set(alarm.sites) <= sites
        one = {AlarmRule.MISS, AlarmRule.DISCONTINUED}
        assert len(alarm.sites) >= (1 if alarm.rule in one else needed)
    assert len(found) <= 1
    assert bool(found) or not {which for _, which in shown} & {AlarmRule.MISS}


# signals that need no statistic


def failed(**values: Any) -> RequirementReading:
    return reading(2, conformity=FAILED, **values)


def test_a_miss_where_none_is_allowed_is_a_signal() -> None:
    (found,) = plain_signals(only(run(0, reading()), run(1, failed(at_least=1.0))))

    assert found.rule is AlarmRule.MISS
    assert found.statement == "2 items were missed in campaign daily-1, and none may be"
    assert found.runs == ("daily-1",)
    assert found.items == ("drug-0", "drug-1")


@pytest.mark.parametrize("which", ["census", "functional", "gate"])
def test_a_failure_that_is_no_matter_of_chance_is_a_signal(which: str) -> None:
    each = failed(rule=which, parts=(), at_least=None, missed_items=())

    (found,) = plain_signals(only(run(0, each)))

    assert found.rule is AlarmRule.MISS
    assert found.statement == "the requirement was not met in campaign daily-0"


def test_a_missed_rate_is_no_plain_signal_unless_surveillance_is_discontinued() -> None:
    assert plain_signals(only(run(0, failed()))) == ()
    (found,) = plain_signals(only(run(0, failed(), then="discontinued")))
    assert found.rule is AlarmRule.DISCONTINUED
    assert plain_signals(only(run(0, reading(), then="discontinued"))) == ()


def test_what_does_not_bind_gives_no_signal() -> None:
    assert plain_signals(only(run(0, failed(at_least=1.0, is_binding=False)))) == ()


def nothing() -> RequirementReading:
    return reading(0, 0, conformity=OPEN)


def test_five_runs_that_decide_nothing_are_a_signal() -> None:
    series = only(run(0, reading()), *(run(day, nothing()) for day in range(1, 6)))

    (found,) = plain_signals(series)

    assert found.rule is AlarmRule.UNDECIDED
    assert found.statement == "the last 5 runs could decide nothing"
    assert plain_signals(only(*(run(day, nothing()) for day in range(4)))) == ()


def test_a_missed_run_neither_ends_nor_extends_a_row_of_undecided_ones() -> None:
    runs = [run(day, nothing()) for day in range(4)]
    gap = run(4, result="missed")

    assert plain_signals(only(*runs, gap)) == ()
    assert len(plain_signals(only(*runs, gap, run(5, nothing())))) == 1


def test_a_run_that_was_too_small_to_decide_is_not_undecided() -> None:
    runs = [run(day, reading(0, 20, conformity=OPEN)) for day in range(9)]

    assert plain_signals(only(*runs)) == ()


def test_undecided_items_that_would_decide_make_a_run_undecided() -> None:
    """A service could leave most items undecided, and block the rest."""
    runs = [run(day, reading(0, 60, conformity=OPEN, undecided=50)) for day in range(5)]

    (found,) = plain_signals(only(*runs))

    assert found.rule is AlarmRule.UNDECIDED


def test_the_time_of_an_alarm_is_that_of_the_clock() -> None:
    (alarm,) = raised([signal(which=AlarmRule.MISS)])

    assert isinstance(alarm.retest_by, datetime)
    assert alarm.retest_by - NOW == timedelta(days=5)
