"""What people are asked about a requirement that only they can judge, and how answers are written.

The questions are data (``harness/schemes/questions``). A person states facts, such as the date of a
record or that a document is there; what follows from them is computed. Only where nothing can be
computed is a person asked for a judgement, with a reason in words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.model.declared import Declared
from harness.model.scheme import RuleCode

UNKNOWN = "unknown"
"""An answer of every kind: it cannot be said. It never counts in favour of the service."""

REVIEWERS = 2
"""How many people have to answer independently (METHOD (a): EVID, document, two reviewers)."""

Method = Literal["examine", "interview", "test"]
"""How people know it: from documents, from a conversation, by trying it (OSCAL 1.2 methods)."""

AskKind = Literal["document", "check", "judgement", "number", "day", "time", "times", "keys"]

CHOICES: dict[str, tuple[str, str]] = {
    "document": ("present", "missing"),
    "check": ("yes", "no"),
    "judgement": ("adequate", "not adequate"),
}
"""The two answers of the kinds that have only these, the first in favour of what is asked."""

MOST_IN_LIST = 50
LARGEST = 1e12
_KEY = re.compile(r"[0-9a-f]{64}")

Sentence = Annotated[str, Field(min_length=1, max_length=600)]


class Ask(Declared):
    """One thing that is asked, and what is required of it.

    ``key`` names it in files. The answer of the ``figure`` is compared with the threshold of the
    scheme; of others ``wanted`` is required of a check, ``at_least`` and ``below`` of a number,
    and at most ``within_days`` between a day and the answer. The age of a figure that is a time
    counts until the time that ``read_at`` names, that of a day until the day of the answer.
    """

    key: Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,30}$")]
    kind: AskKind
    words: Sentence
    help: str = ""
    method: Method = "examine"
    figure: bool = False
    wanted: Literal["yes", "no"] = "yes"
    at_least: float | None = None
    below: float | None = None
    within_days: int | None = None
    read_at: str = ""
    least: Annotated[int, Field(ge=1, le=MOST_IN_LIST)] = 1

    @property
    def form(self) -> str:
        """How the answer is written."""
        if self.kind in CHOICES:
            return ", ".join((*CHOICES[self.kind], UNKNOWN))
        several = f", at least {self.least}, separated by commas" if self.least > 1 else ""
        return f"{_FORMS[self.kind]}{several}, or {UNKNOWN}"

    def read(self, text: str) -> str:
        """Return an answer as it is recorded. Raises ValueError that says how it is written."""
        words = " ".join(text.split()).lower()
        if words == UNKNOWN:
            return UNKNOWN
        if self.kind in CHOICES:
            if words not in CHOICES[self.kind]:
                raise ValueError(self.form)
            return words
        parts = [part.strip() for part in words.split(",")] if self.kind in _LISTS else [words]
        try:
            values = [_READERS[self.kind](part) for part in parts]
        except (ValueError, OverflowError):
            raise ValueError(self.form) from None
        if not self.least <= len(values) <= MOST_IN_LIST:
            raise ValueError(self.form)
        return ", ".join(values)


class Question(Declared):
    """What people are asked about one requirement of the catalogue.

    ``metric`` is that of the requirement. ``question`` and ``look_at`` are for the assessor. The
    evidence counts for ``valid_days`` after the day that ``valid_from`` names, or after the answer.
    With ``is_part`` the metric has more that is measured, and the answers are one condition of it.
    """

    requirement: RuleCode
    metric: str
    question: Sentence
    look_at: Annotated[str, Field(min_length=1, max_length=1200)]
    valid_days: Annotated[int, Field(ge=1, le=3660)]
    valid_from: str = ""
    is_part: bool = False
    asks: Annotated[tuple[Ask, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _keys_are_known(self) -> Question:
        keys = [one.key for one in self.asks]
        if len(set(keys)) < len(keys):
            msg = "a key of 'asks' is used twice"
            raise ValueError(msg)
        for name in (self.valid_from, *(one.read_at for one in self.asks)):
            if name and name not in keys:
                msg = f"no key of 'asks' is {name!r}"
                raise ValueError(msg)
        if len([one for one in self.asks if one.figure]) > 1:
            msg = "only one of 'asks' can be the figure"
            raise ValueError(msg)
        return self

    @property
    def figure(self) -> Ask | None:
        """What is compared with the threshold; ``None`` where conditions are counted."""
        return next((one for one in self.asks if one.figure), None)

    @property
    def methods(self) -> tuple[Method, ...]:
        """How people know the answers, without repetition."""
        return tuple(dict.fromkeys(one.method for one in self.asks))

    def ask(self, key: str) -> Ask | None:
        """What a key asks for; ``None`` if there is no such key."""
        return next((one for one in self.asks if one.key == key), None)


def day_of(text: str) -> date:
    """The day that an answer states. Raises ValueError."""
    return date.fromisoformat(text)


def times_of(text: str) -> tuple[datetime, ...]:
    """The times that an answer states, in order. Raises ValueError."""
    return tuple(sorted(datetime.fromisoformat(part) for part in text.split(", ")))


def fault_of(ask: Ask, value: str, at: datetime) -> str:
    """Why a recorded answer cannot be right at the time it was given; empty if it can."""
    if value == UNKNOWN:
        return ""
    if ask.kind == "day" and day_of(value) > at.astimezone(UTC).date():
        return f"{value} is later than the answer"
    if ask.kind in ("time", "times") and times_of(value)[-1] > at:
        return f"{times_of(value)[-1].isoformat()} is later than the answer"
    return ""


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat()


def _time(text: str) -> str:
    found = datetime.fromisoformat(text.upper())
    if found.tzinfo is None:
        raise ValueError(text)
    return found.astimezone(UTC).isoformat()


def _number(text: str) -> str:
    number = float(text)
    if not (math.isfinite(number) and 0 <= number <= LARGEST):
        raise ValueError(text)
    return f"{number:.15g}"


def _key(text: str) -> str:
    digits = text.replace(":", "").removeprefix("sha256")
    if not _KEY.fullmatch(digits):
        raise ValueError(text)
    return digits


_READERS: dict[str, Callable[[str], str]] = {
    "number": _number, "day": _day, "time": _time, "times": _time, "keys": _key,
}  # fmt: skip
_LISTS = frozenset({"times", "keys"})
_FORMS = {
    "number": "a number",
    "day": "a day such as 2026-11-24",
    "time": "a time such as 2026-11-24T12:00:00Z",
    "times": "times such as 2026-11-24T12:00:00Z",
    "keys": "SHA-256 of the public key, 64 hexadecimal digits",
}
