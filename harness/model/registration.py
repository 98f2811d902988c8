"""Which campaign of a service this is, and how the earlier ones ended: every try counts.

It is computed from the events of the registry (``harness.model.registration_event``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from harness.errors import first_of

ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
)  # fmt: skip
TEENS = (11, 12, 13)
NAMED = 3
"""How many campaigns a sentence names for each way in which they ended."""

PRACTICE = "not registered before its first packet: practice, on which no decision rests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """An earlier campaign of a service, and how it ended in words, such as "did not conform"."""

    campaign: str
    at: datetime
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Of a campaign: which one it is of the service, version and scheme, and the earlier ones.

    ``number`` counts from 1; 0: it was not registered, or is not on record here. ``subject`` names
    service, version and scheme. ``starts`` counts how often measuring was started.
    """

    number: int = 0
    subject: str = ""
    starts: int = 0
    at: datetime | None = None
    earlier: tuple[Try, ...] = ()

    @property
    def sentence(self) -> str:
        """All of it in one sentence, without a stop at its end."""
        if not self.number:
            return PRACTICE
        said = f"{_ordinal(self.number)} registered campaign of {self.subject}"
        if self.starts > 1:
            said += f", started {self.starts} times"
        return "; ".join((said, *_ends(self.earlier)))


NOT_REGISTERED = Registration()


def _ordinal(number: int) -> str:
    if number <= len(ORDINALS):
        return ORDINALS[number - 1]
    endings = {1: "st", 2: "nd", 3: "rd"}
    is_teen = number % 100 in TEENS
    return f"{number}{'th' if is_teen else endings.get(number % 10, 'th')}"


def _ends(earlier: tuple[Try, ...]) -> Iterable[str]:
    """Yield how the earlier ones ended, those that ended alike together."""
    for end in dict.fromkeys(each.end for each in earlier):
        names = [each.campaign for each in earlier if each.end == end]
        which = "the one before" if len(earlier) == 1 else f"{len(names)} before"
        yield f"{which} {end} ({first_of(names, NAMED)})"
