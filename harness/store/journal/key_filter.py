"""Marks of the attempt keys in sealed segments: eight bytes a key, so that many fit in memory.

A mark raises a suspicion, no more: two keys may share one. Whoever finds a suspect looks the
key itself up, so nothing measured is ever dropped for a mark's sake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.model.observation import AttemptKey

SEPARATOR = "\x1f"
"""Stands between the parts of a key where they are hashed as one text."""


class Marks:
    """A growing list of marks, kept sorted."""

    def __init__(self) -> None:
        self._sorted: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)

    def __len__(self) -> int:
        return len(self._sorted)

    def add(self, several: Iterable[NDArray[np.uint64]]) -> None:
        """Take in the marks of more segments."""
        self._sorted = np.sort(np.concatenate([self._sorted, *several]))

    def suspects(self, keys: Sequence[AttemptKey]) -> set[AttemptKey]:
        """Those of ``keys`` whose mark is known: nearly always because the key is."""
        if not len(self._sorted):
            return set()
        marks = np.fromiter(map(mark_of, keys), dtype=np.uint64, count=len(keys))
        places = np.searchsorted(self._sorted, marks)
        places[places == len(self._sorted)] = 0
        known = self._sorted[places] == marks
        return {key for key, is_known in zip(keys, known, strict=True) if is_known}


def mark_of(key: AttemptKey) -> int:
    """The last eight bytes of the MD5 of a key, as a number; DuckDB has MD5 as well."""
    parts = (key.campaign, key.item, key.probe, key.line, key.profile, str(key.round))
    text = SEPARATOR.join(parts).encode()
    return int.from_bytes(hashlib.md5(text, usedforsecurity=False).digest()[8:])
