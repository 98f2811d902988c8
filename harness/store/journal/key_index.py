"""Which attempt keys a journal holds, in little memory: item ids by course.

A course is everything in a key but the item. There are few courses and many items, and
each item is on several courses, so ids are shared and a million keys take tens of MiB.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from sys import intern

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.model.observation import AttemptKey, Observation

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


Course = tuple[str, str, str, str, int]


class KeyedLine(msgspec.Struct, frozen=True, kw_only=True):
    """Of an observation's line, the key alone: the rest is skipped, not decoded."""

    key: AttemptKey


_LINES = msgspec.json.Decoder(KeyedLine)


class HeldKeys:
    """A set of attempt keys."""

    def __init__(self) -> None:
        self._courses: defaultdict[Course, set[str]] = defaultdict(set)

    def __contains__(self, key: AttemptKey) -> bool:
        return key.item in self._courses.get(_course(key), ())

    def __iter__(self) -> Iterator[AttemptKey]:
        for (campaign, probe, line, profile, number), items in self._courses.items():
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
        return sum(map(len, self._courses.values()))

    def take_new(self, observations: Sequence[Observation]) -> list[Observation]:
        """Add the keys of ``observations``; return those observations that were new."""
        new = []
        for observation in observations:
            key = observation.key
            items = self._courses[_course(key)]
            if key.item not in items:
                items.add(intern(key.item))
                new.append(observation)
        return new

    def forget(self, observations: Iterable[Observation]) -> None:
        """Take the keys of ``observations`` out again: they were not written."""
        for observation in observations:
            self._courses[_course(observation.key)].discard(observation.key.item)

    def add_rows(self, rows: Iterable[tuple[str, str, str, str, str, int]]) -> None:
        """Add keys given as campaign, item, probe, line, profile, round."""
        for campaign, item, probe, line, profile, number in rows:
            self._courses[campaign, probe, line, profile, number].add(intern(item))

    def add_lines(self, lines: Iterable[bytes]) -> None:
        """Add the keys of observations' lines."""
        for line in lines:
            key = _LINES.decode(line).key
            self._courses[_course(key)].add(intern(key.item))


def _course(key: AttemptKey) -> Course:
    return (key.campaign, key.probe, key.line, key.profile, key.round)
