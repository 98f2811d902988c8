"""Drawing lots: an order that a seed makes, and the first few of it.

The place of a text in the order is its BLAKE2b digest of 16 bytes, keyed with the first 64 bytes
of the seed in UTF-8 (RFC 7693). Whoever learns the seed can make the order again; whoever does
not cannot tell it from chance. The *k* first do not depend on the order in which texts came.
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
    """What gives a text its place in the order of ``seed``: places compare as bytes."""
    keyed = hashlib.blake2b(key=seed.encode()[:_SEED_BYTES], digest_size=DIGEST_BYTES)

    def place(text: str) -> bytes:
        digest = keyed.copy()  # the key is worked in once
        digest.update(text.encode())
        return digest.digest()

    return place


def order_key(seed: str, text: str) -> bytes:
    """The place of ``text`` in the order that ``seed`` makes."""
    return ordering(seed)(text)


class Smallest(Generic[Value]):
    """Of all that is offered, the ``size`` with the smallest keys (or all); twice that is held.

    ``unit`` names what may be kept once only: of the values of one unit, that with the smallest
    key. A value whose unit is empty is one of its own.
    """

    def __init__(self, size: int | None, unit: Callable[[Value], str] | None = None) -> None:
        self._size = size
        self._unit = unit
        self._held: list[tuple[Any, Value]] = []
        self._limit: Any = None

    def offer(self, key: Any, value: Value) -> None:
        """Take one more into account. Keys of one object compare with each other."""
        if self._limit is None or key < self._limit:
            self._held.append((key, value))
            if self._size is not None and len(self._held) >= 2 * self._size:
                self._held = self.kept()
                if len(self._held) == self._size:
                    self._limit = self._held[-1][0]

    def kept(self) -> list[tuple[Any, Value]]:
        """The smallest with their keys, in order."""
        ordered = sorted(self._held, key=itemgetter(0))
        if self._unit is not None:
            first: dict[object, tuple[Any, Value]] = {}
            for number, (key, value) in enumerate(ordered):
                first.setdefault(self._unit(value) or number, (key, value))
            ordered = list(first.values())
        return ordered[: self._size]
