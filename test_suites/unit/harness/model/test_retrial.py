"""Retrials: keys of their own, from which the round can still be told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.model.batch import AGAIN, turn_of
from harness.model.observation import AttemptKey, Look
from harness.model.plain_twin import ROUNDS, SAMPLE, group_of, key_again, spot_of

LOOKS: tuple[Look, ...] = tuple(ROUNDS)


@given(turn=st.integers(1, 100), again=st.booleans(), looks=st.permutations(LOOKS))
def test_no_two_manners_share_a_key_and_the_round_is_kept(
    turn: int, looks: list[Look], *, again: bool
) -> None:
    number = turn + AGAIN * again
    key = AttemptKey(campaign="c", item="i", probe="web", line="l", profile="p", round=number)

    keys = {key, *(key_again(key, look) for look in looks)}

    assert len(keys) == 1 + len(LOOKS)
    assert {turn_of(one.round) for one in keys} == {turn}
    assert {group_of(one) for one in keys} == {("l", "p", "web")}
    assert {spot_of(one) for one in keys} == {("i", "l", "p", "web")}


def test_a_sample_finds_one_in_twenty_with_95_percent() -> None:
    assert 0.95**SAMPLE < 0.05 <= 0.95 ** (SAMPLE - 1)
