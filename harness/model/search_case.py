"""Cases of search: how an engine is locked, ways to turn its lock off, and forms of a query.

A lock (safe search) is what a service adds to requests so that an engine leaves out part of its
results. Strata name the cases: ``LOC.SRCH/lock:parameter:SV-003`` is an engine that is locked by a
parameter, made by the row SV-003 of the pack ``search``. ``is_near`` recognises a misspelt word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple
from urllib.parse import parse_qsl

LockKind = Literal["parameter", "header", "cookie", "dns", "none"]

LOCK, OPT_OUT, OPEN, VIDEO, QUERY, RESULTS = (
    "lock", "optout", "open", "video", "query", "results",
)  # fmt: skip
"""The groups of cases: what precedes the first colon of a variant."""

GROUPS = frozenset({LOCK, OPT_OUT, OPEN, VIDEO, QUERY, RESULTS})

LOCK_KINDS: dict[str, str] = {
    "parameter": "an engine locked by a parameter",
    "header": "an engine locked by a request header",
    "cookie": "an engine locked by a cookie",
}
"""Kinds of locks that must be tried, with words for people."""

BY_NAME: Final = "dns"
LOCKED_BY_NAME = "an engine locked by its DNS answer"
"""The kind of lock that name servers set; it must be tried where a name server is asked."""

OPT_OUTS: dict[str, str] = {
    "parameter": "turned off by a parameter",
    "twice": "turned off by a second parameter of the same name",
    "cookie": "turned off by a cookie",
    "account": "turned off by an account",
    "country": "turned off by the engine's host for another country",
}
"""Ways to turn a lock off that must be tried, with words for people."""

COOKIES: dict[str, str] = {"cookie": "safesearch=off", "account": "account=signed-in"}
"""The cookie that a client sends for an opt-out of that name."""

VIDEO_MODES: dict[str, str] = {
    "strict": "films that the strict mode leaves out",
    "moderate": "films that every mode leaves out",
}
"""The films of a video site that its modes leave out, with words for people."""

FILM_CODES: dict[str, str] = {"strict": "ADLT", "moderate": "VIOL"}
"""The categories of these films: a profile for which one is blocked needs that mode."""

QUERY_FORMS: dict[str, str] = {
    "plain": "queries as agreed",
    "case": "queries in other letter case",
    "misspelt": "misspelt queries",
    "percent": "percent-encoded queries",
    "homoglyph": "queries with look-alike letters",
    "spaced": "queries with separated letters",
    "abbreviation": "abbreviated queries",
    "language": "queries in other languages",
    "suggest": "queries to the suggestion service",
}
"""Forms of queries that must be tried, with words for people."""

METRIC_CASES: dict[str, tuple[str, dict[str, str]]] = {
    "safesearch_locked": (LOCK, LOCK_KINDS),
    "safesearch_opt_outs": (OPT_OUT, OPT_OUTS),
    "video_mode_compliance": (VIDEO, VIDEO_MODES),
    "query_hit_rate": (QUERY, QUERY_FORMS),
    "exposing_queries": (RESULTS, {"first": "queries with harmful first results"}),
}
"""The cases of each metric of search: their group, and the kinds that must be tried."""


class SearchCase(NamedTuple):
    """A case: its group, the name within the group, and the id of its engine or row, if any.

    ``targets`` are the names or addresses that a name server gives for an engine to lock it; one
    that ends with a dot stands before the engine's own host.
    """

    group: str
    name: str
    engine: str = ""
    targets: tuple[str, ...] = ()


def search_case(variant: str) -> SearchCase | None:
    """Return the case of a variant such as ``lock:parameter:SV-003``; None for any other."""
    group, _, rest = variant.partition(":")
    if group not in GROUPS:
        return None
    name, _, engine = rest.partition(":")
    engine, _, targets = engine.partition("@")
    return SearchCase(group, name, engine, tuple(filter(None, targets.split("|"))))


def case_words(case: SearchCase) -> str:
    """Return words for people for a case."""
    locks = {**LOCK_KINDS, BY_NAME: LOCKED_BY_NAME}
    tables = {LOCK: locks, OPT_OUT: OPT_OUTS, VIDEO: VIDEO_MODES, QUERY: QUERY_FORMS}
    words = tables.get(case.group, {}).get(case.name)
    if words is None:
        other = {OPEN: "an engine without a lock", RESULTS: "queries with harmful first results"}
        words = other.get(case.group, case.name)
    engine = case.engine or (case.name if case.group == OPEN else "")
    return f"{words} ({engine})" if engine else words


def kind_of(variant: str) -> str:
    """Return the variant without its engine, or an equal text if it is no case of search."""
    case = search_case(variant)
    if case is None:
        return variant
    return f"{case.group}:" if case.group == OPEN else f"{case.group}:{case.name}"


def lock_targets(variant: str, host: str) -> tuple[str, ...]:
    """Return the names or addresses that lock an engine if they are in the answer for ``host``."""
    case = search_case(variant)
    targets = case.targets if case is not None else ()
    return tuple(f"{each}{host}" if each.endswith(".") else each for each in targets)


def cookie_of(variant: str) -> str:
    """Return the cookie that a client sends for a variant; empty for most."""
    case = search_case(variant)
    return COOKIES.get(case.name, "") if case is not None and case.group == OPT_OUT else ""


@dataclass(frozen=True, slots=True)
class SearchLock:
    """A lock: its kind, and what a request must carry.

    The settings of a parameter or cookie must all be there. A header (``Prefer: safe``) and a name
    in DNS may have several values, separated by ``|``, of which the first is the strictest.
    """

    kind: LockKind
    setting: str = ""

    @classmethod
    def parse(cls, text: str) -> SearchLock:
        """Read the text of a lock (``parameter safe=active&ssui=on``); empty means none.

        Raises ValueError for an unknown kind.
        """
        kind, _, setting = text.partition(" ")
        match kind:
            case "":
                return cls("none")
            case "parameter" | "header" | "cookie" | "dns" | "none":
                return cls(kind, setting)
        msg = f"a lock is a parameter, header, cookie, dns or none, not {kind!r}"
        raise ValueError(msg)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Names and values of a parameter or cookie."""
        return tuple(parse_qsl(self.setting, keep_blank_values=True))

    @property
    def targets(self) -> tuple[str, ...]:
        """The names that lock in DNS, the strictest first."""
        return tuple(name.strip() for name in self.setting.split("|"))

    @property
    def header(self) -> tuple[str, tuple[str, ...]]:
        """The name of a header, and the values that lock, the strictest first."""
        name, _, values = self.setting.partition(":")
        return name.strip(), tuple(value.strip() for value in values.split("|"))

    def __str__(self) -> str:
        return f"{self.kind} {self.setting}".strip()


def is_near(one: str, other: str) -> bool:
    """Whether two words are the same but for one letter, or for two neighbours exchanged.

    That is a distance of at most 1 (Damerau, CACM 7(3), 1964).
    """
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    if len(longer) - len(shorter) > 1:
        return False
    pairs = zip(shorter, longer, strict=False)
    start = next((place for place, (a, b) in enumerate(pairs) if a != b), len(shorter))
    if len(shorter) < len(longer):
        return shorter[start:] == longer[start + 1 :]
    is_exchanged = shorter[start : start + 2] == longer[start : start + 2][::-1]
    step = 2 if is_exchanged else 1
    return shorter[start + step :] == longer[start + step :]
