"""The vocabulary of block pages by language, read from ``vocabulary.toml``.

Words are kept by what they mean, not as sentences of known pages, so that a notice in other
words, from another network, is understood as well.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

SENTENCE_END = ".!?|。！？؟।"  # noqa: RUF001 - sentences end in many scripts
_GAP = f"[^{SENTENCE_END}]"
_AHEAD, _BEHIND = 90, 60
"""Characters between the page and what became of it, in either order."""
_FOLDED = {
    "\u200c": " ", "\u200f": "", "\u200e": "", "\u0640": "", "\u064a": "\u06cc",
    "\u0649": "\u06cc", "\u0643": "\u06a9", "\u0451": "\u0435", "\u2019": "'", "\u02bc": "'",
}  # fmt: skip
"""Marks of direction, joiners and letters that are written in two ways."""
_FOLDING = str.maketrans(_FOLDED)
_LATIN_END = 0x300
_NEVER = r"(?!)"
REQUIRED = frozenset({"page", "stopped"})
"""Keys that each language must have; the others may be left out."""
_OTHER_KEYS = ("direct", "basis", "reason", "conditional", "ask", "own", "article")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """The words of a language, compiled for folded text.

    ``statement`` finds a page and that it is stopped or unavailable, in one sentence;
    ``withheld`` either word, ``stopped`` the first alone. ``scripts`` are the blocks of Unicode
    (code point // 128) beyond Latin in which the language is written; none for Latin. One of
    its ``letters`` must stand in the text.
    """

    name: str
    scripts: frozenset[int]
    letters: re.Pattern[str]
    statement: re.Pattern[str]
    withheld: re.Pattern[str]
    stopped: re.Pattern[str]
    direct: re.Pattern[str]
    basis: re.Pattern[str]
    reason: re.Pattern[str]
    conditional: re.Pattern[str]
    ask: re.Pattern[str]
    own: re.Pattern[str]
    article: re.Pattern[str]


def fold(text: str) -> str:
    """Case-folded text (NFC) in which letters that are written in two ways are one."""
    return unicodedata.normalize("NFC", text).casefold().translate(_FOLDING)


def scripts_of(text: str) -> frozenset[int]:
    """The blocks of Unicode (code point // 128) beyond Latin that a text uses."""
    return frozenset(ord(letter) >> 7 for letter in set(text) if ord(letter) >= _LATIN_END)


@lru_cache(maxsize=1)
def vocabulary() -> tuple[Language, ...]:
    """The vocabulary that is shipped, compiled once."""
    text = files("harness.judge").joinpath("vocabulary.toml").read_text(encoding="utf-8")
    return read_vocabulary(tomllib.loads(text))


def read_vocabulary(document: dict[str, Any]) -> tuple[Language, ...]:
    """Compile a document of the form of ``vocabulary.toml``. Raises KeyError or re.error."""
    return tuple(_compile(part) for part in document["language"])


def _compile(part: dict[str, Any]) -> Language:
    start = "" if part.get("joined") else r"\b"

    def words(*keys: str) -> str:
        found = "|".join(fold(part[key]) for key in keys if key in REQUIRED or key in part)
        return f"{start}(?:{found})" if found else _NEVER

    page, withheld = f"(?:{words('page')}|[*])", words("stopped", "unavailable")
    statement = f"{page}{_GAP}{{0,{_AHEAD}}}?{withheld}|{withheld}{_GAP}{{0,{_BEHIND}}}?{page}"
    return Language(
        name=part["name"],
        scripts=scripts_of(words("page", "stopped")),
        letters=re.compile(fold(part.get("letters", ""))),
        statement=re.compile(statement),
        withheld=re.compile(withheld),
        stopped=re.compile(words("stopped")),
        **{key: re.compile(words(key)) for key in _OTHER_KEYS},
    )
