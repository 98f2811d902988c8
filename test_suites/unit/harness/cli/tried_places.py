"""Places where items are tried, for tests of what a campaign can decide."""

from __future__ import annotations

from typing import Any

from harness.cli.item_supply import group_items
from harness.cli.line_supply import LineProfile
from harness.cli.undecidable import Undecidable, undecidable
from harness.model.corpus import Item
from harness.model.scheme import Scheme
from harness.plugins import PROBES
from harness.schemes.load import load_scheme

STRICT = load_scheme("strict")


def items(code: str, count: int, **changed: Any) -> list[Item]:
    return [
        Item(id=f"{code}-{n}", value=f"{code.lower()}-{n}.test", labels=(code,), **changed)
        for n in range(count)
    ]


def place(tried: list[Item], **changed: Any) -> LineProfile:
    probes = {name: PROBES.find(name)() for name in changed.pop("probes", ("web",))}
    told = {
        "line": "proxy",
        "profile": "pupils",
        "phase": "ks3",
        "phases": frozenset({"ks3"}),
        "supply": group_items(tried, probes),
        "frames": {},
        "twins": 59,
    }
    return LineProfile(**{**told, **changed})


def of(requirement: str, *places: LineProfile, scheme: Scheme = STRICT) -> list[Undecidable]:
    found = undecidable(scheme, places)
    return [one for one in found if one.requirement == requirement]
