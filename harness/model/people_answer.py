"""What people said of requirements that only they can judge, and what the supplier declares.

Each reviewer answers alone. An answer names its reviewer (a name or a role), the documents that
were looked at, and the time.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from harness.model.people_facts import Claim, SeenDocument
from harness.model.person_names import is_same_person
from harness.model.signature import Key

PEOPLE_LINE = "people"
"""The line, profile and probe in the keys of what people said, which no line carried."""


class PeopleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The last answer of one reviewer about one requirement.

    ``said`` are the answers by the keys of the question, ``until`` the day on which the evidence
    ends, if it says so. ``replaced`` counts earlier answers of the same reviewer. ``key`` is the
    public key with which the reviewer signed it; without one the reviewer is known by name only.
    """

    requirement: str
    reviewer: str
    at: datetime
    said: dict[str, str]
    documents: tuple[SeenDocument, ...] = ()
    note: str = ""
    until: date | None = None
    replaced: int = 0
    key: Key | msgspec.UnsetType = msgspec.UNSET

    @property
    def is_by_name_only(self) -> bool:
        """Whether no signature shows who answered."""
        return isinstance(self.key, msgspec.UnsetType)

    def is_of_same_reviewer(self, name: str, key: str | msgspec.UnsetType) -> bool:
        """Whether a name or a key may be that of the same reviewer."""
        is_one_key = not self.is_by_name_only and self.key == key
        return is_one_key or is_same_person(self.reviewer, name)


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
    ``identities`` says if no signature shows who a reviewer is; assessments of earlier versions do
    not say it (``is_by_name_only``).
    """

    answers: tuple[PeopleAnswer, ...]
    methods: tuple[str, ...]
    expires: date | None = None
    stated: tuple[str, ...] = ()
    identities: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def is_by_name_only(self) -> bool:
        """Whether the name alone shows who one of the reviewers is."""
        return any(one.is_by_name_only for one in self.answers)
