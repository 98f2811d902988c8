"""What people said of requirements that only they can judge, and what the supplier declares.

Each reviewer answers alone. An answer names its reviewer (a name or a role), the documents that
were looked at, and the time.
"""

from __future__ import annotations

import unicodedata
from datetime import date, datetime

import msgspec

from harness.model.people_facts import Claim, SeenDocument

PEOPLE_LINE = "people"
"""The line, profile and probe in the keys of what people said, which no line carried."""


class PeopleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The last answer of one reviewer about one requirement.

    ``said`` are the answers by the keys of the question, ``until`` the day on which the evidence
    ends, if it says so. ``replaced`` counts earlier answers of the same reviewer.
    """

    requirement: str
    reviewer: str
    at: datetime
    said: dict[str, str]
    documents: tuple[SeenDocument, ...] = ()
    note: str = ""
    until: date | None = None
    replaced: int = 0


class SupplierDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """What the supplier certifies of its own service (ISO/IEC 17050-1), by requirement.

    ``sha256`` is the digest of the file that was imported.
    """

    supplier: str
    signed: datetime
    sha256: str
    claims: dict[str, Claim]


class DeclaredDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement of which the supplier declares something else than was measured.

    ``says`` and ``measured`` are in words, ``where`` names the outcomes that decide. It is
    *decided* if the measurement contradicts the supplier, otherwise there is too little evidence.
    """

    requirement: str
    says: str
    measured: str
    where: tuple[str, ...]
    is_decided: bool


class DeclaredConformity(msgspec.Struct, frozen=True, kw_only=True):
    """A supplier's declaration beside the outcomes of an assessment."""

    declaration: SupplierDeclaration
    differences: tuple[DeclaredDifference, ...] = ()

    @classmethod
    def of(cls, declaration: SupplierDeclaration | None) -> DeclaredConformity | None:
        """Return a declaration that was not compared yet; ``None`` without one."""
        return None if declaration is None else cls(declaration=declaration)


class PeopleRecords(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of people in a journal, by requirement and time, and the last declaration."""

    answers: tuple[PeopleAnswer, ...] = ()
    declaration: SupplierDeclaration | None = None

    def about(self, requirement: str) -> tuple[PeopleAnswer, ...]:
        """The answers about one requirement, one of each reviewer."""
        return tuple(one for one in self.answers if one.requirement == requirement)


NOBODY = PeopleRecords()
"""Nobody said anything."""


class PeopleEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """The answers that an outcome rests on, how people know, and until when that counts.

    ``stated`` is what follows from the answers, in words: one text for each thing that was asked.
    ``expires`` is the first day on which the evidence does not count; ``None`` if it is not known.
    """

    answers: tuple[PeopleAnswer, ...]
    methods: tuple[str, ...]
    expires: date | None = None
    stated: tuple[str, ...] = ()


def same_reviewer(name: str) -> str:
    """The form of a name in which names of the same reviewer are equal.

    Letter case, spaces, and forms of the same letters (Unicode NFKC, UAX 15) make no difference.
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
