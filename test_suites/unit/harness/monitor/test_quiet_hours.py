"""Quiet hours and the free time between them, also where clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.monitor.quiet_hours import (
    DAY_NAMES,
    QuietHours,
    cover_the_week,
    earliest_start,
    free_gaps,
)
from test_suites.unit.harness.monitor.monitoring_example import moments

LONDON = ZoneInfo("Europe/London")
CLOCK = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
DAYS = st.lists(st.sampled_from(DAY_NAMES), min_size=1, unique=True)


def window(begins: str, ends: str, *days: Any) -> QuietHours:
    return QuietHours.model_validate({"from": begins, "to": ends, "days": days or DAY_NAMES})


WINDOWS = st.lists(
    st.builds(lambda a, b, days: window(a, "24:00" if a == b else b, *days), CLOCK, CLOCK, DAYS),
    min_size=1,
    max_size=5,
)


def gaps(windows: list[QuietHours], after: str, number: int) -> list[str]:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    return [
        f"{gap.begins:%a %H:%M}-{gap.ends:%a %H:%M}"
        for gap in islice(free_gaps(windows, LONDON, moment), number)
    ]


def test_windows_that_touch_or_overlap_are_one() -> None:
    windows = [window("22:00", "06:00"), window("05:00", "09:15", "mon"), window("09:15", "10:00")]

    assert ["Mon 10:00-Mon 22:00", "Tue 06:00-Tue 09:15", "Tue 10:00-Tue 22:00"] == gaps(
        windows, "2026-11-30T03:00", 3
    )


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    assert ["Fri 12:00-Fri 22:00", "Sat 06:00-Fri 22:00"] == gaps(
        [window("22:00", "06:00", "fri")], "2026-11-27T12:00", 2
    )


def test_a_whole_day_may_be_quiet() -> None:
    windows = [window("00:00", "24:00", "sat", "sun")]

    assert ["Fri 12:00-Sat 00:00", "Mon 00:00-Sat 00:00"] == gaps(windows, "2026-11-27T12:00", 2)


@pytest.mark.parametrize(
    ("windows", "after", "first"),
    [
        ([window("00:30", "01:30")], "2026-10-24T23:00", "Sat 23:00-Sat 23:30"),  # BST
        ([window("00:30", "01:30")], "2026-10-24T23:45", "Sun 01:30-Mon 00:30"),  # the second 01:30
        ([window("23:00", "01:30")], "2026-03-28T23:30", "Sun 01:30-Sun 22:00"),  # shown as 02:30
        ([window("01:30", "05:00")], "2026-03-29T00:00", "Sun 00:00-Sun 00:30"),  # an hour early
    ],
)
def test_where_clocks_change_quiet_hours_last_longer(
    windows: list[QuietHours], after: str, first: str
) -> None:
    assert [first] == gaps(windows, after, 1)


@given(
    windows=WINDOWS,
    after=moments("2026-03-20", "2026-11-02"),
)
def test_gaps_hold_no_quiet_minute_and_leave_out_no_free_one(
    windows: list[QuietHours], after: datetime
) -> None:
    found = list(free_gaps(windows, LONDON, after))

    assert all(one.ends < other.begins for one, other in pairwise(found))
    assert all(gap.begins < gap.ends for gap in found)
    for hours in range(0, 24 * 9, 5):
        moment = after.replace(second=0, microsecond=0) + timedelta(hours=hours, minutes=1)
        in_gap = any(gap.begins <= moment < gap.ends for gap in found)
        local = moment.astimezone(LONDON)
        changes = {(local + timedelta(days=day)).utcoffset() for day in (-1, 0, 1)}
        if len(changes) == 1:
            assert in_gap != _is_quiet(windows, local)
        elif in_gap:
            assert not _is_quiet(windows, local)


def _is_quiet(windows: list[QuietHours], local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    for each in windows:
        begins, ends = each.minutes
        yesterday = DAY_NAMES[local.weekday() - 1]
        if DAY_NAMES[local.weekday()] in each.days and begins <= minute < ends:
            return True
        if yesterday in each.days and begins <= minute + 1440 < ends:
            return True
    return False


def test_windows_that_leave_one_minute_do_not_cover_the_week() -> None:
    assert cover_the_week([window("00:00", "12:00"), window("12:00", "24:00")])
    assert not cover_the_week([window("00:00", "12:00"), window("12:00", "23:59")])
    assert cover_the_week(
        [window("00:00", "12:00"), window("12:00", "23:59"), window("23:58", "00:01")]
    )


def test_a_run_starts_where_it_ends_before_quiet_hours() -> None:
    windows = [window("22:00", "06:00")]
    at = datetime(2026, 11, 30, 20, tzinfo=UTC)
    morning = datetime(2026, 12, 1, 6, tzinfo=UTC)

    assert at == earliest_start(at, timedelta(hours=2), windows, LONDON)
    assert morning == earliest_start(at, timedelta(hours=3), windows, LONDON)
    assert at == earliest_start(at, timedelta(hours=17), windows, LONDON)
    assert at == earliest_start(at, timedelta(hours=17), [], LONDON)


@pytest.mark.parametrize(
    "keys",
    [
        {"from": "06:00", "to": "06:00"},
        {"from": "6:00", "to": "07:00"},
        {"from": "24:00", "to": "07:00"},
        {"from": "06:00", "to": "24:30"},
        {"from": "06:00", "to": "07:00", "days": []},
        {"from": "06:00", "to": "07:00", "days": ["monday"]},
        {"from": "06:00"},
    ],
)
def test_wrong_windows_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        QuietHours.model_validate(
            {name: tuple(value) if name == "days" else value for name, value in keys.items()}
        )
