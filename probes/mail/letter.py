"""The form of an invented letter: who writes it, its subject, its text, what is attached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Writer = Literal["office", "teacher", "parent", "health", "council", "company", "charity", "list"]
"""Who writes a letter; *list* is a mailing list."""

OF_SCHOOL: frozenset[Writer] = frozenset(("office", "teacher"))
"""The writers who have an account at the school."""

Language = Literal["en", "cy", "pl", "fr"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter with places for the facts of ``probes.mail.invented``, as ``{pupil}``.

    ``paragraphs`` are without greeting, reference and name. ``attached`` is the kind of a document
    of ``probes.mail.school_documents``, or empty.
    """

    writer: Writer
    subject: str
    paragraphs: tuple[str, ...]
    attached: Literal["", "pdf", "docx", "csv", "ics"] = ""
    language: Language = "en"
