"""Streams of the registry: one for each supplier, and one for the owner of the scheme."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from harness.errors import UsageError

OWNER = "owner"
"""The stream of the owner of the scheme."""

SUPPLIER = "supplier:"
"""What precedes a supplier's name in the name of its stream."""

LONGEST_NAME = 200
"""The most characters of a supplier's name."""


SERVICE = "service:"
"""What precedes the name of a service that has no supplier, in the name of its stream."""

OWNER_NAME = "the owner of the scheme"


def stream_of(supplier: str, service: str = "") -> str:
    """Return the stream of a supplier, or of a service without one.

    Names that differ only in case, spaces or invisible characters share a stream. Raises UsageError
    if the name is empty, longer than 200 characters or holds control characters.
    """
    given = supplier or service
    name = same_name(given)
    what = "a supplier's name" if supplier or not service else "the name of a service"
    if not name or len(name) > LONGEST_NAME or name == OWNER_NAME:
        msg = f"{given!r} is not {what}: give 1 to {LONGEST_NAME} characters"
        raise UsageError(msg)
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        msg = f"{given!r} is not {what}: it holds control characters"
        raise UsageError(msg)
    return f"{SUPPLIER if supplier else SERVICE}{name}"


def supplier_name(stream: str, names: Mapping[str, str]) -> str:
    """Return the name of a supplier for people, by the streams with a name.

    A stream that is not opened yet has none; then the name as it is compared stands for it.
    """
    return names.get(stream) or stream.partition(":")[2] or stream


@lru_cache(maxsize=4096)
def same_name(name: str) -> str:
    """Return a name as it is compared: in small letters, composed, with single spaces.

    Format characters, which cannot be seen, do not count (Unicode category Cf). The result of a
    result is the same.
    """
    for _ in range(MOST_ROUNDS):
        before = name
        seen = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
        name = " ".join(unicodedata.normalize("NFC", seen.lower()).split())
        if name == before:
            break
    return name


MOST_ROUNDS = 4
"""How often a name is folded at most; two rounds are enough for every character of Unicode 16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamHead:
    """The head of a stream: its name for people, the number of events, and the last hash.

    ``latest`` is the latest time of an event since the last correction of the clock, and
    ``latest_position`` the position of that event, from 1.
    """

    stream: str
    name: str
    events: int
    hash: str
    latest: datetime
    latest_position: int


class DerivedRow(NamedTuple):
    """What was derived from the events of a stream about one thing.

    ``state`` and ``key`` are what it is looked up by; ``body`` is JSON.
    """

    kind: str
    id: str
    body: str
    state: str = ""
    key: str = ""
