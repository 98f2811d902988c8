"""Reads ``signatures.toml``: what pages say of themselves, as data.

A sign of a block only supports the control comparison, so each has a weight: from
``ENOUGH_ALONE`` on, a page may be called a block page by itself; from ``ENOUGH_BESIDE`` on,
beside a control's page that is quite another one.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

ENOUGH_ALONE = 3.0
ENOUGH_BESIDE = 1.5
BARE_FRAME = 1.0
"""Weight of a page that says nothing and leads to another site."""
REFUSED = 1.0
"""Weight of a status that refuses, beside words that do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A pattern at a place, and what it shows."""

    place: str
    weight: float
    says: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """All that is known of what pages say.

    ``refusal``: how origins and their guards turn a client away. ``parked``: domains that
    nobody uses, hosts that nobody set up. ``missing``: what servers say when a page is not
    there or nothing works. ``talk``: marks of articles, manuals and shops. ``types``: on whose
    behalf a block page says that it blocks. ``common_headers`` say nothing of whose server
    it was: filters, caches and content networks send them too.
    """

    block: tuple[Sign, ...]
    refusal: re.Pattern[str]
    parked: re.Pattern[str]
    missing: re.Pattern[str]
    talk: re.Pattern[str]
    types: tuple[tuple[str, re.Pattern[str]], ...]
    common_headers: frozenset[str]


@lru_cache(maxsize=1)
def signatures() -> Signatures:
    """The signatures that are shipped, compiled once."""
    text = files("harness.judge").joinpath("signatures.toml").read_text(encoding="utf-8")
    return read_signatures(tomllib.loads(text))


def read_signatures(document: dict[str, Any]) -> Signatures:
    """Compile a document of the form of ``signatures.toml``. Raises KeyError or re.error."""
    words = document["words"]

    def compiled(part: dict[str, Any]) -> re.Pattern[str]:
        joined = "|".join(part["patterns"])
        for word, stands_for in words.items():
            joined = joined.replace("{" + word + "}", stands_for)
        return re.compile(joined)

    return Signatures(
        block=tuple(
            Sign(
                place=part["place"],
                weight=float(part["weight"]),
                says=part["says"],
                pattern=compiled(part),
            )
            for part in document["block"]
        ),
        refusal=compiled(document["refusal"]),
        parked=compiled(document["parked"]),
        missing=compiled(document["missing"]),
        talk=compiled(document["talk"]),
        types=tuple((part["name"], compiled(part)) for part in document["type"]),
        common_headers=frozenset(document["headers"]["common"]),
    )
