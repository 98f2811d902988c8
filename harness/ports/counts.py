"""Port for counting: a journal's verdicts, folded so that any number of them can be asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from harness.model.outcome import Witness
from harness.model.outcome_group import Adverse, Counts, Pairs


class Folded(Protocol):
    """Counts of all verdicts; what was seen of single items is asked for.

    ``witnesses`` are the first verdicts that speak against the service, one an item, in the
    order of trial. ``overheads`` are times to first byte that the service added in items of the
    named fates, in seconds, sorted. ``first_pairs`` are the times of the first so many items.
    """

    @property
    def counts(self) -> Counts: ...
    def witnesses(self, adverse: Iterable[Adverse]) -> tuple[Witness, ...]: ...
    def overheads(self, fates: Collection[int], profile: str, probe: str) -> Sequence[float]: ...
    def first_pairs(
        self, fates: Collection[int], profile: str, probe: str, limit: int
    ) -> tuple[Pairs, ...]: ...
