"""Compare the names of persons, and of organisations, that are written in different ways.

Order ("Governor, A."), punctuation, titles, additions in brackets, an organisation behind a name,
blanks, invisible letters and letters that look alike make no difference. A wrong match costs a
second look; a missed one lets one person count as two. So doubt counts as a match.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

LOOK_ALIKES = {
    # Cyrillic, Greek, Armenian and special Latin letters, after case folding
    **dict(zip("авеікмнорстухѕјԁԛԝһӏѵ", "abeikmhopctyxsjdqwhlv", strict=True)),
    **dict(zip("αβεζηικμνορτυχγ", "abezhikmnoptyxy", strict=True)),
    **dict(zip("ոսհօıłøđɡɑ", "nuhoilodga", strict=True)),
}
"""Letters that look like a Latin one in either case (Unicode UTS #39, confusables)."""

INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u0640")
"""Letters that are invisible or have no shape: Hangul fillers, and the Arabic tatweel."""

TITLES = frozenset({
    "dr", "doctor", "mr", "mrs", "ms", "miss", "mx", "prof", "professor", "sir", "dame", "lord",
    "lady", "rev", "reverend", "herr", "frau", "mme", "mlle", "madame", "monsieur", "esq", "phd",
    "msc", "bsc", "mba", "obe", "mbe", "cbe", "jr", "sr",
})  # fmt: skip
"""Words before or after a name that are no part of it."""

COMPANY_WORDS = {
    **dict.fromkeys(("limited", "ltd"), "ltd"),
    **dict.fromkeys(("incorporated", "inc"), "inc"),
    **dict.fromkeys(("corporation", "corp"), "corp"),
    **dict.fromkeys(("company", "co"), "co"),
    **{word: word for word in ("plc", "llc", "llp", "lp", "gmbh", "ag", "bv", "nv", "sarl", "cic")},
}
"""The legal forms that end the name of an organisation, each with its short form."""

_DOTTED = re.compile(r"\bph\.d\b|\b(?:\w\.){2,}(?!\w)|\b(?:\w\.)+\w\b")
"""Letters with dots between them: "Ph.D.", "p.l.c."."""
_BRACKETED = re.compile(r"\([^()]*(?:\)|\Z)|\[[^][]*(?:\]|\Z)|\{[^{}]*(?:\}|\Z)")
_DIVIDED = re.compile(r"[,;/|@]|\s[-\u2013\u2014]+\s|\s(?:of|at|from|for)\s")
"""What stands between a name and what is added to it, or between surname and first name."""


class _Words(NamedTuple):
    """The words of a name without what does not count, and those before the first division."""

    every: tuple[str, ...]
    first: tuple[str, ...] = ()


def identity_of(name: str) -> str:
    """The normalised name: its words in order of the alphabet; empty without a letter or digit.

    Two names of one person may still differ in it: see ``is_same_person``.
    """
    return "".join(sorted(_words_of(name).every))


def is_same_name(one: str, other: str) -> bool:
    """Whether two names may be written for the same person or organisation.

    A name without letters is nobody's.
    """
    return not _forms(one).isdisjoint(_forms(other))


def organisation_of(name: str) -> str:
    """The normalised name of an organisation or product without its legal form, for hints.

    "ACME  ltd.", "Acme Limited" and "Acme" give the same. Other organisations may share it.
    """
    words = [word for part in _parts_of(name) for word in part]
    plain = [word for word in words if word not in COMPANY_WORDS] or words
    return "".join(sorted(plain))


def is_of_organisation(name: str, organisation: str) -> bool:
    """Whether a name is that of an organisation, or says that the person is of it."""
    wanted = organisation_of(organisation)
    parts = [name, *_DIVIDED.split(re.sub(r"[()\[\]{}]", ",", name))]
    return bool(wanted) and any(organisation_of(part) == wanted for part in parts)


@lru_cache(maxsize=4096)
def _forms(name: str) -> frozenset[str]:
    """The forms of a name: two names with one in common may be the same."""
    words = _words_of(name)
    found = {form for each in (words.every, words.first) for form in _forms_of(each)}
    return frozenset(found - {""})


def _forms_of(words: tuple[str, ...]) -> Iterator[str]:
    yield "".join(sorted(words))
    yield _least_rotation("".join(words))


def _least_rotation(text: str) -> str:
    """The first, by the alphabet, of all rotations of a text: where words begin does not count."""
    return min((text[at:] + text[:at] for at in range(len(text))), default="")


@lru_cache(maxsize=4096)
def _words_of(name: str) -> _Words:
    """The words of a name, folded, without titles, additions, and the organisation behind it."""
    parts = _parts_of(name)
    persons = [part for part in parts if len(part) == 1 or part[-1] not in COMPANY_WORDS]
    chosen = [_without_titles(part) for part in persons or parts]
    chosen = [part for part in chosen if part] or parts
    every = tuple(_short_forms([word for part in chosen for word in part]))
    first = tuple(_short_forms(chosen[0])) if len(chosen) > 1 and len(chosen[0]) > 1 else ()
    return _Words(every, first)


def _parts_of(name: str) -> list[list[str]]:
    """The words of a name, folded, in parts that something divides, without what is in brackets."""
    composed = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    folded = "".join(letter for letter in composed if unicodedata.category(letter) != "Cf")
    text = _without_brackets(_DOTTED.sub(lambda found: found[0].replace(".", ""), folded))
    return _joined_forms([part for each in _DIVIDED.split(text) if (part := _split(each))])


def _joined_forms(parts: list[list[str]]) -> list[list[str]]:
    """Parts in which a legal form alone ("Acme, Inc.") belongs to the part before it."""
    joined: list[list[str]] = []
    for part in parts:
        if joined and all(word in COMPANY_WORDS for word in part):
            joined[-1] = [*joined[-1], *part]
        else:
            joined.append(part)
    return joined


def _without_brackets(text: str) -> str:
    """A text without what is in brackets, unless nothing else is left."""
    before = ""
    found = text
    while found != before:
        before, found = found, _BRACKETED.sub(" ", found)
    return found if _split(found) else text


def _without_titles(words: list[str]) -> list[str]:
    return [word for word in words if word not in TITLES]


def _short_forms(words: list[str]) -> Iterator[str]:
    """The words, with the legal form of an organisation in its short form."""
    if not words:
        return
    yield words[0]
    yield from (COMPANY_WORDS.get(word, word) for word in words[1:])


def _split(text: str) -> list[str]:
    """The words of a folded text: letters and digits, without accents, and look-alikes replaced."""
    words: list[str] = [""]
    for letter in unicodedata.normalize("NFKD", text):
        kind = unicodedata.category(letter)
        if _counts(letter) and (words[-1] or kind[0] != "M"):
            words[-1] += LOOK_ALIKES.get(letter, letter)
        elif kind[0] in "ZPS" or kind == "Cc":
            words.append("")
    return [unicodedata.normalize("NFKD", word) for word in words if word]


def _counts(letter: str) -> bool:
    if letter in INVISIBLE:
        return False
    kind = unicodedata.category(letter)[0]
    return kind in "LN" or (kind == "M" and not _is_accent(letter))


def _is_accent(letter: str) -> bool:
    """Whether a mark is an accent or variation selector, which is ignored; vowel signs count."""
    return (
        "\u0300" <= letter <= "\u036f"
        or "\ufe00" <= letter <= "\ufe0f"
        or "\U000e0100" <= letter <= "\U000e01ef"
        or "\u180b" <= letter <= "\u180f"
    )


class Person(NamedTuple):
    """The name of a person, and the account that the person signed in with; empty without one."""

    name: str
    account: str = ""


def actor_name(name: str, account: str) -> str:
    """How a person who signed in is written in events: ``Ann Lee <3f0c12ab45de>``.

    The account stays while the name may change; ``is_same_person`` compares both.
    """
    plain = " ".join(name.replace("<", " ").replace(">", " ").split())
    return f"{plain} <{account[:ACCOUNT_LETTERS]}>"


ACCOUNT_LETTERS = 12
"""How many letters of an account's id are written in events."""

_WITH_ACCOUNT = re.compile(r"([^<>]*)<([^<>]+)>\s*")


def person_in(actor: str) -> Person:
    """The person whom the actor of an event names (``actor_name``)."""
    found = _WITH_ACCOUNT.fullmatch(actor)
    return Person(found[1].strip(), found[2].strip()) if found else Person(actor)


def shown_name(actor: str) -> str:
    """The name of an actor for people: without the account."""
    return person_in(actor).name or actor


def is_same_person(one: str, other: str) -> bool:
    """Whether two actors may be the same person; a name without letters never is.

    Of persons who signed in, neither the same name nor the same account belongs to two.
    """
    first, second = person_in(one), person_in(other)
    is_one_account = bool(first.account) and first.account == second.account
    return is_one_account or is_same_name(first.name, second.name)


def find_person(name: str, among: Iterable[str]) -> str | None:
    """The first of the names that may belong to the same person, or ``None``."""
    return next((other for other in among if is_same_person(name, other)), None)
