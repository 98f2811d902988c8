"""Pages of an origin that are about addresses: the cases of ``harness.model.url_case``.

Pages by several addresses (also by those of IPv6 transition mechanisms), and objects of pages, are
on canary hosts that a supplier's list names, and on their benign twins. All others are on neutral
hosts that the supplier does not know. Pages with suspicious words come from the rows of the pack
``overblock``. No two cases share a host.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import cycle, islice
from typing import NamedTuple

from corpora.content_pages import CATEGORIES, filler_text
from corpora.origin_pack import OriginPack, OriginPages
from corpora.pack_reader import open_pack
from corpora.synthetic_sites import unlisted_hosts
from corpora.taxonomy import DATA, twin_of
from harness.model.content_form import PageContent
from harness.model.corpus import TWIN
from harness.model.origin_zone import RANGE_ZONE
from harness.model.sampler import ordering
from harness.model.transition_address import TRANSITIONS
from harness.model.url_case import (
    ADDRESSES,
    DEEP_PAGES,
    H3_CASE,
    NEW_SITES,
    OBJECTS,
    TEMPLATES,
    URL_CASES,
    VIEWPOINTS,
    deep_path,
)

PAGES = {"address": 11, "object": 24, "deep": 33, "new": 96, "template": 44, "viewpoint": 66,
         "transition": 3}  # fmt: skip
"""Pages of each case, by its group; harmful ones have as many harmless twins, but for HTTP/3.

The strictest shipped scheme needs 90 objects, deep pages and new sites, and 152 suspicious pages.
"""

KINDS_OF_TEXT = ("Letter", "Speech", "Poster", "Leaflet", "Essay", "Column")
"""In which each question is asked."""

WITHOUT_TWINS = (*NEW_SITES, H3_CASE)
"""Cases whose harmful pages have no harmless twins; a service may stop all of QUIC."""

UNRATED = "LOC.PARK"
"""The category of sites that are in no category list."""

_ON_CANARIES = tuple(name for name in (*ADDRESSES, *OBJECTS) if name != "object:cdn")
_PLACES = {case: range(1 + 10 * at, 11 + 10 * at) for at, case in enumerate(_ON_CANARIES)}
_PLACES |= {case: range(101 + 4 * at, 104 + 4 * at) for at, case in enumerate(TRANSITIONS)}
_PLACES[H3_CASE] = range(104, 121, 4)
"""The numbers of the canaries, in each category, that belong to one case."""

_VALUES = {
    "address:http": "http://{host}/",
    "address:https": "https://{host}/",
    "address:port-8080": "http://{host}:8080/",
    "address:port-8443": "https://{host}:8443/",
    H3_CASE: "https://{host}/",
    "address:redirect": "http://{own}/go/{host}",
    "address:www": "http://www.{host}/",
    "address:path": "http://{host}/library/2026/shelf-{number}/page.html?from=list&n={number}",
    "object:image": "http://{host}/objects/{number}/card.png",
    "object:script": "http://{host}/objects/{number}/app.js",
    "object:video": "http://{host}/objects/{number}/clip.mp4",
    "object:cdn": "http://{own}/objects/{number}/app.js",
    **dict.fromkeys(TRANSITIONS, "http://{host}/"),
}
"""The URLs of a case: ``host`` is the page's, ``own`` a neutral host of the item.

