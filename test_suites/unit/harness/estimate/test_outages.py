"""The outage log: an outage of any length lies within its bounds, and unknown time is neither up nor down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from harness.cli.outage_table import csv_of
from harness.estimate.outages import MOST_GAP, OutageLog, outage_log
from harness.model.availability import AvailabilityCheck, CheckState, Maintenance
from harness.model.timed_event import EventNote

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def check(seconds: float, state: CheckState = "filtered", took: float = 0.0) -> AvailabilityCheck:
    return AvailabilityCheck(
        run=1,
        number=1,
        line="line",
        profile="pupils",
        started=at(seconds),
        ended=at(seconds + took),
        state=state,
        why="" if state == "filtered" else "connection_refused at connect",
    )


def log_of(*states: CheckState, every: float = 30.0) -> OutageLog:
    """The log of checks at equal distances."""
    return outage_log([check(place * every, state) for place, state in enumerate(states)])


moments = st.lists(st.floats(0, 1), min_size=4, max_size=60)


@settings(max_examples=60, deadline=None)
@given(moments, st.floats(0, 900), st.floats(1, 300))
def test_an_outage_lies_within_its_bounds(
    draws: Sequence[float], begins: float, lasts: float
) -> None:
    """One check in each half minute, and one outage at any time."""
    times = [30 * (slot + draw) for slot, draw in enumerate(draws)]
    ends = begins + lasts
    log = outage_log([check(one, "down" if begins <= one < ends else "filtered") for one in times])

    truth = sum(max(0.0, min(other, ends) - max(one, begins)) for one, other in pairwise(times))
    seen = [one for one in times if begins <= one < ends]
    assert len(log.outages) == bool(seen)
    assert log.bad - 1e-6 <= truth
    for outage in log.outages:
        assert outage.least <= lasts + 1e-6
        if outage.most is not None:
            assert outage.most >= lasts - 1e-6
            assert outage.most - outage.least <= 4 * 30
    assert abs(log.total - (times[-1] - times[0])) < 1e-6


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["filtered", "down", "unfiltered", "unknown"]), min_size=2))
def test_every_second_is_of_one_kind(states: list[CheckState]) -> None:
    log = log_of(*states)

    assert abs(log.total - 30 * (len(states) - 1)) < 1e-6
    assert min(log.good, log.bad, log.between, log.unknown) >= 0
    assert sum(one.checks for one in log.outages) == sum(
        state in ("down", "unfiltered") for state in states
    )


def test_down_and_unfiltered_are_one_outage() -> None:
    (outage,) = log_of("filtered", "down", "unfiltered", "filtered").outages

    assert outage.state == "down and unfiltered"
    assert (outage.least, outage.most) == (30, 90)
    assert (outage.good, outage.better) == (at(0), at(90))


def test_unknown_time_in_an_outage_is_not_in_its_least_length() -> None:
    log = log_of("filtered", "down", "unknown", "down", "filtered")

    (outage,) = log.outages
    assert (outage.least, outage.most) == (0, 120)
    assert (log.unknown, log.between, log.bad) == (60, 60, 0)


def test_the_time_of_a_failed_check_is_an_outage() -> None:
    log = outage_log([check(0), check(30, "down", took=15), check(60)])

    assert log.outages[0].least == 15
    assert (log.bad, log.between, log.good) == (15, 45, 0)


def test_nothing_is_known_of_a_long_time_without_checks() -> None:
    log = outage_log([check(0), check(120), check(120 + MOST_GAP + 1), check(270)])

    assert (log.unknown, log.good) == (MOST_GAP + 1, 270 - MOST_GAP - 1)
    assert log.outages == ()


def test_a_service_that_is_up_in_part_is_named_and_its_lost_requests_are_taken_off() -> None:
    partial = structs.replace(check(30, "partial"), came=2, asked=3)
    log = outage_log([check(0), partial, check(60)])

    (outage,) = log.outages
    assert (outage.state, outage.least, outage.most) == ("partial", 0, 60)
    assert (log.good, log.bad, log.between, log.isolated) == (60, 0, 0, 0)
    assert log.share is not None
    assert abs(log.share - 8 / 9) < 1e-9


def test_an_outage_that_was_not_seen_to_end_has_no_greatest_length() -> None:
    log = log_of("filtered", "down", "down")

    (outage,) = log.outages
    assert (outage.least, outage.most, outage.better) == (30, None, None)


def test_an_announced_maintenance_does_not_count_unless_it_is_unfiltered() -> None:
    window = Maintenance(begins=at(20), ends=at(100))
    states: list[CheckState] = ["filtered", "down", "down", "down", "filtered", "filtered"]
    down = [check(30 * place, state) for place, state in enumerate(states)]
    open_ = [
        check(30 * place, "unfiltered" if place in (1, 2) else "filtered") for place in range(6)
    ]

    assert outage_log(down, [window]).outages == ()
    assert outage_log(down, [window]).bad == 0
    assert outage_log(open_, [window]).outages[0].checks == 2
    assert outage_log(open_, [window]).bad == 30
    assert len(outage_log(down).outages) == 1


def test_a_fault_that_was_caused_is_no_outage() -> None:
    note = EventNote(kind="fault", asks="block", at=at(0), name="cut")
    caused = AvailabilityCheck(
        run=1,
        number=1,
        line="line",
        profile="pupils",
        started=at(15),
        ended=at(15),
        state="down",
        note=note,
    )

    assert outage_log([check(0), caused, check(30)]).outages == ()


def test_a_table_has_a_row_for_each_outage() -> None:
    log = log_of("filtered", "down", "filtered", "down")

    rows = csv_of(list(log.outages)).decode().split("\r\n")

    assert rows[0].startswith('"line","profile","state","after","first_seen"')
    assert rows[1] == (
        '"line","pupils","down","2026-03-02T12:00:00Z","2026-03-02T12:00:30Z",'
        '"2026-03-02T12:00:30Z","2026-03-02T12:01:00Z",0.0,60.0,1,"connection_refused at connect"'
    )
    assert ',"","",' not in rows[1]
    assert rows[2].split(",")[6:9] == ['""', "0.0", '""']
    assert rows[3] == ""


def test_moments_drawn_at_random_bound_outages_between_checks() -> None:
    """Five seconds of each minute are seen by about a twelfth of the checks, each isolated."""
    chance = Random(1)
    times = [30 * (slot + chance.random()) for slot in range(4000)]
    log = outage_log([check(one, "down" if one % 60 < 5 else "filtered") for one in times])

    assert 0.06 < log.isolated / len(times) < 0.11
    assert log.good / log.total < 1 - 5 / 60
