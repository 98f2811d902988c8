"""Fates: what a probe is blind to, and which times are kept."""

from __future__ import annotations

import pytest

from harness.model.outcome_group import SHOWN, ProbeState, sample_ranks
from harness.model.verdict import Mechanism, State


@pytest.mark.parametrize("count", [0, 1, SHOWN, SHOWN + 1, 10 * SHOWN + 3])
def test_kept_ranks_reach_from_the_least_to_the_greatest(count: int) -> None:
    ranks = list(sample_ranks(count))

    assert len(ranks) == min(count, SHOWN)
    assert ranks == sorted(set(ranks))
    assert not count or (ranks[0], ranks[-1]) == (0, count - 1)


def test_what_was_blocked_and_passed_on_a_retry_was_both() -> None:
    both = ProbeState("ks2", "web", State.ALLOWED, Mechanism.BLOCK_PAGE)

    assert both.states == {State.ALLOWED, State.BLOCKED}
    assert ProbeState("ks2", "web", State.ALLOWED).states == {State.ALLOWED}
    assert ProbeState("ks2", "web", State.ALTERED, Mechanism.DNS_NODATA).states == {State.ALTERED}
