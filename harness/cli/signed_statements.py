"""Sign what a reviewer states with the reviewer's own key, for the journal that keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import UNSET, UnsetType, structs

from harness.cli.printing import say
from harness.follow.identities import HOW_TO_SIGN
from harness.judge.people_answers import PeopleAnswers
from harness.model.journal_header import JournalHeader
from harness.model.people_answer import PeopleRecords
from harness.model.people_facts import PeopleAnswerFacts
from harness.model.signature import BY_NAME_ONLY
from harness.ports.storage import Journal


def stated_in(journal: Journal) -> PeopleRecords:
    """What people stated in a journal. Raises InstrumentError for a signature that is not valid."""
    stated = PeopleAnswers(journal.header.identity)
    for _ in stated.separate(journal.sentinels()):
        pass
    return stated.records


def signed_for(
    header: JournalHeader, stated: Iterable[PeopleAnswerFacts], identity: Path | None
) -> list[tuple[str, PeopleAnswerFacts]]:
    """Statements by their requirements, signed for the journal with the key in a file, if given."""
    from harness.signing import signature_of  # noqa: PLC0415 - cryptography is heavy

    if identity is None:
        return [(one.requirement, one) for one in stated]
    about = header.identity
    return [
        (one.requirement, structs.replace(one, signed=signature_of(one, about, identity)))
        for one in stated
    ]


def key_in(identity: Path | None) -> str | UnsetType:
    """The public key of the private one in a file; unset without a file."""
    from harness.signing import public_key_of  # noqa: PLC0415 - cryptography is heavy

    return UNSET if identity is None else public_key_of(identity)


def is_kept(one: PeopleAnswerFacts, key: str | UnsetType, records: PeopleRecords) -> bool:
    """Whether the last answer of a reviewer is the same, and signed with the same key if at all."""
    return any(
        (last.reviewer, last.key, last.at, last.said, last.documents, last.note, last.until)
        == (one.reviewer, key, one.at, one.said, one.documents, one.note, one.until)
        for last in records.about(one.requirement)
    )


def say_identity(identity: Path | None) -> None:
    """Say what statements lack that nobody signed."""
    if identity is None:
        say(f"{BY_NAME_ONLY}: not signed, which never grants an accreditation; {HOW_TO_SIGN}")
