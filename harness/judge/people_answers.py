"""Put together what people said: the last answer of each reviewer, and the last declaration.

Names of reviewers that differ only in letter case, spaces or forms of the same letters are one
reviewer, whose later answer replaces the earlier one. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.model.observation import Observation
from harness.model.people_answer import (
    PeopleAnswer,
    PeopleRecords,
    SupplierDeclaration,
    same_reviewer,
)
from harness.model.people_facts import PeopleAnswerFacts, SupplierDeclarationFacts


class PeopleAnswers:
    """What people said in a journal, held in memory: there is little."""

    def __init__(self) -> None:
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

        The last is the one that was recorded last, whatever time it states.
        """
        answers: dict[tuple[str, str], PeopleAnswer] = {}
        declaration: SupplierDeclaration | None = None
        for one in sorted(self._stated, key=lambda one: one.key.round):
            if isinstance(one.facts, PeopleAnswerFacts):
                place = (one.facts.requirement, same_reviewer(one.facts.reviewer))
                answers[place] = _answer(one.facts, answers.get(place))
            elif isinstance(one.facts, SupplierDeclarationFacts):
                declaration = SupplierDeclaration(
                    supplier=one.facts.supplier,
                    signed=one.facts.signed,
                    sha256=one.facts.sha256,
                    claims=one.facts.claims,
                )
        ordered = sorted(answers.values(), key=lambda one: (one.requirement, one.at, one.reviewer))
        return PeopleRecords(answers=tuple(ordered), declaration=declaration)


def _answer(facts: PeopleAnswerFacts, earlier: PeopleAnswer | None) -> PeopleAnswer:
    return PeopleAnswer(
        requirement=facts.requirement,
        reviewer=facts.reviewer,
        at=facts.at,
        said=facts.said,
        documents=facts.documents,
        note=facts.note,
        until=facts.until,
        replaced=0 if earlier is None else earlier.replaced + 1,
    )
