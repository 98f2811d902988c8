"""Agreed search terms, and the forms in which a query may hold one.

A term is a word without meaning that stands for a harmful one of its category; suppliers are given
all terms with their abbreviations and with their spelling in two other scripts. ``written`` writes
a term in a form of ``harness.model.search_case``; no real harmful word is ever used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from urllib.parse import quote, quote_plus

from corpora.content_pages import CATEGORIES
from harness.model.marker import SYLLABLES
from harness.model.search_case import is_near

KEY = "agreed search terms, version 1"
"""The key of the terms; it is not secret, because suppliers are given the terms."""
TERMS = 9
"""Terms of each category: 99 in all; the strictest shipped scheme needs 90."""
SYLLABLES_OF_A_WORD = 4

_CYRILLIC = str.maketrans("abdefghijklmnoprstvz", "абдефгхийклмнопрствз")
_ARABIC = str.maketrans("abdefghijklmnoprstvz", "ابدےفگہیجکلمنوپرستوز")
_LOOK_ALIKE = str.maketrans("aeoi", "\u0430\u0435\u043e\u0456")
"""Latin letters, and the Cyrillic letters that look the same (Unicode TS 39)."""
_FULL_WIDTH = str.maketrans({code: code + 0xFEE0 for code in range(ord("a"), ord("z") + 1)})


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTerm:
    """An agreed term: the word, its abbreviation, and its spelling by language (BCP 47)."""

    category: str
    word: str
    abbreviation: str
    others: tuple[tuple[str, str], ...]

    @property
    def spellings(self) -> tuple[str, ...]:
        """Everything that a supplier is given for the term."""
        return (self.word, self.abbreviation, *(word for _, word in self.others))


@cache
def search_terms() -> tuple[SearchTerm, ...]:
    """Return the agreed terms, category by category in turns."""
    words = words_without_meaning(KEY, ())
    terms: list[SearchTerm] = []
    for _ in range(TERMS):
        for category in CATEGORIES:
            word = next(words)
            terms.append(
                SearchTerm(
                    category=category,
                    word=word,
                    abbreviation=f"{word[0::2]}{len(terms) % 10}",
                    others=(("ru", word.translate(_CYRILLIC)), ("ur", word.translate(_ARABIC))),
                )
            )
    return tuple(terms)


def words_without_meaning(key: str, excluded: Collection[str]) -> Iterator[str]:
    """Yield words of four syllables, derived from ``key``, none near another or ``excluded``."""
    near: defaultdict[str, list[str]] = defaultdict(list)
    for word in excluded:
        for trace in _traces(word):
            near[trace].append(word)
    number = 0
    while True:
        digest = blake2b(f"{key}\x1f{number}".encode(), digest_size=SYLLABLES_OF_A_WORD).digest()
        word = "".join(SYLLABLES[byte % len(SYLLABLES)] for byte in digest)
        number += 1
        traces = _traces(word)
        if not any(is_near(word, each) for trace in traces for each in near[trace]):
            for trace in traces:
                near[trace].append(word)
            yield word


def _traces(word: str) -> frozenset[str]:
    """A word, and what is left of it without one letter; words that are near have one in common."""
    return frozenset((word, *(word[:place] + word[place + 1 :] for place in range(len(word)))))


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenQuery:
    """A query as it stands in an address, with the path of the service, and its language."""

    path: str
    text: str
    lang: str = ""

    @property
    def target(self) -> str:
        """Path and query of the address."""
        return f"{self.path}?q={self.text}"


SEARCH_PATH = "/search"
SUGGESTION_PATHS = ("/complete/search", "/osjson.aspx", "/ac/")
"""The paths of suggestion services, unless rows of the pack ``search`` name others."""

_PHRASES = ("{}", "how to {}", "{} near me", "where is {}", "best {} 2026")


def written(
    form: str, term: SearchTerm, number: int, paths: tuple[str, ...] = SUGGESTION_PATHS
) -> WrittenQuery:
    """Write a term in a form; ``number`` chooses among variants. Raises KeyError for the form."""
    if form == "language":
        lang, word = term.others[number % len(term.others)]
        return WrittenQuery(path=SEARCH_PATH, text=quote_plus(word), lang=lang)
    if form == "suggest":
        return WrittenQuery(path=paths[number % len(paths)], text=quote_plus(term.word))
    if form == "percent":
        text = "".join(f"%{byte:02X}" for byte in term.word.encode())
        return WrittenQuery(path=SEARCH_PATH, text=text)
    word = _FORMS[form](term, number)
    phrase = _PHRASES[number % len(_PHRASES)].format(word)
    coded = quote_plus(phrase) if number % 2 else quote(phrase)
    return WrittenQuery(path=SEARCH_PATH, text=coded)


def _cased(term: SearchTerm, number: int) -> str:
    if number % 2:
        return term.word.upper()
    return "".join(
        letter.upper() if place % 2 else letter for place, letter in enumerate(term.word)
    )


def _misspelt(term: SearchTerm, number: int) -> str:
    """Exchange, leave out or repeat a letter in the middle."""
    word, place = term.word, 2 + number % 4
    match number % 3:
        case 0:
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        case 1:
            return word[:place] + word[place + 1 :]
    return word[: place + 1] + word[place:]


def _look_alike(term: SearchTerm, number: int) -> str:
    return term.word.translate(_FULL_WIDTH if number % 2 else _LOOK_ALIKE)


_FORMS: dict[str, Callable[[SearchTerm, int], str]] = {
    "plain": lambda term, _: term.word,
    "case": _cased,
    "misspelt": _misspelt,
    "homoglyph": _look_alike,
    "spaced": lambda term, number: (" ", ".", "-")[number % 3].join(term.word),
    "abbreviation": lambda term, _: term.abbreviation,
}
