"""Times of events run forwards, or it is said where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model.event import ClockCorrected, Event, PlanClosed
from harness.model.event_times import TOLERANCE, backward_events, head_after, lasting, require_times
from harness.model.stream import StreamHead

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECONDS = st.integers(-200, 200)


def closed(seconds: float) -> PlanClosed:
    return PlanClosed(at=NOW + timedelta(seconds=seconds), actor="Ann", plan="P-0001")


def head_of(held: Sequence[Event]) -> StreamHead | None:
    """The head of a stream that holds the events."""
    head = None
    for event in held:
        head = head_after(head, "supplier:acme", event, "")
    return head


def corrected(seconds: float) -> ClockCorrected:
    return ClockCorrected(at=NOW + timedelta(seconds=seconds), actor="Ann", reason="r")


def test_an_event_before_an_earlier_one_is_refused_in_one_sentence() -> None:
    with pytest.raises(UsageError) as told:
        require_times(head_of([closed(0)]), [closed(-90_000)], NOW)

    assert str(told.value) == (
        "event 2 is dated 2026-03-01 08:00:00 UTC, 1 d 1 h before event 1 of the registry "
        "(2026-03-02 09:00:00 UTC): check this machine's clock; if it is right now and was "
        "wrong then, record that with 'accredit plan correct-clock'"
    )


def test_an_event_after_now_is_refused() -> None:
    require_times(None, [closed(60)], NOW)
    require_times(None, [closed(61)], None)
    with pytest.raises(UsageError, match=r"plan-closed: dated .*, 1 min 1 s after this machine's"):
        require_times(None, [closed(61)], NOW)


def test_small_steps_backwards_do_not_add_up() -> None:
    require_times(head_of([closed(0)]), [closed(-59)], NOW)
    with pytest.raises(UsageError, match=r"event 3 is dated .*, 1 min 58 s before event 1 of"):
        require_times(head_of([closed(0), closed(-59)]), [closed(-118)], NOW)


def test_several_that_are_added_at_once_are_compared_with_each_other() -> None:
    with pytest.raises(UsageError, match="event 2 is dated"):
        require_times(None, [closed(0), closed(-61)], NOW)


def test_a_registry_that_runs_backwards_already_can_still_be_used() -> None:
    held = [closed(0), closed(-3600), closed(10)]

    require_times(head_of(held), [closed(20)], NOW + timedelta(hours=1))
    (fault,) = backward_events(held)
    assert str(fault) == (
        "event 2 (2026-03-02 08:00:00 UTC) is dated 1 h before event 1 "
        "(2026-03-02 09:00:00 UTC), which came first"
    )


def test_after_a_correction_times_start_anew() -> None:
    held: list[Event] = [closed(10**6), corrected(0)]

    require_times(head_of(held), [closed(1)], NOW)
    assert list(backward_events([*held, closed(1)])) == []
    with pytest.raises(UsageError, match="event 3 is dated"):
        require_times(head_of(held), [closed(-61)], NOW)


def test_a_correction_is_not_dated_in_the_future_either() -> None:
    with pytest.raises(UsageError, match="clock-corrected: dated"):
        require_times(None, [corrected(61)], NOW)


@given(st.lists(SECONDS))
def test_what_is_accepted_one_by_one_never_runs_backwards(dated: list[int]) -> None:
    held: list[Event] = []
    for seconds in dated:
        event = closed(seconds)
        try:
            require_times(head_of(held), [event])
        except UsageError:
            assert event.at < max(each.at for each in held) - TOLERANCE
        else:
            assert all(event.at >= each.at - TOLERANCE for each in held)
            held.append(event)

    assert list(backward_events(held)) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "less than 1 s"), (1, "1 s"), (90, "1 min 30 s"), (90_061, "1 d 1 h")],
)
def test_durations_in_two_units(seconds: float, words: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == words
