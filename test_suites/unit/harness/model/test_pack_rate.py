"""What known and hidden items say together."""

from __future__ import annotations

from dataclasses import replace

from harness.model.pack_rate import Foreknowledge

FOUND = Foreknowledge(
    line="proxy",
    profile="ks2",
    group="GAMB",
    frame="",
    known_right=9,
    known_n=9,
    hidden_right=1,
    hidden_n=9,
    undecided=0,
    p_value=0.001,
    adjusted=0.05,
    alpha=0.05,
)


def test_a_difference_that_is_no_chance_is_said() -> None:
    assert FOUND.is_tuned
    assert FOUND.conclusion.startswith("tuned to the known list")
    assert replace(FOUND, adjusted=0.051).conclusion == "no difference shown"


def test_nothing_is_said_of_nothing() -> None:
    assert replace(FOUND, hidden_n=0, hidden_right=0, adjusted=1.0).conclusion.startswith(
        "nothing to"
    )
