"""Illegal pages: harmless canaries of an origin that a supplier loads as a list of addresses.

They show whether single pages can be listed, whether entries that are hard to match work, whether
other pages and sites stay open, and whether somebody at a school can lift a block. No page shows
the marker of a category, so that only the list can block it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec

from corpora.origin_pack import OriginPack, OriginPages
from corpora.synthetic_sites import unlisted_hosts
from corpora.taxonomy import twin_of
from harness.model.content_form import PageContent
from harness.model.corpus import TWIN, Item, is_among
from harness.model.listed_page import (
    ADDRESS,
    ENTRY,
    LIST_SCHEMES,
    OVERRIDE,
    REDIRECTED,
    SEVERAL_ADDRESSES,
    SITE,
    case_of,
    is_for_lists,
)

CSAM, TERR = "ILL.CSAM", "ILL.TERR"
ILLEGAL = "ILL"

SIBLINGS = 60
"""Other pages of the listed site; ILL-03 needs 59."""
PAIRS = 8
"""Listed sites with a harmless one at the same address, by scheme."""
CANARIES = 6
"""Canaries for attempts to lift their block, by category."""
STEPS = 3
"""Redirects of a chain."""
CHAIN = "redirect-chain"
"""The service of an origin that redirects from ``/.../3`` to ``/.../0`` step by step."""

LISTED_PAGE = "/albums/summer-fair.html"

HARD_PATHS: dict[str, tuple[str, ...]] = {
    "hard:long": (f"/archive/{'the-summer-fair-and-' * 13}end.html",),
    "hard:very-long": (f"/archive/{'a-long-report-of-the-fair/' * 48}end.html",),
    "hard:space": ("/holiday%20pictures/summer%20fair%202019.html",),
    "hard:colon": ("/album:2019:08/page:17.html",),
    "hard:query": ("/show.php?id=17&back=/list?page=2",),
    "hard:percent": ("/100%25-wool/caf%c3%a9%2Ffair%7E17.html",),
    SEVERAL_ADDRESSES: tuple(f"/mirrors/{number}.html" for number in range(1, 5)),
    "hard:redirecting": (f"/go/{STEPS}",),
    REDIRECTED: (f"/start/{STEPS}",),
}
"""The paths of list entries that are hard to match; of ``REDIRECTED``, where the chain starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """An item before it has a host: its case, and the path on that host; no path: a whole host."""

    name: str
    scheme: str
    path: str
    stratum: str
    category: str


def illegal_pages(
    seed: str,
    *,
    siblings: int = SIBLINGS,
    pairs: int = PAIRS,
    canaries: int = CANARIES,
    taken: Collection[str] = (),
) -> OriginPages:
    """Make listed pages and their harmless neighbours from ``seed``. No host is one of ``taken``.

    Each inner list of ``_sites`` has a host of its own.
    """
    sites = list(_sites(siblings, pairs, canaries))
    hosts = unlisted_hosts(seed, len(sites), taken)
    rows: list[dict[str, str]] = []
    contents: dict[str, PageContent] = {}
    for host, items in zip(hosts, sites, strict=True):
        case = case_of(items[0].stratum).case
        service = CHAIN if case in ("hard:redirecting", REDIRECTED) else ""
        contents[host] = PageContent(service=service, case=case)
        rows += [_row(item, host) for item in items]
    texts = {
        host: _long_text()
        if contents[host].case == "hard:very-long"
        else _TEXTS[number % len(_TEXTS)]
        for number, host in enumerate(hosts)
    }
    return OriginPages(contents=contents, texts=texts, rows=tuple(rows))


def _sites(siblings: int, pairs: int, canaries: int) -> Iterator[list[_Listed]]:
    for scheme in LIST_SCHEMES:
        yield [_listed(SITE, scheme, LISTED_PAGE), *_siblings(scheme, siblings)]
        for case, paths in HARD_PATHS.items():
            hard = [_listed(case, scheme, path, number) for number, path in enumerate(paths, 1)]
            if case == REDIRECTED:
                hard.append(_listed(ENTRY, scheme, "/start/0"))
            yield hard
        for number in range(1, pairs + 1):
            yield [_listed(ADDRESS, scheme, "/", number)]
            yield [_neighbour(ADDRESS, scheme, "/", number)]
    for code in (CSAM, TERR):
        first = 1 if code == CSAM else canaries + 1
        for number in range(first, first + canaries):
            name = f"{OVERRIDE}{number:02}"
            stratum = f"{code}/{name}"
            yield [_Listed(name=name, scheme="", path="", stratum=stratum, category=code)]


