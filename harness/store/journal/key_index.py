"""Index the attempt keys of a journal in little memory.

``KeyIndex`` holds exact keys: item ids grouped by the rest of the key. There are few such groups
and many items, and the ids are shared between groups, so a million keys take tens of MiB.
``KeyFilter`` holds eight bytes a key for sealed segments: a key that is not in it is certainly new.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from sys import intern
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness.model.observation import AttemptKey, Observation

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEPARATOR = "\x1f"
"""The separator between the parts of a key in the text that is hashed."""


class KeyFilter:
    """A sorted list of key hashes."""

    def __init__(self) -> None:
        self._sorted: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)

    def __len__(self) -> int:
        return len(self._sorted)

    def add(self, segments: Iterable[NDArray[np.uint64]]) -> None:
        """Add the key hashes of more segments."""
        self._sorted = np.sort(np.concatenate([self._sorted, *segments]))

    def suspects(self, keys: Sequence[AttemptKey]) -> set[AttemptKey]:
        """The ``keys`` whose hashes are known: nearly always those that are in a sealed segment."""
        if not len(self._sorted):
            return set()
        hashes = np.fromiter(map(key_hash, keys), dtype=np.uint64, count=len(keys))
        positions = np.searchsorted(self._sorted, hashes)
        positions[positions == len(self._sorted)] = 0
        known = self._sorted[positions] == hashes
        return {key for key, is_known in zip(keys, known, strict=True) if is_known}


def key_hash(key: AttemptKey) -> int:
    """The last eight bytes of the MD5 of a key, as a number."""
    parts = (key.campaign, key.item, key.probe, key.line, key.profile, str(key.round))
    text = SEPARATOR.join(parts).encode()
    return int.from_bytes(hashlib.md5(text, usedforsecurity=False).digest()[8:])


AttemptGroup = tuple[str, str, str, str, int]


class KeyedLine(msgspec.Struct, frozen=True, kw_only=True):
    """The key of an observation's line; the rest is skipped without decoding."""

    key: AttemptKey


_LINES = msgspec.json.Decoder(KeyedLine)


def keys_in(lines: Iterable[bytes]) -> Iterator[AttemptKey]:
    """The keys of observations' lines. Raises ValueError for a line that is none."""
    return (_LINES.decode(line).key for line in lines)


class KeyIndex:
    """A set of attempt keys."""

    def __init__(self) -> None:
        self._items: defaultdict[AttemptGroup, set[str]] = defaultdict(set)

    def __contains__(self, key: AttemptKey) -> bool:
        return key.item in self._items.get(_group_of(key), ())

    def __iter__(self) -> Iterator[AttemptKey]:
        for (campaign, probe, line, profile, number), items in self._items.items():
            for item in items:
                yield AttemptKey(
                    campaign=campaign,
                    item=item,
                    probe=probe,
                    line=line,
                    profile=profile,
                    round=number,
                )

    def __len__(self) -> int:
        return sum(map(len, self._items.values()))

    def take_new(self, observations: Sequence[Observation]) -> list[Observation]:
        """Add the keys of ``observations``; return those observations that were new."""
        new = []
        for observation in observations:
            key = observation.key
            items = self._items[_group_of(key)]
            if key.item not in items:
                items.add(intern(key.item))
                new.append(observation)
        return new

    def forget(self, observations: Iterable[Observation]) -> None:
        """Remove the keys of ``observations``, which could not be written."""
        for observation in observations:
            self._items[_group_of(observation.key)].discard(observation.key.item)

    def add_lines(self, lines: Iterable[bytes]) -> None:
        """Add the keys of observations' lines."""
        for key in keys_in(lines):
            self._items[_group_of(key)].add(intern(key.item))


def _group_of(key: AttemptKey) -> AttemptGroup:
    return (key.campaign, key.probe, key.line, key.profile, key.round)
