"""What independent reviewers agree on, and why they do not.

An answer counts if two reviewers give it and none gives another. Contradictory answers are reported
with both names, and none of them counts. No majority decides: a third reviewer cannot outvote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.model.people_answer import PeopleAnswer
from harness.model.people_question import CHOICES, REVIEWERS, UNKNOWN, Ask, Question, fault_of

UNNAMED = "no document is named that was looked at"


@dataclass(frozen=True, slots=True)
class Stated:
    """What the reviewers state of one thing that is asked; ``value`` is empty if it is open."""

    value: str
    why: str = ""


def stated_by_all(question: Question, answers: Sequence[PeopleAnswer]) -> dict[str, Stated]:
    """Return what the reviewers state, by the keys of a question. ``answers``: one of each."""
    return {one.key: _stated(one, answers) for one in question.asks}


def why_not_counted(answers: Sequence[PeopleAnswer]) -> str:
    """Why nothing that the reviewers answered counts; empty if it does."""
    names = " and ".join(one.reviewer for one in answers)
    if len(answers) < REVIEWERS:
        return f"only one reviewer answered ({names}): a second one has to, independently"
    for number, one in enumerate(answers):
        for other in answers[number + 1 :]:
            mine, theirs = _digests(one), _digests(other)
            if mine and theirs and not mine & theirs:
                return (
                    f"{one.reviewer} and {other.reviewer} looked at different documents "
                    f"({_short(mine)}; {_short(theirs)}): neither answer counts"
                )
    return ""


def _digests(answer: PeopleAnswer) -> set[str]:
    return {each.sha256 for each in answer.documents if each.sha256}


def _short(digests: set[str]) -> str:
    return ", ".join(f"SHA-256 {each[:12]}" for each in sorted(digests)[:3])


def _stated(ask: Ask, answers: Sequence[PeopleAnswer]) -> Stated:
    said = [(one.reviewer, _value(ask, one)) for one in answers]
    known = [(reviewer, value) for reviewer, value in said if value != UNKNOWN]
    values = {value for _, value in known}
    if len(values) > 1:
        words = " and ".join(f"{reviewer} says {value!r}" for reviewer, value in known)
        neither = "neither answer counts" if len(known) == REVIEWERS else "no answer counts"
        return Stated(value="", why=f"the reviewers contradict each other: {words}; {neither}")
    if len(known) < REVIEWERS:
        unsaid = ", ".join(reviewer for reviewer, value in said if value == UNKNOWN)
        return Stated(value="", why=f"{unsaid} could not say it")
    value = known[0][1]
    unnamed = [one.reviewer for one in answers if not one.documents]
    if unnamed and value != CHOICES["document"][1]:
        return Stated(value="", why=f"{UNNAMED} ({', '.join(unnamed)})")
    return Stated(value=value)


def _value(ask: Ask, answer: PeopleAnswer) -> str:
    """What a reviewer said, as it is written; unknown if it was not asked then, or cannot be."""
    try:
        value = ask.read(answer.said.get(ask.key, UNKNOWN))
    except ValueError:
        return UNKNOWN
    return UNKNOWN if fault_of(ask, value, answer.at) else value
