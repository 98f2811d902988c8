"""Heartbeats: a line lives while more of them are in time than late."""

from __future__ import annotations

import pytest

from harness.model.observation import Heartbeats


@pytest.mark.parametrize(
    ("answered", "late", "lives"), [(0, 0, False), (1, 0, True), (1, 1, False), (3, 2, True)]
)
def test_a_line_lives_while_most_heartbeats_are_in_time(
    answered: int, late: int, *, lives: bool
) -> None:
    assert Heartbeats(answered=answered, late=late).shows_life is lives


def test_they_are_told_in_one_sentence() -> None:
    told = str(Heartbeats(answered=2, late=1, slowest=0.5, allowed=0.25))

    assert told == (
        "heartbeats: 2 answered in time, 1 late, the slowest in 0.50 s (allowed: 0.25 s)"
    )
    assert str(Heartbeats()) == "heartbeats: 0 answered in time, 0 late"