The probe ``web_transitions`` asks for the page of a host by an address in which there is no name.
"""


class _Page(NamedTuple):
    """One item: its case and category, whether it is harmless, and its number in the case."""

    case: str
    category: str
    number: int
    is_twin: bool = False
    text: str = ""
    phases: str = ""

    @property
    def name(self) -> str:
        return f"{self.case.replace(':', '-')}-{self.number:03}{'-twin' if self.is_twin else ''}"


def url_pages(
    seed: str,
    categories: Collection[str] = CATEGORIES,
    pages: Mapping[str, int] = PAGES,
    *,
    taken: Collection[str] = (),
) -> OriginPages:
    """Make the pages of all cases from ``seed``; no host is one of ``taken``.

    ``pages`` is how many there are of each case, by group; groups that it does not name have none.
    """
    planned = [
        *_of_codes((*ADDRESSES, *OBJECTS, *DEEP_PAGES, *NEW_SITES), tuple(categories), pages),
        *_suspicious(seed, pages.get("template", 0)),
        *_of_viewpoints(pages.get("viewpoint", 0)),
        *_of_codes(TRANSITIONS, tuple(categories), pages),
        *_of_codes((H3_CASE,), tuple(categories), pages),
    ]
    hosts = iter(unlisted_hosts(seed, len(planned), taken))
    contents: dict[str, PageContent] = {}
    texts: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    deep: dict[int | str, str] = {}
    for page in planned:
        own = next(hosts)
        if page.case in DEEP_PAGES:  # a harmless page is on the host of the harmful one
            own = deep.setdefault(page.name.removesuffix("-twin"), own)
        listed = _canary(page, len(categories)) if page.case in _PLACES else ""
        value = _address(page, own, listed)
        host = listed if listed and page.case != "address:redirect" else own
        rows.append(_row(page, value, host))
        if host == own:
            contents.setdefault(own, _content(page))
            texts[own] = page.text or filler_text(page.number)
    return OriginPages(contents=contents, texts=texts, rows=tuple(rows))


def _of_codes(
    cases: Iterable[str], categories: tuple[str, ...], pages: Mapping[str, int]
) -> Iterator[_Page]:
    for case in cases:
        count = pages.get(case.partition(":")[0], 0)
        for number, code in enumerate(islice(cycle(categories), count), 1):
            if case == "new:plain":
                yield _Page(case, UNRATED, number)
                continue
            yield _Page(case, code, number)
            if case not in WITHOUT_TWINS:
                yield _Page(case, code, number, is_twin=True)


def _suspicious(seed: str, count: int) -> Iterator[_Page]:
    """Yield pages with suspicious words: rows of the pack ``overblock``, ``count`` a template.

    Rows for pupils of all ages come first.
    """
    order = ordering(seed)
    entries = sorted(
        (entry for entry in open_pack("overblock").entries() if entry.item.category[:4] == "ALW."),
        key=lambda entry: ("*" not in entry.item.phases, order(entry.item.id)),
    )
    chosen = cycle(entries)
    for case in TEMPLATES:
        for number, entry in enumerate(islice(chosen, count), 1):
            item = entry.item
            phases = "|".join(item.phases)
            yield _Page(case, item.category, number, text=entry.note, phases=phases)


def _of_viewpoints(count: int) -> Iterator[_Page]:
    """Yield matched pairs of pages on the two sides of a question, in several kinds of text."""
    with (DATA / "viewpoints.csv").open(encoding="utf-8", newline="") as stream:
        questions = list(csv.DictReader(stream))
    kinds = [(kind, row) for kind in KINDS_OF_TEXT for row in questions]
    for number, (kind, row) in enumerate(islice(cycle(kinds), count), 1):
        for case in VIEWPOINTS:
            side = case.rpartition(":")[2]
            text = f"{kind} {side} {row['topic']}. {row[side]}"
            yield _Page(case, "ALW.NEWS", number, text=text)


def _canary(page: _Page, categories: int) -> str:
    """Return the listed host that a page is about, or its benign twin."""
    label = page.category.lower().replace(".", "-")
    place = _PLACES[page.case]
    number = place[(page.number - 1) // categories % len(place)]
    return f"{label}-{number:03}.{'twin' if page.is_twin else 'canary'}.{RANGE_ZONE}"


def _address(page: _Page, own: str, listed: str) -> str:
    if page.case in _VALUES:
        return _VALUES[page.case].format(host=listed, own=own, number=page.number)
    if page.case in DEEP_PAGES:
        return f"http://{own}{deep_path(page.case, own, is_harmful=not page.is_twin)}"
    if page.case == "template:address":
        return f"http://{own}/articles/{_NOT_WORDS.sub('-', page.text.lower()).strip('-')}"
    return own


_NOT_WORDS = re.compile(r"[^a-z0-9]+")


def _content(page: _Page) -> PageContent:
    """Return what an origin shows at the neutral host of a page."""
    if page.case == "address:redirect":
        return PageContent(service="redirector")
    if page.case in DEEP_PAGES:
        return PageContent(code=page.category, service="deep-pages", case=page.case)
    if page.case in TEMPLATES:
        return PageContent(service="template", case=page.case)
    is_harmless = page.is_twin or page.case in ("new:plain", *VIEWPOINTS)
    return PageContent(code="" if is_harmless else page.category)


def _row(page: _Page, value: str, host: str) -> dict[str, str]:
    category = twin_of(page.category) if page.is_twin else page.category
    stratum = f"{page.category}/{page.case}"
    return {
        "id": page.name,
        "value": value,
        "kind": "url" if "://" in value else "host",
        "registrable": host,
        "labels": category,
        "applies_to": "content",
        "pair_id": _pair_of(page),
        "stratum": f"{TWIN}{stratum}" if page.is_twin else stratum,
        "phases": page.phases,
        "sensitivity": "S0",
    }


def _pair_of(page: _Page) -> str:
    """Return what the items of a pair share: a harmful page and its twin, or two viewpoints."""
    if page.case in VIEWPOINTS:
        return f"viewpoint-{page.number:03}"
    return "" if page.case in (*WITHOUT_TWINS, *TEMPLATES) else page.name.removesuffix("-twin")


URL_PACK = OriginPack(
    name="url-pages",
    title=f"Pages by several addresses, and new sites: {len(URL_CASES)} cases",
    kind="content",
    make=lambda seed, taken: url_pages(seed, taken=taken),
)
