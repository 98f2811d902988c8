"""Find texts that came before, in 16 bytes of memory each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Halves = NDArray[np.uint64]


DIGEST_BYTES = 16


MERGE_LIMIT = 1 << 20
"""A run of more digests is not merged again, because merging takes memory."""


class _Run(NamedTuple):
    """Digests sorted by their first halves."""

    first: Halves
    second: Halves


class DuplicateFinder:
    """Find texts that came before, a batch at a time. Keeps 16 bytes of each text."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def __len__(self) -> int:
        return sum(len(run.first) for run in self._runs)

    def find(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text came before, in this batch or an earlier one; remembers them all."""
        if not texts:
            return []
        first, second = _halves(texts)
        order = np.argsort(first, kind="stable")
        ordered = _Run(first[order], second[order])
        known = np.zeros(len(texts), dtype=np.bool_)
        known[1:] = _same(ordered.first[1:], ordered.first[:-1], ordered.second)
        for run in self._runs:
            at = np.searchsorted(run.first, ordered.first)
            at[at == len(run.first)] = 0
            known |= (run.first[at] == ordered.first) & (run.second[at] == ordered.second)
        self._add_run(_Run(ordered.first[~known], ordered.second[~known]))
        is_duplicate = np.empty_like(known)
        is_duplicate[order] = known
        return list(map(bool, is_duplicate))

    def _add_run(self, run: _Run) -> None:
        """Add a run, merged with runs up to twice its length, so that few runs need a search."""
        if not len(run.first):
            return
        while self._runs and len(self._runs[-1].first) <= min(2 * len(run.first), MERGE_LIMIT):
            last = self._runs.pop()
            first = np.concatenate([last.first, run.first])
            order = np.argsort(first, kind="stable")
            run = _Run(first[order], np.concatenate([last.second, run.second])[order])
        self._runs.append(run)


def _same(first: Halves, before: Halves, second: Halves) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (first == before) & (second[1:] == second[:-1])
    return same


def _halves(texts: Sequence[str]) -> tuple[Halves, Halves]:
    digests = b"".join(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
        for text in texts
    )
    pairs = np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
