"""Load the questions that people are asked: ``questions/people.yaml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from harness.model.people_question import Question
from harness.schemes.parsed import read_quickly
from harness.yaml_reader import validate

PEOPLE = Path(__file__).parent / "questions/people.yaml"


@cache
def questions() -> dict[str, Question]:
    """All questions by the requirement of the catalogue that they are about, in order."""
    document = read_quickly(PEOPLE)
    found = [
        validate(document, Question, data, (position,))
        for position, data in enumerate(document.data)
    ]
    return {one.requirement: one for one in found}


@cache
def question_of(metric: str) -> Question | None:
    """The question whose answers a metric rests on; ``None`` if people are asked nothing."""
    return next((one for one in questions().values() if one.metric == metric), None)
