"""LOG-03: when entries of a log can be seen, and how wrong its clock is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from harness.model.instrument_record import ClockState
from harness.model.outcome import Conformity
from harness.model.service_log import LoggedRequest
from test_suites.unit.harness.estimate.log_of_requests import (
    HOUR,
    NOON,
    RECORDS,
    logged,
    reading,
    requests,
    selection,
)
from test_suites.unit.harness.estimate.selected_outcome import outcome

GOOD = [logged(one) for one in requests()]
CONFORMS, FAILS, OPEN = Conformity


def without_entry(request: LoggedRequest) -> LoggedRequest:
    return structs.replace(request, entries=(), seen_at=None)


def test_a_clock_that_is_seven_seconds_off_is_found_unless_that_is_declared() -> None:
    moved = [logged(one, at=one.started + timedelta(seconds=7.1)) for one in GOOD]

    delay = outcome(selection("LOG-03", moved))
    assert delay.conformity is FAILS
    assert "+6.9 s off" in delay.metric.method
    assert "time zone" not in delay.metric.method
    fields = outcome(selection("LOG-02", moved))
    assert (fields.conformity, fields.metric.k) == (FAILS, len(GOOD))
    assert "the log's clock is +6.9 s off (at most 2 s may be)" in fields.metric.method
    tolerated = RECORDS.model_copy(update={"clock_error": 7.0})
    tunnels = [
        structs.replace(one, entries=(structs.replace(one.entries[0], method="CONNECT"),))
        if one.url.startswith("https") else one
        for one in moved
    ]  # fmt: skip
    assert outcome(selection("LOG-02", tunnels, records=tolerated)).conformity is CONFORMS
    assert outcome(selection("LOG-03", moved, records=tolerated)).conformity is FAILS
    unknown = outcome(selection("LOG-02", moved, clock=ClockState(offset=None, bound=None)))
    assert unknown.conformity is Conformity.INSUFFICIENT
    assert "or the clock of this machine is: it is not known" in unknown.reasons[0]


@pytest.mark.parametrize("hours", [-5, 1, 5.75])
def test_an_error_of_whole_quarters_of_an_hour_looks_like_a_time_zone(hours: float) -> None:
    moved = [logged(one, at=one.started + hours * HOUR) for one in GOOD]
    found = outcome(selection("LOG-03", moved))
    assert found.conformity is FAILS
    assert "another time zone (--timezone)" in found.metric.method


def test_entries_that_come_late_do_not_conform() -> None:
    late = [
        structs.replace(
            one,
            seen_at=one.ended + timedelta(seconds=900),
            missed_at=one.ended + timedelta(seconds=600),
        )
        for one in GOOD
    ]
    assert outcome(selection("LOG-03", late)).conformity is FAILS


def test_a_log_that_was_read_once_hours_later_shows_no_delay() -> None:
    late = [structs.replace(one, seen_at=NOON + 3 * HOUR) for one in GOOD]
    assert outcome(selection("LOG-03", late)).conformity is OPEN


def test_entries_that_have_not_come_leave_no_bound_of_the_delay() -> None:
    """The last 70 are in no log yet: the right clock must not stand for the unknown delay."""
    shown = [logged(one, at=one.started + timedelta(seconds=0.3)) for one in GOOD[:-70]]
    some = [*shown, *map(without_entry, GOOD[-70:])]
    early = reading(GOOD[-1].ended + timedelta(seconds=200))
    found = outcome(selection("LOG-03", some, early))
    assert found.conformity is OPEN
    assert found.metric.upper is None


def test_requests_of_a_time_that_no_log_covers_are_not_late() -> None:
    days = timedelta(days=2)
    of_later = [
        structs.replace(without_entry(one), item=f"{one.item}-2", started=one.started + days, ended=one.ended + days)
        for one in GOOD
    ]  # fmt: skip
    read_later = reading(NOON + timedelta(days=3), last=NOON + HOUR)
    found = outcome(selection("LOG-03", [*GOOD, *of_later], reading(), read_later))
    assert found.conformity is OPEN


@pytest.mark.parametrize(
    "clock", [ClockState(problem="not synchronised"), ClockState(offset=0.0, bound=3.0)]
)
def test_without_a_right_clock_of_ours_the_clock_of_the_log_is_undecided(clock: ClockState) -> None:
    assert outcome(selection("LOG-03", GOOD, clock=clock)).conformity is OPEN
