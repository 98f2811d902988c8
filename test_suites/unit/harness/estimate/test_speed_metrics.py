"""Bandwidth, throughput, failures and delay variation: what counts, and what decides nothing."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from harness.model.outcome import Conformity
from harness.model.service_speed import SpeedRound, TimedTransfer
from test_suites.unit.harness.estimate.rounds_of_transfers import changed, of_speed, rounds

FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
QUICK = rounds()
SLOW_LINE = rounds(slower=4.0)


def on_both(made: tuple[SpeedRound, ...], **changes: Any) -> tuple[SpeedRound, ...]:
    """The rounds with the service's transfers on the control line as well."""
    return tuple(structs.replace(one, control=one.service, **changes) for one in made)


def is_alone(one: TimedTransfer) -> bool:
    return one.transfer.situation == "alone" and one.transfer.form != "small"


def test_a_line_with_the_bandwidth_conforms_in_both_directions() -> None:
    found = of_speed("PRF-01", QUICK)

    assert found.conformity is CONFORMS
    assert [(one.group, one.metric.n) for one in found.metric.parts] == [
        ("down, 100 Mb/s", 60),
        ("up, 30 Mb/s", 60),
    ]
    assert "median down 191 Mb/s (control line 191, declared 100)" in found.metric.method


def test_the_worse_direction_decides() -> None:
    """A quarter of 200 Mb/s is enough for 30 up, and not for 100 down."""
    found = of_speed("PRF-01", SLOW_LINE)

    assert found.conformity is FAILS
    assert "worst of 2 groups: down" in found.metric.method
    assert [one.metric.k for one in found.metric.parts] == [0, 60]


@pytest.mark.parametrize(
    ("declared", "expected"), [({"down": 40, "up": 40}, CONFORMS), ({"down": 60, "up": 10}, FAILS)]
)
def test_the_declared_bandwidth_counts(declared: dict[str, float], expected: Conformity) -> None:
    assert of_speed("PRF-01", SLOW_LINE, bandwidth=declared).conformity is expected


def test_a_machine_that_cannot_reach_the_bandwidth_itself_decides_nothing() -> None:
    found = of_speed("PRF-01", on_both(SLOW_LINE))

    assert found.conformity is OPEN
    assert found.metric.parts[0].metric.indeterminate == 60


def test_a_direction_that_was_not_measured_hides_no_failure_of_the_other() -> None:
    only_down = tuple(
        structs.replace(
            one,
            service=tuple(each for each in one.service if each.transfer.direction == "down"),
            control=tuple(each for each in one.control if each.transfer.direction == "down"),
        )
        for one in SLOW_LINE
    )
    assert of_speed("PRF-01", only_down).conformity is FAILS
    quick = tuple(
        structs.replace(
            one, service=tuple(each for each in one.service if each.transfer.direction == "down")
        )
        for one in QUICK
    )
    assert of_speed("PRF-01", quick).conformity is not CONFORMS


def test_transfers_that_were_blocked_leave_the_bandwidth_open() -> None:
    blocked = changed(QUICK, lambda one: one.transfer.situation == "sample", came="refused")
    assert of_speed("PRF-01", blocked).conformity is OPEN
    failed = changed(QUICK, lambda one: one.transfer.situation == "sample", came="failed")
    assert of_speed("PRF-01", failed).conformity is FAILS


@pytest.mark.parametrize("row", ["PRF-01", "PRF-02", "PRF-04", "PRF-07"])
def test_nothing_measured_decides_nothing_and_says_why(row: str) -> None:
    found = of_speed(row, ())

    assert found.conformity is OPEN
    assert "the speed of the line was not measured (accredit speed)" in found.reasons


@pytest.mark.parametrize("row", ["PRF-01", "PRF-02", "PRF-04", "PRF-07"])
def test_rounds_in_which_the_filter_was_off_show_nothing_favourable(row: str) -> None:
    off = tuple(structs.replace(one, fault="the filter seems to be off") for one in QUICK)
    assert of_speed(row, off).conformity is OPEN


def test_throughput_is_not_inferior_inferior_or_open() -> None:
    """Non-inferiority is decided three ways."""
    assert of_speed("PRF-02", QUICK).conformity is CONFORMS
    assert of_speed("PRF-02", rounds(slower=1.6)).conformity is FAILS
    assert of_speed("PRF-02", rounds(4)).conformity is OPEN
    near = of_speed("PRF-02", rounds(added=0.00128, short=10))
    assert near.conformity is OPEN, "neither bound is on one side of 10 %"


def test_each_form_is_a_part_and_the_worst_decides() -> None:
    slow_videos = changed(
        QUICK,
        lambda one: one.transfer.form == "video" and one.transfer.situation == "alone",
        seconds=0.5,
    )
    found = of_speed("PRF-02", slow_videos)

    assert found.conformity is FAILS
    assert "worst of 5 groups: videos" in found.metric.method
    groups = [one.group for one in found.metric.parts]
    assert groups == ["web pages", "downloads", "videos", "uploads", "response times"]


def test_a_form_that_never_came_hides_no_loss_of_another_and_never_conforms() -> None:
    without = changed(QUICK, lambda one: one.transfer.form == "upload", came="refused")
    assert of_speed("PRF-02", without).conformity is OPEN
    worse = changed(without, is_alone, seconds=1.0)
    assert of_speed("PRF-02", worse).conformity is FAILS


def test_a_slow_origin_does_not_count_against_the_service() -> None:
    """The origin waits up to a second, in other rounds not at all."""
    found = of_speed("PRF-02", rounds(origin=lambda turn: turn % 5 / 5))
    assert found.conformity is CONFORMS


