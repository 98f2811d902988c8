"""Put together what people said: the last answer of each reviewer, and the last declaration.

Names that may be those of one person, or one key under two names, are one reviewer, whose later
answer replaces the earlier one. Signatures are verified. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from harness.errors import InstrumentError
from harness.model.observation import Observation
from harness.model.people_answer import (
    PeopleAnswer,
    PeopleRecords,
    SupplierDeclaration,
)
from harness.model.people_facts import PeopleAnswerFacts, SupplierDeclarationFacts


class PeopleAnswers:
    """What people said in a journal, held in memory: there is little.

    ``journal`` is what their signatures are bound to (``JournalHeader.identity``).
    """

    def __init__(self, journal: tuple[str, ...] = ()) -> None:
        self._journal = journal
        self._stated: list[Observation] = []

    def separate(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Yield the other observations; keep what people stated."""
        for one in observations:
            if one.role == "people":
                self._stated.append(one)
            else:
                yield one

    @property
    def records(self) -> PeopleRecords:
        """The last answer of each reviewer about each requirement, and the last declaration.

        The last is the one that was recorded last, whatever time it states. Raises InstrumentError
        where a signature is not one of what was stated in this journal.
        """
        answers: list[PeopleAnswer] = []
        declaration: SupplierDeclaration | None = None
        for one in sorted(self._stated, key=lambda one: one.key.round):
            if isinstance(one.facts, PeopleAnswerFacts):
                _require_signature(one.facts, self._journal)
                earlier = _earlier(one.facts, answers)
                answers = [each for each in answers if each not in earlier]
                answers.append(_answer(one.facts, earlier))
            elif isinstance(one.facts, SupplierDeclarationFacts):
                declaration = SupplierDeclaration(
                    supplier=one.facts.supplier,
                    signed=one.facts.signed,
                    sha256=one.facts.sha256,
                    claims=one.facts.claims,
                )
        ordered = sorted(answers, key=lambda one: (one.requirement, one.at, one.reviewer))
        return PeopleRecords(answers=tuple(ordered), declaration=declaration)


def _require_signature(facts: PeopleAnswerFacts, journal: tuple[str, ...]) -> None:
    """Raise InstrumentError if there is a signature of something else, or for another journal."""
    if isinstance(facts.signed, msgspec.UnsetType):
        return
    from harness.signing import is_signature_of  # noqa: PLC0415 - cryptography is heavy

    if not is_signature_of(facts, journal):
        msg = (
            f"the signature of {facts.reviewer} about {facts.requirement} is not valid: the "
            "statement was changed, or is of another campaign or journal"
        )
        raise InstrumentError(msg)


def _earlier(facts: PeopleAnswerFacts, answers: Iterable[PeopleAnswer]) -> list[PeopleAnswer]:
    """The answers about the same requirement that may be of the same reviewer."""
    key = _key(facts)
    return [
        one
        for one in answers
        if one.requirement == facts.requirement and one.is_of_same_reviewer(facts.reviewer, key)
    ]


def _key(facts: PeopleAnswerFacts) -> str | msgspec.UnsetType:
    return msgspec.UNSET if isinstance(facts.signed, msgspec.UnsetType) else facts.signed.key


def _answer(facts: PeopleAnswerFacts, earlier: list[PeopleAnswer]) -> PeopleAnswer:
    return PeopleAnswer(
        requirement=facts.requirement,
        reviewer=facts.reviewer,
        at=facts.at,
        said=facts.said,
        documents=facts.documents,
        note=facts.note,
        until=facts.until,
        replaced=sum(one.replaced + 1 for one in earlier),
        key=_key(facts),
    )
