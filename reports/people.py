"""Who judged what, when, from which documents; and where a supplier's declaration differs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from harness.model.outcome import Assessment
from harness.model.people_answer import PeopleAnswer
from harness.model.people_facts import SeenDocument
from harness.model.signature import BY_NAME_ONLY
from reports.phrases import plain

METHODS = {"examine": "examined", "interview": "interviewed", "test": "tried"}
"""How people know, in words (OSCAL: EXAMINE, INTERVIEW, TEST)."""
SHOWN_DIGITS = 16


class PeopleRow(NamedTuple):
    """What people stated about one requirement, as texts."""

    requirement: str
    subject: str
    reviewers: tuple[str, ...]
    documents: tuple[str, ...]
    methods: str
    counts_until: str
    conditions: tuple[str, ...]


class DeclaredRow(NamedTuple):
    """One difference between a supplier's declaration and what was measured, as texts."""

    requirement: str
    says: str
    measured: str
    where: str
    is_decided: bool


def people_rows(assessment: Assessment) -> tuple[PeopleRow, ...]:
    """What people stated, requirement by requirement; it is the same on every line."""
    rows: dict[str, PeopleRow] = {}
    for one in assessment.outcomes:
        if one.people is None or one.requirement.id in rows:
            continue
        answers = one.people.answers
        documents = dict.fromkeys(each for answer in answers for each in answer.documents)
        rows[one.requirement.id] = PeopleRow(
            requirement=one.requirement.id,
            subject=one.requirement.subject,
            reviewers=tuple(map(_reviewer, answers)),
            documents=tuple(map(_document, documents)),
            methods=", ".join(METHODS[each] for each in one.people.methods),
            counts_until=_last_day(one.people.expires),
            conditions=tuple(map(plain, one.people.stated)),
        )
    return tuple(rows.values())


def _last_day(expires: date | None) -> str:
    return "" if expires is None else f"{expires - timedelta(days=1)}"


def _reviewer(answer: PeopleAnswer) -> str:
    again = ", answered anew" if answer.replaced else ""
    again += f", {BY_NAME_ONLY}" if answer.is_by_name_only else ""
    note = f": {answer.note}" if answer.note else ""
    return plain(f"{answer.reviewer} ({answer.at:%Y-%m-%d}{again}){note}")


def _document(document: SeenDocument) -> str:
    if not document.sha256:
        return plain(f"{document.name} (only shown)")
    return plain(f"{document.name} (SHA-256 {document.sha256[:SHOWN_DIGITS]})")


def people_lines(assessment: Assessment) -> Iterator[str]:
    """The same as sentences, for a terminal."""
    for row in people_rows(assessment):
        until = f"; counts until {row.counts_until}" if row.counts_until else ""
        documents = f"; {', '.join(row.documents)}" if row.documents else ""
        yield f"{row.requirement}: stated by {' and '.join(row.reviewers)}{documents}{until}"


def declared_rows(assessment: Assessment) -> tuple[DeclaredRow, ...]:
    """Where the supplier's declaration differs, contradictions first."""
    if assessment.declared is None:
        return ()
    rows = [
        DeclaredRow(
            requirement=one.requirement,
            says=one.says,
            measured=one.measured,
            where=", ".join(one.where[:3]) + (" and more" if len(one.where) > 3 else ""),  # noqa: PLR2004 - enough to look up
            is_decided=one.is_decided,
        )
        for one in assessment.declared.differences
    ]
    return tuple(sorted(rows, key=lambda row: (not row.is_decided, row.requirement)))


def declared_lines(assessment: Assessment) -> Iterator[str]:
    """The same as sentences, for a terminal."""
    for row in declared_rows(assessment):
        yield (
            f"{row.requirement}: the supplier says that {row.says}; measured: {row.measured} "
            f"({row.where})"
        )


def declared_title(assessment: Assessment) -> str:
    """What was declared, when, and how many differences there are; empty without one."""
    if assessment.declared is None:
        return ""
    one = assessment.declared.declaration
    number = len(assessment.declared.differences)
    differences = "1 difference" if number == 1 else f"{number} differences"
    return plain(
        f"{one.supplier} certified its own service on {one.signed:%Y-%m-%d} "
        f"(requirements: {len(one.claims)}, SHA-256 {one.sha256[:SHOWN_DIGITS]}): {differences}. "
        "The self-certification changes no outcome."
    )
