"""Search engines of an origin: their locks, ways to turn these off, queries, and video sites.

The engines and video sites come from the rows of the pack ``search``: a parameter, a header, or no
lock. A new row needs no code. Each case of ``harness.model.search_case`` has hosts of its own, and
each engine and query has a harmless twin at the same host. Suppliers know the engines and
terms (``supplier_lists``): a filter locks only engines that it knows, and blocks only such words.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from corpora.origin_pack import OriginPack, OriginPages
from corpora.search_engines import (
    UNLOCKED,
    SearchEngine,
    off_value,
    search_engines,
    suggestion_paths,
)
from corpora.search_terms import (
    SEARCH_PATH,
    SearchTerm,
    WrittenQuery,
    search_terms,
    words_without_meaning,
    written,
)
from corpora.synthetic_sites import unlisted_hosts
from corpora.taxonomy import twin_of
from harness.model.content_form import PageContent
from harness.model.corpus import TWIN
from harness.model.search_case import (
    BY_NAME,
    FILM_CODES,
    OPT_OUTS,
    QUERY_FORMS,
    VIDEO_MODES,
    SearchLock,
)

REPEATS = 5
"""Searches of an engine, and films of a mode: METHOD asks for five of five."""
QUERIES = 90
"""Queries in each form, and queries with harmful results; the strictest shipped scheme needs 90."""
TWINS_OF_FORM = 11
"""Harmless queries in each form."""


SERVICE, OPEN_RESULTS = "search", "query"
"""The services of an origin: an engine that obeys its lock; one that shows results to any query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A case before it has a host: targets of its items, and of its harmless twins."""

    name: str
    category: str
    variant: str
    content: PageContent
    targets: tuple[str, ...]
    twins: tuple[str, ...] = ()
    lang: str = ""
    scheme: str = "http"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSizes:
    """How many items each kind of case has, and in which forms queries are made."""

    repeats: int = REPEATS
    queries: int = QUERIES
    twins: int = TWINS_OF_FORM
    forms: tuple[str, ...] = tuple(QUERY_FORMS)
    categories: tuple[str, ...] = ()


def search_pages(
    seed: str, taken: Collection[str] = (), sizes: SearchSizes | None = None
) -> OriginPages:
    """Make the engines, video sites and queries of an origin from ``seed``.

    No host is one of ``taken``. With ``categories`` only terms of these are used.
    """
    sizes = sizes or SearchSizes()
    agreed = [term.word for term in search_terms()]
    words = words_without_meaning(f"{seed}/words", agreed)
    planned = [*_engines(words, sizes), *_queries(words, sizes), *_results(words, sizes)]
    hosts = unlisted_hosts(seed, len(planned), taken)
    contents: dict[str, PageContent] = {}
    texts: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    for case, host in zip(planned, hosts, strict=True):
        contents[host], texts[host] = case.content, "Results of a search."
        rows += _rows_of(case, host)
    return OriginPages(contents=contents, texts=texts, rows=tuple(rows))


def _engines(words: Iterator[str], sizes: SearchSizes) -> Iterator[_Planned]:
    for engine in search_engines():
        if engine.lock.kind == BY_NAME:
            yield _named_engine(engine)
        elif engine.is_video:
            yield from _films(engine, words, sizes.repeats)
        elif engine.lock.kind == "none":
            yield _engine(f"open-{engine.row}", f"open:{engine.row}", engine, words, sizes.repeats)
        else:
            variant = f"lock:{engine.lock.kind}:{engine.row}"
            plain = _engine(f"lock-{engine.row}", variant, engine, words, sizes.repeats)
            yield plain
            name, variant = f"{plain.name}-https", f"{variant}-https"
            secure = _engine(name, variant, engine, words, sizes.repeats)
            yield replace(secure, scheme="https")
            yield from _opt_outs(engine, words)


def _engine(
    name: str, variant: str, engine: SearchEngine, words: Iterator[str], number: int, more: str = ""
) -> _Planned:
    """Return an engine with so many searches that end in ``more``; its twin is the front page."""
    word = next(words)
    targets = tuple(f"{SEARCH_PATH}?q={word}&page={page}{more}" for page in range(1, number + 1))
    content = PageContent(service=SERVICE, case=str(engine.lock), label=word)
    twins = ("/",) if engine.lock.kind != "none" else ()
    return _Planned(
        name=name,
        category=UNLOCKED,
        variant=variant,
        content=content,
        targets=targets,
        twins=twins,
    )


def _named_engine(engine: SearchEngine) -> _Planned:
    """Return an engine that is locked in DNS: its host is an alias of another (CNAME)."""
    targets = engine.lock.targets[:1] if engine.mode == "strict" else engine.lock.targets
    place = f"{engine.row}@{'|'.join(targets)}"
    return _Planned(
        name=f"dns-{engine.row}",
        category=FILM_CODES.get(engine.mode, UNLOCKED),
        variant=f"video:{engine.mode}:{place}" if engine.mode else f"lock:{BY_NAME}:{place}",
        content=PageContent(service=OPEN_RESULTS, case=str(engine.lock)),
        targets=(),
    )


def _opt_outs(engine: SearchEngine, words: Iterator[str]) -> Iterator[_Planned]:
    for way in OPT_OUTS:
        more = ""
        if way in ("parameter", "twice"):
            if engine.lock.kind != "parameter":
                continue
            name, value = engine.lock.pairs[0]
            active = f"&{name}={value}" if way == "twice" else ""
            more = f"{active}&{name}={off_value()}"
        yield _engine(
            f"optout-{way}-{engine.row}", f"optout:{way}:{engine.row}", engine, words, 1, more
        )


def _films(engine: SearchEngine, words: Iterator[str], number: int) -> Iterator[_Planned]:
    """Yield the films of a video site that each of its modes leaves out."""
    name, modes = engine.lock.header
    for mode in VIDEO_MODES:
        locking = modes[:1] if mode == "strict" else modes
        word = next(words)
        yield _Planned(
            name=f"video-{mode}-{engine.row}",
            category=FILM_CODES[mode],
            variant=f"video:{mode}:{engine.row}",
            content=PageContent(
                service=SERVICE, case=f"header {name}: {' | '.join(locking)}", label=word
            ),
            targets=tuple(f"/watch?v={word}&part={part}" for part in range(1, number + 1)),
            twins=("/",),
        )


def _terms(sizes: SearchSizes, number: int) -> tuple[SearchTerm, ...]:
    """Return so many agreed terms of the chosen categories, at most all."""
    chosen = (
        term for term in search_terms() if not sizes.categories or term.category in sizes.categories
    )
    return tuple(islice(chosen, number))


def _queries(words: Iterator[str], sizes: SearchSizes) -> Iterator[_Planned]:
    """Yield queries that hold an agreed term, each at an engine whose results always come."""
    paths = suggestion_paths()
    locks = [each.lock for each in search_engines() if each.lock.kind == "parameter"]
    for form in sizes.forms:
        for number, term in enumerate(_terms(sizes, sizes.queries)):
            query = written(form, term, number, paths)
            twins: tuple[WrittenQuery, ...] = ()
            if number < sizes.twins:
                twins = (written(form, _harmless(term, next(words)), number, paths),)
            yield _Planned(
                name=f"query-{form}-{number + 1:02}",
                category=term.category,
                variant=f"query:{form}",
                content=PageContent(service=OPEN_RESULTS, case=str(locks[number % len(locks)])),
                targets=(query.target,),
                twins=tuple(twin.target for twin in twins),
                lang=query.lang,
            )


def _harmless(term: SearchTerm, word: str) -> SearchTerm:
    """Return a term of the same shape that the supplier does not know."""
    table = str.maketrans(dict(zip(term.word, word, strict=False)))
    return replace(
        term,
        word=word,
        abbreviation=f"{word[1::2]}{word[0]}",
        others=tuple((lang, spelt.translate(table)[::-1]) for lang, spelt in term.others),
    )


def _results(words: Iterator[str], sizes: SearchSizes) -> Iterator[_Planned]:
    """Yield searches for harmless words whose first results show the agreed marker."""
    locks = [each.lock for each in search_engines() if each.lock.kind == "parameter"]
    for number, term in enumerate(_terms(sizes, sizes.queries)):
        word, harmless = next(words), next(words)
        lock = str(locks[number % len(locks)])
        yield _Planned(
            name=f"results-{number + 1:02}",
            category=term.category,
            variant="results:first",
            content=PageContent(service=SERVICE, code=term.category, case=lock, label=word),
            targets=(f"{SEARCH_PATH}?q={word}",),
            twins=(f"{SEARCH_PATH}?q={harmless}",) if number < sizes.twins else (),
        )


def _rows_of(case: _Planned, host: str) -> Iterator[dict[str, str]]:
    row = {
        "kind": "url",
        "registrable": host,
        "applies_to": "content",
        "pair_id": case.name if case.twins else "",
        "lang": case.lang,
        "sensitivity": "S0",
    }
    if not case.targets:
        yield row | {
            "id": case.name,
            "value": host,
            "kind": "host",
            "applies_to": "dns",
            "labels": case.category,
            "stratum": f"{case.category}/{case.variant}",
        }
    for number, target in enumerate(case.targets, 1):
        name = case.name if len(case.targets) == 1 else f"{case.name}-{number}"
        yield row | {
            "id": name,
            "value": f"{case.scheme}://{host}{target}",
            "labels": case.category,
            "stratum": f"{case.category}/{case.variant}",
        }
    for target in case.twins:
        yield row | {
            "id": f"{case.name}-twin",
            "value": f"{case.scheme}://{host}{target}",
            "labels": twin_of(case.category),
            "stratum": f"{TWIN}{case.category}/{case.variant}",
        }


SEARCH_PACK = OriginPack(
    name="search-pages",
    title="Search engines, video sites and queries of an origin",
    kind="content",
    make=search_pages,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierLists:
    """What a supplier knows of searches: each engine's lock by host, and each term's category."""

    engines: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, str] = field(default_factory=dict)

    @property
    def without_lock(self) -> dict[str, str]:
        """The category of each engine that cannot be locked, by host."""
        return {host: UNLOCKED for host, lock in self.engines.items() if lock == "none"}

    def tables(self) -> dict[str, str]:
        """The lists as CSV, by file name."""
        engines: list[tuple[str, ...]] = [("host", "lock", "setting")]
        engines += [(host, *_lock_columns(lock)) for host, lock in sorted(self.engines.items())]
        terms: list[tuple[str, ...]] = [("term", "category"), *sorted(self.terms.items())]
        return {"search-engines.csv": _csv(engines), "search-terms.csv": _csv(terms)}


def _lock_columns(lock: str) -> tuple[str, str]:
    kind, _, setting = lock.partition(" ")
    return kind, setting


def _csv(rows: list[tuple[str, ...]]) -> str:
    written_to = io.StringIO()
    csv.writer(written_to, lineterminator="\n").writerows(rows)
    return written_to.getvalue()


def supplier_lists(pages: OriginPages) -> SupplierLists:
    """Return the list of an origin's engines for the supplier, and the agreed terms.

    For a video site the list names all modes.
    """
    modes = {
        str(engine.lock)
        for engine in search_engines()
        if engine.is_video and engine.lock.kind == "header"
    }

    def told(host: str, text: str) -> str:
        lock = SearchLock.parse(text)
        if lock.kind == BY_NAME:
            return f"{BY_NAME} {' | '.join(f'{target}{host}' for target in lock.targets)}"
        head = text.partition(":")[0]
        return next((each for each in modes if each.partition(":")[0] == head), text)

    return SupplierLists(
        engines={
            host: told(host, content.case)
            for host, content in pages.contents.items()
            if content.service in (SERVICE, OPEN_RESULTS)
        },
        terms={word: term.category for term in search_terms() for word in term.spellings},
    )
