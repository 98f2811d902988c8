"""Cron times: Debian's rules, also where clocks change; wrong expressions are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from harness.monitor.cron_times import check_cron, count_times, times_of
from test_suites.unit.harness.monitor.monitoring_example import moments

LONDON = ZoneInfo("Europe/London")
ZONES = ["UTC", "Europe/London", "America/Nuuk", "Australia/Lord_Howe", "Africa/Cairo"]
CRONS = [
    "15 6 * * *", "30 1 * * *", "0,30 1,2 * * *", "*/15 * * * *", "20 * * * *", "*/40 2 * * *",
    "30 23 * * *", "0,30 0,23 * * *", "0 7 * * 1", "0 0 1 * *", "0 0 1 * MON", "0 0 */2 * 1",
    "0 0 L * *", "0 0 * * MON#1",
]  # fmt: skip
MOMENTS = moments("2026-01-01", "2027-12-31")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def times(cron: str, zone: str, after: str, until: str) -> list[str]:
    found = times_of(cron, ZoneInfo(zone), utc(after), utc(until))
    return [each.strftime("%d %H:%M") for each in found]


def test_half_past_one_comes_once_on_both_nights_on_which_clocks_change() -> None:
    spring = times("30 1 * * *", "Europe/London", "2026-03-27", "2026-03-31")
    autumn = times("30 1 * * *", "Europe/London", "2026-10-23", "2026-10-27")

    assert ["27 01:30", "28 01:30", "29 01:00", "30 00:30"] == spring
    assert ["23 00:30", "24 00:30", "25 00:30", "26 01:30"] == autumn


def test_several_times_in_the_gap_come_once() -> None:
    found = times("0,20,40 1,2 * * *", "Europe/London", "2026-03-29", "2026-03-29T12:00")

    assert ["29 01:00", "29 01:20", "29 01:40"] == found


def test_a_star_follows_the_real_hours() -> None:
    spring = times("20 * * * *", "Europe/London", "2026-03-28T23:30", "2026-03-29T02:30")
    autumn = times("20 * * * *", "Europe/London", "2026-10-24T23:00", "2026-10-25T02:30")

    assert ["29 00:20", "29 01:20", "29 02:20"] == spring
    assert ["24 23:20", "25 00:20", "25 01:20", "25 02:20"] == autumn


def test_a_gap_up_to_midnight_moves_the_time_into_the_next_day() -> None:
    """In Nuuk clocks go from Saturday 23:00 to Sunday 00:00."""
    found = times("30 23 * * *", "America/Nuuk", "2026-03-28T12:00", "2026-03-30T12:00")
    both = times("0,30 0,23 * * *", "America/Nuuk", "2026-03-28T12:00", "2026-03-29T12:00")

    assert ["29 01:00", "30 00:30"] == found
    assert ["29 01:00", "29 01:30"] == both


@pytest.mark.parametrize("cron", CRONS)
def test_it_agrees_with_cronsim_in_london(cron: str) -> None:
    after = datetime(2026, 1, 1, tzinfo=LONDON)
    expected = [each.astimezone(UTC) for each in islice(CronSim(cron, after), 400)]
    expected = list(dict.fromkeys(each for each in expected if each > after))

    assert expected == list(islice(times_of(cron, LONDON, after), len(expected)))


@given(zone=st.sampled_from(ZONES), cron=st.sampled_from(CRONS), first=MOMENTS, second=MOMENTS)
def test_it_does_not_matter_from_where_one_counts(
    zone: str, cron: str, first: datetime, second: datetime
) -> None:
    first, second = sorted((first, second))
    second = min(second, first + timedelta(days=70))
    until = second + timedelta(days=8)
    early = list(times_of(cron, ZoneInfo(zone), first, until))

    assert early == sorted(set(early))
    assert len(early) == count_times(cron, ZoneInfo(zone), first, until)
    assert [each for each in early if each > second] == list(
        times_of(cron, ZoneInfo(zone), second, until)
    )


def test_after_is_left_out_and_until_is_part() -> None:
    assert ["02 06:15"] == times("15 6 * * *", "UTC", "2026-01-01T06:15", "2026-01-02T06:15")


def test_a_day_that_comes_every_28_years_is_found() -> None:
    found = times_of("0 0 * 2 MON#5", ZoneInfo("UTC"), utc("2026-01-01"))

    assert utc("2044-02-29") == next(found)


@pytest.mark.parametrize(
    "wrong",
    [
        "", "* * * *", "* * * * * *", "@daily", "60 * * * *", "0 24 * * *", "0 0 0 * *", "a b c d e",
        "0 0 30 2 *", "0 0 */40 * MON#5", "*/0 * * * *", "5-1 * * * *", "0 0 * * 9", "0 0 * * ²L",
        "-1 * * * *", "1,,2 * * * *", "0 0 1 1 " + "1," * 100 + "1",
    ],
)  # fmt: skip
def test_a_wrong_expression_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="cron expression"):
        check_cron(wrong)


@given(st.text("0123456789*/,-#LW MON", max_size=30))
def test_every_text_is_an_expression_that_fires_or_is_refused(text: str) -> None:
    try:
        check_cron(text)
    except ValueError:
        return
    assert next(times_of(text, LONDON, utc("2026-01-01"))) > utc("2026-01-01")