def test_a_transfer_that_failed_over_the_service_alone_is_lost_whole() -> None:
    found = of_speed("PRF-02", changed(QUICK, is_alone, came="failed", failure="connection_reset"))

    assert found.conformity is FAILS
    assert found.metric.value == 1.0
    assert found.witnesses[0].saw == ("connection_reset",)


def test_what_fails_on_the_control_line_too_is_left_out() -> None:
    found = of_speed("PRF-02", on_both(changed(QUICK, is_alone, came="failed")))

    assert found.conformity is OPEN
    assert {"down": 30} in [part.metric.left_out for part in found.metric.parts]


def test_pairs_in_which_our_own_client_was_the_limit_decide_nothing() -> None:
    found = of_speed("PRF-02", changed(QUICK, is_alone, busy=0.95))

    assert found.conformity is OPEN
    assert 30 in [part.metric.indeterminate for part in found.metric.parts]


def test_few_failures_conform_and_more_do_not() -> None:
    assert of_speed("PRF-04", QUICK).conformity is CONFORMS
    some = changed(QUICK, lambda one: one.item.endswith(("7", "3")), came="failed")
    found = of_speed("PRF-04", some)
    assert found.conformity is FAILS
    assert found.witnesses
    assert "failed" in found.metric.method
    assert of_speed("PRF-04", QUICK[:5]).conformity is OPEN


def test_a_failure_counts_only_if_the_control_line_worked() -> None:
    failing = changed(QUICK, lambda one: one.item.endswith("7"), came="failed")
    found = of_speed("PRF-04", on_both(failing))

    assert found.conformity is OPEN
    assert found.metric.k == 0
    assert found.metric.left_out["down"] > 100


def test_failures_count_also_while_the_filter_is_off() -> None:
    """That the filter is off must not hide that transfers fail."""
    failing = changed(QUICK, lambda one: one.item.endswith("7"), came="failed")
    off = tuple(structs.replace(one, fault="the filter seems to be off") for one in failing)
    assert of_speed("PRF-04", off).metric.k > 100


def test_a_load_without_a_pair_counts_as_failed_if_nothing_failed_beside_it() -> None:
    def without_load(one: SpeedRound) -> SpeedRound:
        kept = tuple(each for each in one.control if each.transfer.situation != "load")
        return structs.replace(one, control=kept)

    failing = changed(QUICK, lambda one: one.transfer.situation == "load", came="failed")
    found = of_speed("PRF-04", map(without_load, failing))
    assert found.metric.k == 30 * 80


def test_steady_delay_conforms_and_jitter_does_not() -> None:
    assert of_speed("PRF-07", QUICK).conformity is CONFORMS
    found = of_speed("PRF-07", rounds(jitter=0.2))
    assert found.conformity is FAILS
    assert "variation of delay" in found.metric.method


def test_lost_requests_break_the_row_by_their_own_limit() -> None:
    lost = changed(QUICK, lambda one: one.item.endswith(" 50"), came="failed")
    found = of_speed("PRF-07", lost)

    assert found.conformity is FAILS
    assert "in proportion to its own limit of 0.1 %" in found.metric.method
    assert found.metric.parts[1].metric.k == 30


def test_requests_that_got_something_else_may_have_taken_any_time() -> None:
    """A service cannot hide its slowest answers behind a page of its own."""
    hidden = changed(
        rounds(jitter=0.2),
        lambda one: one.transfer.form == "small" and one.seconds > 0.05,
        came="refused",
    )
    assert of_speed("PRF-07", hidden).conformity is OPEN


def test_a_control_line_whose_delay_varies_as_much_decides_nothing() -> None:
    found = of_speed("PRF-07", on_both(rounds(jitter=0.2)))

    assert found.conformity is OPEN
    assert any("on the control line" in reason for reason in found.reasons)


def test_a_service_cannot_hide_slow_short_pages_behind_a_page_of_its_own() -> None:
    """The slower part of the short pages is blocked; what is left is quick."""
    slow = changed(QUICK, lambda one: one.item.endswith(("1", "3", "5", "7", "9")), came="refused")
    hidden = changed(slow, lambda one: one.item.endswith("2"), came="refused")
    found = of_speed("PRF-02", hidden)
    assert found.conformity is OPEN
    assert found.metric.parts[4].metric.upper == 1.0
    one = changed(QUICK, lambda one: one.item.endswith(" 7"), came="refused")
    assert of_speed("PRF-02", one).conformity is CONFORMS


def test_requests_by_https_take_longer_and_vary_nothing() -> None:
    """Every second page is by https, whose handshake takes 80 ms."""

    def secured(one: TimedTransfer) -> TimedTransfer:
        timings = structs.replace(one.timings, tls=0.08)
        return structs.replace(one, timings=timings, seconds=one.seconds + 0.08)

    mixed = tuple(
        structs.replace(
            each,
            service=tuple(
                secured(one) if place % 2 else one for place, one in enumerate(each.service)
            ),
            control=tuple(
                secured(one) if place % 2 else one for place, one in enumerate(each.control)
            ),
        )
        for each in QUICK
    )
    assert of_speed("PRF-07", mixed).conformity is CONFORMS


def test_uploads_are_not_asked_of_a_profile_whose_uploads_are_blocked() -> None:
    without = changed(QUICK, lambda one: one.transfer.direction == "up", came="refused")
    for row in ("PRF-01", "PRF-02"):
        assert of_speed(row, without).conformity is OPEN
        assert of_speed(row, without, uploads="block").conformity is CONFORMS
