"""How long a service takes to follow an event: what polls show, and what they cannot show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from harness.estimate.item_selection import Selection
from harness.estimate.waits import (
    NOT_POLLED,
    NOT_RECORDED,
    NOT_SEEN_BEFORE,
    Wait,
    overrides_alive,
    waits_by_event,
)
from harness.model.timed_event import Asks, EventNote, Poll

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
State = Literal["blocked", "allowed", "undecided"]
LETTERS: dict[str, State] = {"b": "blocked", "a": "allowed", "u": "undecided"}


def polls(
    before: str, after: str, *, asks: Asks = "block", probe: str = "web", recorded: bool = True
) -> list[Poll]:
    """Polls a minute apart, by the first letters of their states; the event is at ``NOON``."""
    note = EventNote(kind="rule", asks=asks, at=NOON if recorded else None)
    return [
        Poll(
            event="one",
            note=note,
            category="DRUG",
            line="proxy",
            profile="pupils",
            probe=probe,
            started=NOON + timedelta(minutes=minute),
            state=LETTERS[letter],
        )
        for minute, letter in enumerate(before + after, -len(before))
    ]


def wait(found: list[Poll]) -> Wait | str:
    return waits_by_event(found)["one"]


@pytest.mark.parametrize(
    ("before", "after", "asks", "expected"),
    [
        ("a", "bb", "block", Wait(0, 0)),
        ("a", "aabb", "block", Wait(60, 120)),
        ("b", "bbaa", "allow", Wait(60, 120)),
        ("a", "abab", "block", Wait(120, None)),
        ("a", "ababb", "block", Wait(120, 180)),
        ("a", "aaa", "block", Wait(120, None)),
        ("a", "auub", "block", Wait(0, None)),
        ("a", "auubb", "block", Wait(0, 180)),
        ("au", "bub", "block", Wait(0, 0)),
        ("b", "bbb", "block", NOT_SEEN_BEFORE),
        ("ab", "bbb", "block", NOT_SEEN_BEFORE),
        ("u", "bbb", "block", NOT_SEEN_BEFORE),
        ("", "bbb", "block", NOT_SEEN_BEFORE),
        ("a", "uu", "block", NOT_POLLED),
        ("a", "", "block", NOT_POLLED),
    ],
)
def test_a_wait_lies_between_two_polls(
    before: str, after: str, asks: Asks, expected: Wait | str
) -> None:
    assert wait(polls(before, after, asks=asks)) == expected


def test_an_event_that_nobody_recorded_does_not_count() -> None:
    assert wait(polls("a", "bbb", recorded=False)) == NOT_RECORDED


def test_of_several_probes_the_longest_wait_stands() -> None:
    quick, slow = polls("a", "bbbb"), polls("a", "aabb", probe="web_https")

    assert wait(quick + slow) == Wait(60, 120)
    assert wait(quick + polls("a", "aaaa", probe="web_https")) == Wait(180, None)
    assert wait(quick + polls("b", "bbbb", probe="web_https")) == NOT_SEEN_BEFORE


@given(st.text("bau", max_size=6), st.text("bau", max_size=8), st.randoms())
def test_a_wait_never_depends_on_the_order_in_which_polls_are_read(
    before: str, after: str, chance: object
) -> None:
    found = polls(before, after)
    mixed = list(found)
    chance.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis gives a random.Random

    assert waits_by_event(mixed) == waits_by_event(found)


@given(st.text("bau", max_size=6), st.text("bau", max_size=8))
def test_a_followed_event_was_seen_both_ways(before: str, after: str) -> None:
    found = waits_by_event(polls(before, after)).get("one")

    if isinstance(found, Wait) and found.at_most is not None:
        assert found.at_least <= found.at_most
        assert "a" in before
        assert after.replace("u", "").endswith("bb")


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [
        ("a", "bb", (0, 1, 0)),
        ("a", "aabb", (0, 0, 1)),
        ("a", "aaabb", (1, 1, 0)),
        ("a", "aaa", (1, 1, 0)),
        ("a", "ub", (0, 0, 1)),
        ("b", "bb", (0, 0, 0)),
    ],
)
def test_an_override_is_over_within_a_minute_alive_after_it_or_undecided(
    select: Callable[..., Selection], before: str, after: str, counted: tuple[int, int, int]
) -> None:
    found = [
        structs.replace(each, note=structs.replace(each.note, kind="override"))
        for each in polls(before, after)
    ]
    metric = overrides_alive(replace(select([]), polls=tuple(found))).metric

    assert (metric.k, metric.n, metric.indeterminate) == counted
    assert [part.metric.n for part in metric.parts] == [counted[1], 0]
    assert metric.method.endswith("the end: one" if counted[0] else "the end: none")
