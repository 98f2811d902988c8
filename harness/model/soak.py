"""The soak period of a plan: after its fix was verified, the service has to go on conforming."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256

import msgspec

SOAK_DAYS = 14
"""How many days a fix has to hold where a scheme does not say: two weekly updates of a list."""


class SoakCampaign(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a campaign after the verification showed of the requirement of a finding.

    ``begun`` is the time of its first observation, ``conforms`` whether the requirement's outcome
    does. Of ``tested`` items that no earlier campaign of the soak period tried, ``missed`` failed;
    ``items`` are their marks (``mark_of``), one after another. ``level`` is the smallest level at
    which the e-process over all items of the period signals (1: no evidence of a failure). With a
    ``fault``, a reason in words, the fix did not hold.
    """

    campaign: str
    begun: datetime
    conforms: bool
    tested: int = 0
    missed: float = 0.0
    level: float = 1.0
    fault: str = ""
    items: str = ""


MARK = 8
"""The length of an item's mark in hexadecimal digits: 32 bits, so that equal ones are rare."""


def mark_of(item: str) -> str:
    """A short digest of an item's id, by which it is found again among a few thousand."""
    return sha256(item.encode()).hexdigest()[:MARK]


def marks_of(items: Collection[str]) -> str:
    """The marks of items in order, one after another."""
    return "".join(sorted({mark_of(item) for item in items}))


def split_marks(marks: str) -> frozenset[str]:
    """The single marks of a text of ``marks_of``."""
    return frozenset(marks[start : start + MARK] for start in range(0, len(marks), MARK))
