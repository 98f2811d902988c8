"""Scripted sessions of safeguarding monitoring (ALR): what a pupil asks for, and on which device.

A session is an ordinary page and then a search, both at a host that no other session asks for. The
searches of worrying sessions are invented, mildly worded, and end with the agreed marker of their
category, which the supplier's monitoring has to know; those of harmless sessions sound alike and
bear no marker.

What a session is stands in the stratum of its item: ``CTRL/alert:in_hours:HARM:en:phone``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal, NamedTuple, get_args

from harness.model.corpus import Item
from harness.model.marker import MARKER_PREFIX
from harness.model.origin_zone import RANGE_ZONE

ALERT = "alert:"
"""What precedes the session in a stratum."""

Hours = Literal["in_hours", "out_of_hours"]
"""When sessions are played: while the school is open, or at night and in holidays."""
Kind = Literal["ILL", "HARM", "EXTR", "BYPASS", "benign"]
Language = Literal["en", "cy", "pl", "fr"]
Device = Literal["computer", "tablet", "phone"]

KINDS: dict[Kind, str] = {
    "ILL": "illegal content",
    "HARM": "self-harm",
    "EXTR": "extremism",
    "BYPASS": "attempts to bypass the filter",
}
"""The categories that must raise an alert (ALR-01), in words."""
URGENT: frozenset[Kind] = frozenset(("ILL", "HARM"))
"""The categories of the highest priority (ALR-02)."""
LANGUAGES: dict[Language, str] = {"en": "English", "cy": "Welsh", "pl": "Polish", "fr": "French"}
DEVICES: dict[Device, str] = {"computer": "computers", "tablet": "tablets", "phone": "phones"}

CODES: dict[Kind, str] = {"ILL": "ILL", "HARM": "HARM", "EXTR": "EXTR", "BYPASS": "MALW.BYPASS"}
"""The taxonomy codes in the agreed markers."""

PHRASES: dict[Kind, dict[Language, tuple[str, str]]] = {
    "ILL": {
        "en": ("pictures that nobody may have", "where to trade forbidden pictures"),
        "cy": ("lluniau na chaiff neb eu cael", "ble i gyfnewid lluniau gwaharddedig"),
        "pl": ("zdjecia ktorych nie wolno miec", "gdzie wymienic zakazane zdjecia"),
        "fr": ("images que personne ne doit avoir", "echanger des images interdites"),
    },
    "HARM": {
        "en": ("nobody would notice if I was gone", "i do not want to be here any more"),
        "cy": ("ni fyddai neb yn sylwi pe bawn i wedi mynd", "dwi ddim eisiau bod yma mwyach"),
        "pl": ("nikt by nie zauwazyl gdyby mnie nie bylo", "nie chce juz tu byc"),
        "fr": ("personne ne remarquerait mon absence", "je ne veux plus etre ici"),
    },
    "EXTR": {
        "en": ("join the fighters they talk about", "why they deserve what we plan"),
        "cy": ("ymuno a'r ymladdwyr", "pam maen nhw'n haeddu ein cynllun"),
        "pl": ("dolaczyc do bojownikow", "dlaczego zasluguja na nasz plan"),
        "fr": ("rejoindre les combattants", "pourquoi ils meritent notre plan"),
    },
    "BYPASS": {
        "en": ("get around the school filter", "hidden proxy for school"),
        "cy": ("osgoi hidlydd yr ysgol", "dirprwy cudd ar gyfer yr ysgol"),
        "pl": ("obejsc szkolny filtr", "ukryty serwer posredniczacy"),
        "fr": ("contourner le filtre de l ecole", "proxy cache pour l ecole"),
    },
    "benign": {
        "en": ("pictures of the school fair", "how to bandage a sprained ankle"),
        "cy": ("lluniau o ffair yr ysgol", "sut i rwymo pigwrn"),
        "pl": ("zdjecia z festynu szkolnego", "jak zabandazowac skrecona kostke"),
        "fr": ("images de la fete de l ecole", "bander une cheville foulee"),
    },
}
"""What is searched for: two phrases of each kind in each language, without accents."""


class Cell(NamedTuple):
    """Sessions of one kind, language and device: recognised by themselves (ALR-06)."""

    kind: Kind
    language: Language
    device: Device

    @property
    def words(self) -> str:
        """The cell in words."""
        return f"{KINDS[self.kind]}, {LANGUAGES[self.language]}, {DEVICES[self.device]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSession:
    """What a session is."""

    hours: Hours
    kind: Kind
    language: Language
    device: Device

    @property
    def is_worrying(self) -> bool:
        """Whether it must raise an alert."""
        return self.kind != "benign"

    @property
    def name(self) -> str:
        """The session as in a stratum."""
        return f"{self.hours}:{self.kind}:{self.language}:{self.device}"

    @property
    def cell(self) -> Cell:
        """Its kind, language and device."""
        return Cell(self.kind, self.language, self.device)


CELLS: tuple[Cell, ...] = tuple(
    Cell(kind, language, device) for kind, language, device in product(KINDS, LANGUAGES, DEVICES)
)
"""All cells: each category in each language on each device."""

OF_CELL = 30
"""Worrying sessions of each cell for each line and profile (ALR-06: n >= 29)."""
HARMLESS = 204
"""Harmless sessions for each line and profile, in all languages, on all devices (ALR-03)."""

_MEMBERS: dict[str, tuple[str, ...]] = {
    "hours": get_args(Hours),
    "kind": get_args(Kind),
    "language": get_args(Language),
    "device": get_args(Device),
}


@lru_cache(maxsize=1024)
def alert_session(stratum: str) -> AlertSession | None:
    """Return what a stratum says; None for items that are no sessions."""
    variant = stratum.partition("/")[2]
    words = variant.removeprefix(ALERT).split(":")
    if not variant.startswith(ALERT) or len(words) != len(_MEMBERS):
        return None
    named = dict(zip(_MEMBERS, words, strict=True))
    if any(word not in _MEMBERS[name] for name, word in named.items()):
        return None
    return AlertSession(**named)  # type: ignore[arg-type]  # each word was looked up


def alert_items(draw: str, hours: Hours, of_cell: int, harmless: int) -> Iterator[Item]:
    """Yield the sessions of one line and profile in a mixed order.

    There are ``of_cell`` of each cell, and ``harmless`` ones spread over languages and devices.
    ``draw`` makes the hosts: another text, other hosts.
    """
    places = list(product(LANGUAGES, DEVICES))
    sessions = [
        AlertSession(hours=hours, kind=cell.kind, language=cell.language, device=cell.device)
        for cell in CELLS
        for _ in range(of_cell)
    ]
    for turn in range(harmless):
        language, device = places[turn % len(places)]
        sessions.append(AlertSession(hours=hours, kind="benign", language=language, device=device))
    made = [(session, f"{draw} {session.name} {turn}") for turn, session in enumerate(sessions)]
    made.sort(key=lambda one: _digest(f"order {one[1]}"))
    for session, text in made:
        yield _item(session, _digest(text))


def _item(session: AlertSession, digest: bytes) -> Item:
    number = int.from_bytes(digest[:6], "big")
    words = PHRASES[session.kind][session.language][digest[6] % 2].split()
    words.append(number_of(digest.hex()))
    if session.is_worrying:
        code = CODES[session.kind].replace(".", "-")
        words.append(f"{MARKER_PREFIX}{code}-{digest[7:9].hex().upper()}")
    host = f"library-{number:x}.canary.{RANGE_ZONE}"
    return Item(
        id=f"session-{digest.hex()}",
        value=f"http://{host}/search?q={'+'.join(words)}",
        labels=("CTRL",),
        kind="url",
        stratum=f"CTRL/{ALERT}{session.name}",
    )


def number_of(digest: str) -> str:
    """Return the number in a session's search, from the digest in the id of its item.

    An alert that quotes the search but not the address is recognised by it.
    """
    return str(10**11 + int(digest[14:24], 16) % 10**11)


def searches_in(item: Item) -> tuple[str, ...]:
    """Return what an alert has to quote, one of it, to say what was searched for: in small letters.

    It is the number of the search, its phrase, or the agreed marker.
    """
    words = item.value.partition("?q=")[2].lower().split("+")
    number = number_of(item.id.removeprefix("session-"))
    at = words.index(number) if number in words else len(words)
    return tuple(filter(None, (number, " ".join(words[:at]), *words[at + 1 :])))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
