"""Seeded random order and selection.

The place of a text in the order is its BLAKE2b digest of 16 bytes, keyed with the first 64 bytes of
the seed in UTF-8 (RFC 7693). With the seed the order can be reproduced; without it the order cannot
be predicted. The first *k* do not depend on the order in which texts arrive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from operator import itemgetter
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

DIGEST_BYTES = 16
_SEED_BYTES = 64


def ordering(seed: str) -> Callable[[str], bytes]:
    """Return a function that gives a text its sort key, as bytes, in the order of ``seed``."""
    keyed = hashlib.blake2b(key=seed.encode()[:_SEED_BYTES], digest_size=DIGEST_BYTES)

    def key_of(text: str) -> bytes:
        digest = keyed.copy()  # the key is hashed once
        digest.update(text.encode())
        return digest.digest()

    return key_of


def order_key(seed: str, text: str) -> bytes:
    """Return the sort key of ``text`` in the order of ``seed``."""
    return ordering(seed)(text)


class Smallest(Generic[Value]):
    """Keep the ``size`` values with the smallest keys (or all); up to twice that are in memory.

    Of the values with the same ``unit`` only the one with the smallest key is kept; values with an
    empty unit are all distinct.
    """

    def __init__(self, size: int | None, unit: Callable[[Value], str] | None = None) -> None:
        self._size = size
        self._unit = unit
        self._held: list[tuple[Any, Value]] = []
        self._limit: Any = None

    def offer(self, key: Any, value: Value) -> None:
        """Add a value; all keys must be comparable."""
        if self._limit is None or key < self._limit:
            self._held.append((key, value))
            if self._size is not None and len(self._held) >= 2 * self._size:
                self._held = self.kept()
                if len(self._held) == self._size:
                    self._limit = self._held[-1][0]

    def kept(self) -> list[tuple[Any, Value]]:
        """Return the kept values with their keys, in order."""
        ordered = sorted(self._held, key=itemgetter(0))
        if self._unit is not None:
            first: dict[object, tuple[Any, Value]] = {}
            for number, (key, value) in enumerate(ordered):
                first.setdefault(self._unit(value) or number, (key, value))
            ordered = list(first.values())
        return ordered[: self._size]
