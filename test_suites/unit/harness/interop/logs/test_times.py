"""Times are converted to UTC, or refused; a zone is never guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.interop.logs.line_reader import UnreadableLine
from harness.interop.logs.times import NO_ZONE, LogTimes

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def london() -> LogTimes:
    return LogTimes(LONDON, NOW)


def test_a_local_time_without_a_zone_is_refused() -> None:
    with pytest.raises(UsageError, match=f"^{NO_ZONE}$"):
        LogTimes(None, NOW).iso("2026-11-28T18:49:29")


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-07-01T12:00:00Z", 12), ("2026-07-01 12:00:00+02:00", 10),
        ("2026-07-01T12:00:00.5", 11), ("20260701T120000Z", 12), ("2026-07-01 12:00", 11),
    ],
)  # fmt: skip
def test_iso_times(text: str, hour: int) -> None:
    assert hour == london().iso(text).hour


@pytest.mark.parametrize("text", ["", "2026-07-01", "12:00", "2026-13-01T12:00:00Z", "x T"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UnreadableLine, match="is not a time"):
        london().iso(text)


@pytest.mark.parametrize(
    ("text", "units"), [("1795892139.022", 1), ("1795892139022", 1000), ("1795892139022000000", 10**9)]
)  # fmt: skip
def test_seconds_and_other_units_since_1970(text: str, units: int) -> None:
    assert datetime(2026, 11, 28, 18, 55, 39, 22000, UTC) == london().epoch(text, units)


@pytest.mark.parametrize("text", ["", "-1", "+1", "nan", "inf", "1e5", "1_0", "9" * 400, "\u0661", "1.2.3", " 1"])  # fmt: skip
def test_what_is_no_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(UnreadableLine):
        london().epoch(text)


def test_a_repeated_hour_is_told_by_the_order_of_the_entries() -> None:
    """Clocks in London went back at 02:00 BST (01:00 UTC) on 25 October 2026."""
    times = london()
    clock = ("00:59", "01:10", "01:59", "01:58", "01:00", "01:30", "01:59", "02:00")

    found = [times.iso(f"2026-10-25T{each}:00") for each in clock]

    assert ["23:59", "00:10", "00:59", "00:58", "01:00", "01:30", "01:59", "02:00"] == [
        f"{each:%H:%M}" for each in found
    ]


def test_a_repeated_hour_of_times_without_a_year() -> None:
    times = london()

    found = [times.without_year("Oct", "25", f"{each}:00") for each in ("01:59", "01:00", "01:30")]

    assert ["00:59", "01:00", "01:30"] == [f"{each:%H:%M}" for each in found]


def test_a_time_that_clocks_skipped_is_refused() -> None:
    with pytest.raises(UnreadableLine, match="2026-03-29 01:30:00 does not exist in Europe/London"):
        london().iso("2026-03-29T01:30:00")


@pytest.mark.parametrize(
    ("month", "day", "now", "year"),
    [
        ("Nov", "29", NOW, 2026),
        ("Nov", "30", NOW, 2026),  # a clock that is an hour fast
        ("Dec", "25", NOW, 2025),
        ("Dec", "31", datetime(2027, 1, 2, tzinfo=UTC), 2026),
        ("Jan", " 1", datetime(2026, 12, 31, 18, tzinfo=UTC), 2027),
        ("Feb", "29", NOW, 2024),
        ("Feb", "29", datetime(2103, 1, 1, tzinfo=UTC), 2096),
    ],
)
def test_a_year_is_the_latest_in_which_the_time_is_not_in_the_future(
    month: str, day: str, now: datetime, year: int
) -> None:
    assert year == LogTimes(UTC, now).without_year(month, day, "08:00:00").year


@pytest.mark.parametrize(
    ("month", "day", "clock"),
    [("Nov", "31", "08:00:00"), ("nov", "1", "08:00:00"), ("Nov", "1", "25:00:00"), ("Nov", "x", "8")],
)  # fmt: skip
def test_what_is_no_day_of_a_year_is_refused(month: str, day: str, clock: str) -> None:
    with pytest.raises(UnreadableLine, match="is not a time"):
        london().without_year(month, day, clock)


def test_a_skipped_time_of_this_year_is_that_of_the_year_before_where_it_would_be_ahead() -> None:
    times = LogTimes(LONDON, datetime(2026, 3, 1, tzinfo=UTC))

    assert datetime(2025, 3, 29, 1, 30, tzinfo=UTC) == times.without_year("Mar", "29", "01:30:00")


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_time_beyond_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(UnreadableLine, match="is out of range"):
        london().iso(text)


def test_a_form_of_strptime() -> None:
    assert datetime(2026, 7, 1, 11, tzinfo=UTC) == london().parsed("1/7/26 12:00", "%d/%m/%y %H:%M")
    with pytest.raises(UnreadableLine, match="'x' is not a time in the form"):
        london().parsed("x", "%d/%m/%y %H:%M")


@given(st.text(max_size=30) | st.datetimes().map(str), st.sampled_from(["iso", "epoch", "parsed"]))
def test_any_text_is_a_time_or_refused(text: str, way: str) -> None:
    times = london()
    try:
        found = (
            times.parsed(text, "%Y-%m-%d %H:%M:%S")
            if way == "parsed"
            else getattr(times, way)(text)
        )
    except UnreadableLine:
        return
    assert found.tzinfo is UTC