def _siblings(scheme: str, number: int) -> Iterator[_Listed]:
    paths = ("/", "/albums/", *(f"/albums/picture-{each:02}.html" for each in range(1, number)))
    for place, path in enumerate(paths[:number], 1):
        yield _neighbour(SITE, scheme, path, place)


def _listed(case: str, scheme: str, path: str, number: int = 1) -> _Listed:
    return _Listed(
        name=f"{case.replace(':', '-')}-{scheme}-{number:02}",
        scheme=scheme,
        path=path,
        stratum=f"{CSAM}/{case}/{scheme}",
        category=CSAM,
    )


def _neighbour(case: str, scheme: str, path: str, number: int) -> _Listed:
    listed = _listed(case, scheme, path, number)
    return replace(
        listed,
        name=f"{listed.name}-twin",
        stratum=f"{TWIN}{listed.stratum}",
        category=twin_of(CSAM),
    )


def _row(item: _Listed, host: str) -> dict[str, str]:
    is_url, case = bool(item.scheme), case_of(item.stratum).case
    return {
        "id": item.name,
        "value": f"{item.scheme}://{host}{item.path}" if is_url else host,
        "kind": "url" if is_url else "host",
        "registrable": host,
        "labels": item.category,
        "applies_to": "url" if is_url else "",
        "pair_id": item.name.removesuffix("-twin") if case == ADDRESS else "",
        "stratum": item.stratum,
        "lang": "",
        "sensitivity": "S0",
    }


_TEXTS = (
    "The summer fair has a tombola, a cake table and a race in sacks.",
    "The allotments beside the railway are let by the year; ask at the gate.",
    "The reading circle meets in the back room on the first Tuesday.",
    "The ferry leaves every hour, and twice an hour at weekends.",
)


def _long_text() -> str:
    """Return a text that is far longer than a block page that shows a very long address."""
    return " ".join(f"Part {number}. {text}" for number in range(1, 16) for text in _TEXTS)


ILLEGAL_PACK = OriginPack(
    name="illegal-pages",
    title="Canaries for a list of illegal addresses, and their harmless neighbours",
    kind="agreed",
    make=lambda seed, taken: illegal_pages(seed, taken=taken),
    audience="supplier",
)


class SupplierList(NamedTuple):
    """What a supplier loads of these pages: whole ``sites``, and ``urls`` with their categories."""

    sites: tuple[Item, ...]
    urls: dict[str, str]


def supplier_list(pages: OriginPages) -> SupplierList:
    """Return what the supplier's list has of these pages; other packs have none."""
    sites, urls = list[Item](), dict[str, str]()
    for row in pages.rows:
        code, value = row["labels"], row["value"]
        item = Item(id=row["id"], value=value, labels=(code,), stratum=row.get("stratum", ""))
        if not is_among(code, (ILLEGAL,)) or not is_for_lists(item):
            continue
        if "://" in value and not value.endswith(f"{row['registrable']}/"):
            urls[value] = code
        else:
            sites.append(msgspec.structs.replace(item, value=row["registrable"]))
    return SupplierList(tuple(sites), urls)


def several_addressed(pages: OriginPages) -> frozenset[str]:
    """Return the hosts of these pages that need several IP addresses."""
    contents = pages.contents.items()
    return frozenset(host for host, content in contents if content.case == SEVERAL_ADDRESSES)


def with_addresses(
    pages: OriginPages, addresses_of: Callable[[str], Collection[str]]
) -> OriginPages:
    """Return the pages without rows for which the hosts of an origin have unsuitable addresses.

    A host with several addresses needs two of one IP version, and two sites at the same address
    need the same addresses. What is left out is not tried, so its requirement stays undecided.
    """
    several = several_addressed(pages)
    pairs: dict[str, set[frozenset[str]]] = {}
    for row in pages.rows:
        addresses = frozenset(addresses_of(row["registrable"]))
        pairs.setdefault(row["pair_id"], set()).add(addresses)

    def is_usable(row: dict[str, str]) -> bool:
        host = row["registrable"]
        if host in several:
            versions = [":" in address for address in addresses_of(host)]
            return max(versions.count(True), versions.count(False)) > 1
        return not row["pair_id"] or len(pairs[row["pair_id"]]) == 1

    return replace(pages, rows=tuple(row for row in pages.rows if is_usable(row)))
