"""Draw words and numbers for a mail from its digest: the same digest gives the same mail."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Draws:
    """What is drawn for one mail. Each drawing has a name, and depends on no other drawing."""

    digest: str

    def number(self, name: str, below: int) -> int:
        """Return a number from 0 to ``below`` - 1."""
        return int(self.hexadecimal(name, 16), 16) % below

    def one_of(self, name: str, values: Sequence[T]) -> T:
        """Return one of the values."""
        return values[self.number(name, len(values))]

    def hexadecimal(self, name: str, length: int) -> str:
        """Return so many hexadecimal digits, at most 128."""
        return hashlib.blake2b(f"{self.digest} {name}".encode()).hexdigest()[:length]

    def within(self, name: str) -> Draws:
        """Return drawings of their own, for a part of the mail."""
        return Draws(f"{self.digest} {name}")
