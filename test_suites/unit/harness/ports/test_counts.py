"""Both folds, on disk and in memory, satisfy the port."""

from __future__ import annotations

from pathlib import Path

from harness.model.outcome_group import Counts
from harness.model.verdict_basis import VerdictBasis
from harness.ports.judging import CountedVerdicts
from harness.verdicts.cached_verdicts import StoredVerdicts
from test_suites.kit.campaigns.memory_fold import MemoryFold


def test_nothing_says_nothing() -> None:
    basis = VerdictBasis(observations=0, rules_version="1", preconditions=())
    both: tuple[CountedVerdicts, ...] = (
        StoredVerdicts(Path("none"), Counts(), basis),
        MemoryFold([]),
    )

    for verdict_counts in both:
        assert verdict_counts.counts == Counts()
        assert verdict_counts.witnesses([]) == ()
        assert verdict_counts.first_pairs([], "ks2", "web", 5) == ()
        assert verdict_counts.in_order([], "ks2") == []
        assert verdict_counts.overheads([], "ks2", "web") == ((), ())
