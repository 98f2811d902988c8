"""Find the sentence in which a page says that access was denied, in any language, and weigh it.

A sentence counts if it contains a word for *page* and a word for *stopped*. It counts more if it
addresses the reader about his own request, and if it names on whose behalf. Marks of news, forums,
manuals, shops, and of origins that refuse clients themselves count against it.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from itertools import chain, islice
from math import sqrt
from typing import Any

SENTENCE_END = ".!?|。！？؟।"  # noqa: RUF001 - sentences end in many scripts
_GAP = f"[^{SENTENCE_END}]"
_AHEAD, _BEHIND = 90, 60
"""Characters between the words for *page* and *stopped*, in either order."""
_FOLDED = {
    "\u200c": " ", "\u200f": "", "\u200e": "", "\u0640": "", "\u064a": "\u06cc",
    "\u0649": "\u06cc", "\u0643": "\u06a9", "\u0451": "\u0435", "\u2019": "'", "\u02bc": "'",
}  # fmt: skip
"""Marks of direction, joiners, and letters that are written in two ways."""
_FOLDING = str.maketrans(_FOLDED)
_LATIN_END = 0x300
_NEVER = r"(?!)"
REQUIRED = frozenset({"page", "stopped"})
"""Keys that each language must have; the others are optional."""
_OTHER_KEYS = ("direct", "basis", "reason", "conditional", "ask", "own", "article")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """The words of a language, compiled for folded text.

    ``statement`` finds *page* and *stopped* or *unavailable* in one sentence; ``withheld`` finds
    either of the last two, ``stopped`` only the first. ``scripts`` are the Unicode blocks (code
    point // 128) beyond Latin in which the language is written; empty for Latin. One of its
    ``letters`` must be in the text.
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
    """Case-fold text (NFC), and unify letters that are written in two ways."""
    return unicodedata.normalize("NFC", text).casefold().translate(_FOLDING)


def scripts_of(text: str) -> frozenset[int]:
    """Return the Unicode blocks (code point // 128) beyond Latin that a text uses."""
    return frozenset(ord(letter) >> 7 for letter in set(text) if ord(letter) >= _LATIN_END)


@lru_cache(maxsize=1)
def vocabulary() -> tuple[Language, ...]:
    """Return the vocabulary of the package, compiled once."""
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


STATED, DIRECT, BASIS, REASON = 1.5, 1.5, 1.0, 1.0
"""Weights of a sentence that states a block, that addresses the reader, that says *under* or *by
order of*, and that names on whose behalf; BASIS counts only together with a reason."""
REVERSED = 0.5
"""Weight subtracted where the word for *stopped* comes first: *blocked sites* states nothing."""
NEAR, ASK = 0.5, 1.0
"""NEAR: weight of a title that says so, of words to the reader or a reason in another sentence, of
a statement near the start, of a brief page. ASK: weight of naming whom to contact."""
FIRST, BRIEF = 60, 400
"""Position up to which a statement is near the start, and length up to which a page is brief."""
OWN, ARTICLE_FIRST, ARTICLE = 2.5, 1.0, 1.5
"""Weights subtracted for each message of an origin's own, and for the first and each further mark
of an article."""
KINDRED = 1.0
"""Difference of weights up to which a text may be in either of two languages."""
OPENING, WHOLE = 900, 2500
"""Characters of text within which a notice says what it is, and within which it says the rest."""
AROUND, TRIED = 220, 12
"""Characters of a sentence before and after a match that are read, and the most matches read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a page says of itself. ``start``: the position of the statement in title and text.

    ``speaks``: it addresses the reader, gives grounds, or is in the title; other sentences may be
    about something else. ``leads``: the title addresses the reader and is no question, so that
    further text may be that of a portal. ``against``: the weight of what speaks against it.
    """

    weight: float = 0.0
    speaks: bool = False
    leads: bool = False
    against: float = 0.0
    start: int = 0
    says: str = ""


SILENT = Statement()
_ERRORS = re.compile(
    r"\b(?:ftp|urn|hostname|time-?out|timed out|socket|content-length|url-path|double-escape|"
    r"only-if-cached|errno|stack trace|exception)\b"
)
"""Words of servers' own errors, in every language."""


def read_statement(title: str, text: str) -> Statement:
    """Return the strongest statement in any language, with all that counts for and against it."""
    head = fold(title)
    opening = f"{head} . {fold(text[:OPENING])}"
    scripts = scripts_of(opening)
    found = [
        _in_language(language, head, opening, text)
        for language in vocabulary()
        if (not language.scripts or language.scripts & scripts)
        and language.letters.search(opening)
        and language.withheld.search(opening)
    ]
    best = max(found, key=lambda one: (one.weight, -one.start), default=SILENT)
    if not best.weight:
        return SILENT
    kindred = (one for one in found if not one.weight or one.weight >= best.weight - KINDRED)
    against = max(one.against for one in kindred)
    return replace(best, against=against)


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence that states a block: its weight, its match, and what it contains."""

    weight: float
    match: re.Match[str]
    direct: bool
    reason: bool
    basis: bool


def _in_language(language: Language, head: str, opening: str, text: str) -> Statement:
    sentences = [
        sentence
        for match in islice(_matches(language.statement, opening), TRIED)
        if (sentence := _weigh(language, opening, match)) is not None
    ]
    against = _against(language, opening)
    if not sentences:
        return Statement(against=against)
    best = max(sentences, key=lambda sentence: sentence.weight)  # the first of equals
    start, after = best.match.start(), opening[best.match.end() :][:AROUND]
    grounds = best.basis or bool(language.basis.search(after) and language.reason.search(after))
    speaks = best.direct or grounds
    titled = language.stopped.search(head) is not None
    near = (
        titled,
        not best.direct and language.direct.search(opening) is not None,
        not best.reason and language.reason.search(opening) is not None,
        grounds and not best.basis,
        speaks and start <= len(head) + FIRST,
        speaks and len(text) <= BRIEF,
    )
    asks = language.ask.search(fold(text[:WHOLE])) is not None
    return Statement(
        weight=best.weight + NEAR * sum(near) + ASK * asks,
        speaks=speaks or titled,
        leads=best.direct and start < len(head) and "?" not in head,
        against=against,
        start=start,
        says=f"it says in {language.name} that the page is stopped: {best.match.group(0)[:80]!r}",
    )


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """All matches that begin at different positions, including overlapping ones."""
    match = pattern.search(text)
    while match is not None:
        yield match
        match = pattern.search(text, match.start() + 1)


def _weigh(language: Language, opening: str, match: re.Match[str]) -> _Sentence | None:
    """Weigh a sentence; None if it is conditional, or says *unavailable* without a reason."""
    before, after = _around(opening, match)
    if language.conditional.search(before.rpartition(":")[2] + match.group(0)):
        return None
    sentence = f"{before}{match.group(0)}{after}"
    reason = language.reason.search(sentence) is not None
    basis = reason and language.basis.search(sentence) is not None
    if not basis and not language.stopped.search(match.group(0)):
        return None
    direct = language.direct.search(sentence) is not None
    weight = STATED + DIRECT * direct + REASON * reason + BASIS * basis
    weight -= REVERSED * (
        not direct and language.withheld.match(opening, match.start()) is not None
    )
    return _Sentence(weight, match, direct, reason, basis)


def _against(language: Language, opening: str) -> float:
    own = {
        found.group(0) for found in chain(language.own.finditer(opening), _ERRORS.finditer(opening))
    }
    talk = {found.group(0) for found in language.article.finditer(opening)}
    return OWN * len(own) + (ARTICLE_FIRST + ARTICLE * (len(talk) - 1) if talk else 0.0)


def _around(text: str, match: re.Match[str]) -> tuple[str, str]:
    """The rest of the sentence before and after a match, at most AROUND characters each."""
    before = text[max(0, match.start() - AROUND) : match.start()]
    after = text[match.end() : match.end() + AROUND]
    first = max(before.rfind(end) for end in SENTENCE_END) + 1
    ends = [place for end in SENTENCE_END if (place := after.find(end)) >= 0]
    return before[first:], after[: min(ends, default=AROUND)]


SHARES = ((1300, 1.0), (2600, 0.7), (5000, 0.4))
"""Share of a weight that counts, by characters of text: long texts are usually articles."""
LEAST_SHARE = 0.2
WEIGHED_OPENING, FIRST_SHARE, STATED_SHARE = 200, 0.5, 0.9
"""A notice on top of a long page is within so many characters; the shares of a sign and of a
statement there."""
MOST_SAID = 5.0
"""Most that signs in title and opening weigh together."""
LEAST_SIGNS, LEAST_STATEMENT, MOST_UNSAID = 2.0, 2.5, 2.0
"""Weights of signs and of a statement from which a page says that it is stopped, and the most that
its words weigh otherwise."""
TALK_FIRST, TALK, MOST_TALK = 0.5, 2.0, 2.0
"""Weight subtracted for the first and for each further mark of ordinary text, and the most that is
subtracted where the title addresses the reader (portals surround it with menus)."""
WHOLE_WEIGHT = frozenset({"address", "header", "bare"})
"""Places whose signs count in full, however long the text is."""


def length_share(length: int) -> float:
    """Return the share of a weight that counts in a text of ``length`` characters, 0 to 1."""
    return next((share for most, share in SHARES if length <= most), LEAST_SHARE)


def sign_share(place: str, share: float, start: int) -> float:
    """Return how much of a sign counts, 0 to 1: less in a long text, except near its start.

    ``start`` counts characters from the end of the title.
    """
    if place in WHOLE_WEIGHT:
        return 1.0
    return max(share, FIRST_SHARE) if place != "text" and start <= WEIGHED_OPENING else share


def word_weight(weighed: Mapping[str, float], stated: Statement, share: float, start: int) -> float:
    """Return the weight of a page's words, limited unless they say that the page is stopped.

    ``weighed`` has the weight of the signs by place. Signs in title and opening repeat the
    statement, so only the stronger of the two counts.
    """
    signs = weighed["title"] + weighed["opening"]
    statement = stated.weight * (
        STATED_SHARE if start <= WEIGHED_OPENING and share < 1 else sqrt(share)
    )
    weight = max(min(signs + weighed["grounds"], MOST_SAID), statement) + weighed["text"]
    says_so = signs >= LEAST_SIGNS or (stated.speaks and statement >= LEAST_STATEMENT)
    return weight if says_so else min(weight, MOST_UNSAID)


def talk_weight(marks: int, stated: Statement) -> float:
    """Return the weight to subtract for ``marks`` different marks of ordinary text."""
    talked = TALK_FIRST + TALK * (marks - 1) if marks else 0.0
    return min(talked, MOST_TALK) if stated.leads else talked
