"""Which of many texts came before: sixteen bytes a text, so that millions fit in memory.

A text is known by its 128-bit BLAKE2 digest, so two are never taken for one another by chance
(at ten million texts, once in 10^24 lists).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Halves = NDArray[np.uint64]

DIGEST_BYTES = 16
LONGEST = 1 << 20
"""Digests in a run that is merged no more: merging takes memory, too."""


class _Run(NamedTuple):
    """Digests in the order of their first halves."""

    first: Halves
    second: Halves


class Seen:
    """A growing set of texts, asked and extended by many at once."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def __len__(self) -> int:
        return sum(len(run.first) for run in self._runs)

    def sift(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text came before, among these or earlier ones; all are known from now on."""
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
        self._keep(_Run(ordered.first[~known], ordered.second[~known]))
        found = np.empty_like(known)
        found[order] = known
        return list(map(bool, found))

    def _keep(self, run: _Run) -> None:
        """Add a run, and merge it with those that are hardly longer: few are left to search."""
        if not len(run.first):
            return
        while self._runs and len(self._runs[-1].first) <= min(2 * len(run.first), LONGEST):
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
