"""Facts that people state: answers of reviewers, and what a supplier certifies."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from harness.model.facts_base import FactsBase
from harness.model.signature import Signed


class SeenDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A document that a person looked at: SHA-256 and size of its file.

    Both are empty if the document was only shown.
    """

    name: str
    sha256: str = ""
    bytes: int = 0


class PeopleAnswerFacts(
    FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="people_answer"
):
    """What one person stated about a requirement, when, and from which documents.

    ``said`` are the answers by the keys of the question (``harness.model.people_question``).
    ``until`` is the day on which the evidence ends, where it says so. ``signed`` is the reviewer's
    signature of all of it, for this journal (``JournalHeader.identity``).
    """

    requirement: str
    reviewer: str
    at: datetime
    said: dict[str, str]
    documents: tuple[SeenDocument, ...] = ()
    note: str = ""
    until: date | None = None
    signed: Signed | msgspec.UnsetType = msgspec.UNSET


Claim = Literal["meets", "partly", "does-not-meet", "not-applicable"]
"""What a supplier certifies of one requirement (``harness.model.submission``)."""


class SupplierDeclarationFacts(
    FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="supplier_declaration"
):
    """What the supplier certifies of its own service, by requirement, and the file's SHA-256."""

    supplier: str
    signed: datetime
    sha256: str
    claims: dict[str, Claim]
