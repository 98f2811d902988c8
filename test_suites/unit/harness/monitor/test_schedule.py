"""Due times, planned starts with jitter outside quiet hours, and keys of runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harness.errors import UsageError
from harness.model.campaign import Name
from harness.monitor.quiet_hours import QuietHours, cover_the_week, free_gaps
from harness.monitor.schedule import (
    RunKey,
    due_times,
    is_ever_in_lessons,
    next_due,
    runs_per_year,
    start_of,
)
from test_suites.unit.harness.monitor.monitoring_example import moments, schedule
from test_suites.unit.harness.monitor.test_quiet_hours import WINDOWS, window

LONDON, PLAIN = ZoneInfo("Europe/London"), ZoneInfo("UTC")
NIGHT = [window("22:00", "06:00")]
KEY = RunKey("north", "Gateway", "Hill School", "s", datetime(2026, 11, 29, 6, 15, tzinfo=UTC))


def at(hour: int, minute: int = 0, day: int = 30) -> datetime:
    return datetime(2026, 11, 30, hour, minute, tzinfo=UTC) + timedelta(days=day - 30)


def start(due: datetime, key: str = "k", **keys: Any) -> datetime:
    given_keys = {"jitter": timedelta(0), "quiet_hours": NIGHT, "timezone": PLAIN, "secret": b"s"}
    return start_of(due, key, **{**given_keys, **keys})


def test_due_times_lie_after_one_time_and_up_to_another() -> None:
    daily = schedule("15 6 * * *")

    assert [at(6, 15, 30), at(6, 15, 31)] == list(
        due_times(daily, LONDON, at(6, 15, 29), at(6, 15, 31))
    )
    assert at(6, 15) == next_due(daily, LONDON, at(0))


def test_a_schedule_that_ends_is_a_usage_error() -> None:
    rare = schedule("0 0 29 2 *")

    assert datetime(2028, 2, 29, tzinfo=UTC) == next_due(rare, PLAIN, at(0))
    with pytest.raises(UsageError, match="never due after 2026-11-30"):
        next_due(rare.model_copy(update={"cron": "0 0 */40 * MON#5"}), PLAIN, at(0))


@pytest.mark.parametrize(
    ("cron", "number"),
    [
        ("15 6 * * *", 365),
        ("0 7 * * 1", 53),
        ("0 0 1 * *", 12),
        ("0 * * * *", 8760),
        ("30 1 * * *", 365),
    ],
)
def test_runs_of_a_year_are_counted(cron: str, number: int) -> None:
    assert number == runs_per_year(schedule(cron), LONDON, at(0))


def test_a_year_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    assert 365 == runs_per_year(schedule("0 0 * * *"), PLAIN, at(0))


@given(jitter=st.integers(0, 40_000), key=st.text(max_size=20), secret=st.binary(min_size=1))
def test_the_jitter_is_below_its_limit_and_always_the_same(
    jitter: int, key: str, secret: bytes
) -> None:
    keys = {"jitter": timedelta(seconds=jitter), "quiet_hours": (), "secret": secret}
    started = start(at(7), key, **keys)

    assert timedelta(0) <= started - at(7) < timedelta(seconds=max(jitter, 1))
    assert started == start(at(7), key, **keys)


def test_who_lacks_the_secret_cannot_tell_the_jitter() -> None:
    hour = timedelta(hours=1)
    by_secret = {start(at(7), secret=bytes([n]), jitter=hour) for n in range(1, 60)}
    by_key = {start(at(7), str(n), jitter=hour) for n in range(59)}

    assert len(by_secret) > 50
    assert len(by_key) > 50
    assert max(by_key) - min(by_key) > timedelta(minutes=50)
    with pytest.raises(ValueError, match="secret"):
        start(at(7), secret=b"")


def test_a_run_in_quiet_hours_starts_at_their_end_and_the_jitter_again() -> None:
    free = start(at(12), jitter=timedelta(minutes=10))

    assert at(7) == start(at(7))
    assert at(6, day=31) == start(at(22))
    assert at(6) == start(at(3))
    assert free - at(12) == start(at(3), jitter=timedelta(minutes=10)) - at(6)


def test_a_jitter_that_lands_in_other_quiet_hours_is_added_to_their_end() -> None:
    hours = timedelta(hours=3)
    shift = start(at(0), jitter=hours, quiet_hours=()) - at(0)
    assert shift > timedelta(minutes=40)
    windows = [window("22:00", "06:00"), window("06:30", "09:00")]

    assert at(9) + shift == start(at(3), jitter=hours, quiet_hours=windows)


def test_a_run_that_would_reach_into_quiet_hours_waits_for_their_end() -> None:
    assert at(20) == start(at(20), expected=timedelta(hours=2))
    assert at(6, day=31) == start(at(20), expected=timedelta(hours=2, seconds=1))


def test_a_run_longer_than_all_free_time_starts_at_the_begin_of_the_longest() -> None:
    windows = [
        window("22:00", "06:00"),
        window("12:00", "13:00", "mon", "tue", "wed", "thu", "fri"),
    ]
    saturday = datetime(2026, 12, 5, 6, tzinfo=UTC)

    assert saturday == start(
        at(8), quiet_hours=windows, expected=timedelta(hours=20), jitter=timedelta(hours=1)
    )


@given(
    windows=WINDOWS.filter(lambda windows: not cover_the_week(windows)),
    due=moments("2026-03-01", "2026-12-01"),
    jitter=st.timedeltas(timedelta(0), timedelta(days=2)),
    expected=st.timedeltas(timedelta(0), timedelta(days=2)),
)
def test_no_run_starts_in_quiet_hours(
    windows: list[QuietHours], due: datetime, jitter: timedelta, expected: timedelta
) -> None:
    started = start(due, quiet_hours=windows, jitter=jitter, expected=expected, timezone=LONDON)
    found = list(free_gaps(windows, LONDON, due))
    (gap,) = (each for each in found if each.begins <= started < each.ends)

    assert started >= due
    if started + expected > gap.ends:
        near = [each for each in found if each.begins < due + timedelta(days=7)]
        assert max(each.length for each in near) < expected
        assert started == gap.begins


@pytest.mark.parametrize(
    ("cron", "quiet", "is_seen"),
    [
        ("15 6 * * *", [], False),
        ("0 9 * * mon", [], True),
        ("59 14 * * fri", [], True),
        ("0 15 * * *", [], False),
        ("0 11 * * sat,sun", [], False),
        ("15 6 * * *", [("06:00", "10:00")], True),  # put off until lessons are on
        ("0 11 * * *", [("08:30", "15:30")], False),
        ("30 8 * * *", [], False),
    ],
)
def test_whether_a_schedule_ever_falls_in_lessons_is_told_by_local_time(
    cron: str, quiet: list[tuple[str, str]], is_seen: bool
) -> None:
    windows = [window(*each) for each in quiet]
    summer = datetime(2026, 6, 1, tzinfo=UTC)  # London is an hour ahead

    assert is_ever_in_lessons(schedule(cron), LONDON, windows, summer) is is_seen


def test_a_campaign_is_named_after_its_run() -> None:
    name = KEY.campaign_name("canaries")
    other = KEY._replace(site="Dale School").campaign_name("canaries")

    assert name.startswith("canaries-20261129T0615Z-")
    assert name != other
    assert KEY.campaign_name("x" * 64) != KEY._replace(site="y").campaign_name("x" * 64)


@given(base=st.from_regex(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", fullmatch=True))
def test_the_name_of_a_campaign_is_a_name(base: str) -> None:
    assert TypeAdapter(Name).validate_python(KEY.campaign_name(base))


def test_a_key_is_the_same_however_its_names_are_written() -> None:
    assert "run:north/gateway/hill school/s/20261129T0615Z" == KEY.text
    assert KEY.text == KEY._replace(site="HILL  School").text
    zoned = KEY._replace(due=KEY.due.astimezone(ZoneInfo("Asia/Tokyo")))
    assert KEY.text == zoned.text


NAMES = st.text("a/%2F", min_size=1, max_size=4)


@given(one=st.tuples(NAMES, NAMES), other=st.tuples(NAMES, NAMES))
@example(one=("a/b", "c"), other=("a", "b/c"))
@example(one=("a/", "c"), other=("a%2F", "c"))
def test_other_names_make_another_key(one: tuple[str, str], other: tuple[str, str]) -> None:
    keys = [KEY._replace(service=service, site=site) for service, site in (one, other)]

    assert (keys[0].schedule_id == keys[1].schedule_id) == (keys[0].text == keys[1].text)
