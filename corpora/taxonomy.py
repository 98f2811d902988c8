"""The taxonomy of categories, the mapping of other schemes' labels to it, and benign neighbours.

A category says what content *is*; what should happen to it is for schemes to say, so the taxonomy
holds no policy.
"""

from __future__ import annotations

import csv
import functools
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import UsageError, known

DATA = Path(__file__).parent / "data"
"""The folder of the tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One canonical category. ``parent`` is empty for a root; ``tier`` groups the roots."""

    code: str
    parent: str
    tier: str
    name: str
    definition: str = ""
    max_sensitivity: str = "S4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy:
    """The categories by code, and for each other scheme the code of each of its labels."""

    version: str
    sha256: str
    categories: Mapping[str, Category]
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    name: str = "accredit-taxonomy"

    def __contains__(self, code: str) -> bool:
        return code in self.categories

    def __iter__(self) -> Iterator[Category]:
        return iter(self.categories.values())

    def labels_of(self, scheme: str) -> Mapping[str, str]:
        """The labels of another scheme (``ut1``, ``citizenlab``), each with its code here."""
        if scheme not in self.labels:
            msg = f"no mapping of scheme {scheme!r}; {known(self.labels)}"
            raise UsageError(msg)
        return self.labels[scheme]


@functools.cache
def shipped() -> Taxonomy:
    """The taxonomy that comes with the package."""
    table = (DATA / "taxonomy.csv").read_bytes()
    categories = {
        row["code"]: Category(
            code=row["code"],
            parent=row["parent"],
            tier=row["tier"],
            name=row["name"],
            definition=row["definition"],
            max_sensitivity=row["max_sensitivity"],
        )
        for row in csv.DictReader(table.decode("utf-8").splitlines())
    }
    labels: dict[str, dict[str, str]] = {}
    with (DATA / "taxonomy_map.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            labels.setdefault(row["scheme"], {})[row["external_id"]] = row["canonical_code"]
    return Taxonomy(
        version="1.0.0",
        sha256=hashlib.sha256(table).hexdigest(),
        categories=categories,
        labels=labels,
    )


TWIN_OF = {
    "ILL": "ALW.NEWS",
    "DISC": "ALW.HIST",
    "DRUG": "ALW.DRUGED",
    "EXTR": "ALW.NEWS",
    "GAMB": "ALW.CURR",
    "HARM": "ALW.SUPPORT",
    "MALW": "ALW.TECH",
    "PIRA": "ALW.ARTS",
    "PORN": "ALW.SEXED",
    "PORN.NUDE": "ALW.ARTS",
    "VIOL": "ALW.HIST",
    "ADLT": "ALW.ARTS",
    "CRIM": "ALW.GOV",
    "MISI": "ALW.NEWS",
    "VAWG": "ALW.SUPPORT",
    "LOC": "ALW.BIZ",
    "LOC.ACAD": "ALW.EDU",
    "LOC.ALCO": "ALW.DRUGED",
    "LOC.CACH": "ALW.REF",
    "LOC.CBD": "ALW.HEALTH",
    "LOC.CHAT": "ALW.SUPPORT",
    "LOC.DATE": "ALW.SEXED",
    "LOC.FSHR": "ALW.EDU",
    "LOC.GAME": "ALW.CHILD",
    "LOC.GENAI": "ALW.TECH",
    "LOC.HOST": "ALW.EDU",
    "LOC.OCCU": "ALW.REL",
    "LOC.P2P": "ALW.TECH",
    "LOC.REMO": "ALW.TECH",
    "LOC.SOCN": "ALW.NEWS",
    "LOC.SRCH": "ALW.REF",
    "LOC.STRM": "ALW.CURR",
    "LOC.TOBA": "ALW.DRUGED",
    "LOC.TRNS": "ALW.REF",
}
"""The benign neighbour of each category: harmless content that crude filters mistake for it."""


def twin_of(code: str) -> str:
    """The must-allow category next to a category or its root.

    Raises KeyError for a category that is harmless itself.
    """
    return TWIN_OF.get(code) or TWIN_OF[code.split(".", maxsplit=1)[0]]
