"""The pages of all areas on one origin, in two sizes, and what a supplier knows of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from corpora.content_pages import CONTENT_PACK, content_pages
from corpora.downloads import DOWNLOAD_PACK, downloads
from corpora.illegal_pages import ILLEGAL_PACK, illegal_pages, several_addressed, supplier_list
from corpora.origin_pack import OriginPack, OriginPages, joined, write_origin_pack
from corpora.search_pages import (
    SEARCH_PACK,
    SearchSizes,
    SupplierLists,
    search_pages,
    supplier_lists,
)
from corpora.uploads import UPLOAD_PACK, uploads
from corpora.url_pages import URL_PACK, url_pages
from harness.model.content_form import form_of
from harness.model.corpus import Item
from harness.schemes.load import load_scheme
from test_suites.products.measured import canaries

SEED = "all areas"
CREATED = "2026-01-01T00:00:00Z"
CATEGORY = "DRUG"
"""The category of pages that only their content or address gives away."""
ENOUGH_OF, ENOUGH = "xhtml", 5
"""A form that no product reads, and how many pages in it show that DYN-06 is not met."""

PHASES = {"pupils": "ks2", "staff": "staff"}
"""The groups of users, and the phases of the policy that they stand for."""

LISTED = ("PORN", "ADLT", "GAMB", "VIOL", "MALW.MAL", "MALW.PHISH")
"""Categories of sites that every supplier has a list of."""
ORDINARY = ("ALW.ARTS", "ALW.CHILD", "ALW.HEALTH", "ALW.NEWS", "twin:DRUG")
"""Strata of sites that must stay open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many items each area has; the defaults are the smallest with which rows are decided."""

    sites: int = 5
    siblings: int = 6
    address: int = 1
    others: int = 3
    searches: SearchSizes = field(
        default_factory=lambda: SearchSizes(repeats=1, queries=5, twins=2, categories=(CATEGORY,))
    )
    of_form: int = 1
    plain: int = 5
    recipes: int = 0
    viewers: int = 1
    files: int = 1
    rows: bool = False


SMALLEST = Sizes()
FULL = Sizes(
    sites=8,
    siblings=8,
    others=4,
    of_form=2,
    plain=6,
    recipes=1,
    rows=True,
)


@dataclass(frozen=True)
class AreaPages:
    """The packs of these areas on one origin.

    ``denied`` gives the hosts that a supplier blocks for a group; ``searches`` is what it knows of
    searches.
    """

    sizes: Sizes = SMALLEST
    areas: Collection[str] = ("illegal", "urls", "search", "content", "files", "uploads")

    @cached_property
    def packs(self) -> Mapping[str, tuple[OriginPack, OriginPages]]:
        """The pages of each area, with the pack that they are written as."""
        made: dict[str, tuple[OriginPack, OriginPages]] = {}
        taken: set[str] = set()
        for area in self.areas:
            pack, pages = _made(area, self.sizes, frozenset(taken))
            made[area] = pack, pages
            taken.update(pages.texts)
        return made

    @cached_property
    def pages(self) -> OriginPages:
        """All pages together."""
        return joined(pages for _, pages in self.packs.values())

    @cached_property
    def sites(self) -> tuple[Item, ...]:
        """The sites of the pack ``canary`` that are tried: listed ones, and ordinary ones."""
        chosen = canaries(dict.fromkeys((*LISTED, *ORDINARY), self.sizes.sites))
        return tuple(item for items in chosen.values() for item in items)

    @property
    def several(self) -> frozenset[str]:
        """The hosts that need several addresses."""
        return several_addressed(self.pages)

    @cached_property
    def searches(self) -> SupplierLists:
        """What the supplier knows of searches."""
        return supplier_lists(self.pages)

    @property
    def upload_hosts(self) -> tuple[str, ...]:
        """The hosts that take uploads, of which some groups may use none."""
        return tuple(
            host for host, content in self.pages.contents.items() if content.service == "sink"
        )

    def denied(self, group: str) -> tuple[str, ...]:
        """The sites that a careful supplier blocks for a group by their names."""
        policy, phase = load_scheme("becta-2008").policy, PHASES[group]

        def is_blocked(code: str) -> bool:
            return policy.expects(code, phase) == "block"

        illegal = {item.value for item in supplier_list(self.pages).sites}
        named = {item.host for item in self.sites if is_blocked(item.category)}
        unlocked = {host for host, code in self.searches.without_lock.items() if is_blocked(code)}
        # The canaries that pages stand on, or lead to, are on every list of their category.
        cases = {
            host
            for row in self.pages.rows
            if is_blocked(row["labels"])
            for host in _CANARY.findall(row["value"])
        }
        return tuple(sorted(illegal | named | unlocked | cases))

    def write(self, folder: Path) -> list[dict[str, object]]:
        """Write the packs into a folder; return the selections of a campaign that tries all."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, (pack, pages) in self.packs.items():
            if not (folder / name).exists():
                write_origin_pack(pack, pages, folder / name, SEED, CREATED)
        if not (folder / SITES_PACK.name).exists():
            rows = tuple(_site_row(item) for item in self.sites)
            sites = OriginPages(contents={}, texts={}, rows=rows)
            write_origin_pack(SITES_PACK, sites, folder / SITES_PACK.name, SEED, CREATED)
        return [{"pack": str(folder / name)} for name in (*self.packs, SITES_PACK.name)]


_CANARY = re.compile(r"[a-z0-9-]+\.canary\.accredit\.test")


SITES_PACK = OriginPack(
    name="sites",
    title="Sites of the pack canary",
    kind="agreed",
    make=lambda *_: OriginPages(contents={}, texts={}, rows=()),
)
"""A pack of these sites alone: a requirement on every entry of a list must find no other entries
in it."""


def _site_row(item: Item) -> dict[str, str]:
    return {
        "id": item.id,
        "value": item.host,
        "kind": "host",
        "registrable": item.host,
        "labels": item.category,
        "stratum": item.stratum,
        "sensitivity": "S0",
    }


def _made(area: str, sizes: Sizes, taken: Collection[str]) -> tuple[OriginPack, OriginPages]:
    seed = f"{SEED}/{area}"
    match area:
        case "illegal":
            return ILLEGAL_PACK, illegal_pages(
                seed, siblings=sizes.siblings, pairs=1, canaries=1, taken=taken
            )
        case "urls":
            few = sizes.others
            cases = {"address": sizes.address, "object": few, "deep": few, "new": 3 * few}
            cases |= {"template": max(2, few // 2), "viewpoint": 8}
            return URL_PACK, url_pages(seed, (CATEGORY,), cases, taken=taken)
        case "search":
            return SEARCH_PACK, search_pages(seed, taken, sizes.searches)
        case "content":
            pages = content_pages(
                seed, (CATEGORY,), sizes.plain, of_form=ENOUGH, of_recipe=sizes.recipes,
                of_viewer=sizes.viewers, taken=taken,
            )  # fmt: skip
            return CONTENT_PACK, _of_each_form(pages, sizes.of_form)
        case "files":
            return DOWNLOAD_PACK, downloads(
                seed, of_case=sizes.files, clean=0, rows=sizes.rows, taken=taken
            )
        case _:
            return UPLOAD_PACK, uploads(seed, of_case=2, rows=sizes.rows, taken=taken)


def _of_each_form(pages: OriginPages, number: int) -> OriginPages:
    """The pages with the rows of so many of each form, but all of one form."""
    rows, count = [], Counter[str]()
    for row in pages.rows:
        form = form_of(row["stratum"])
        count[row["stratum"]] += 1
        if form is None or form.name == ENOUGH_OF or count[row["stratum"]] <= number:
            rows.append(row)
    return replace(pages, rows=tuple(rows))


def markers(categories: Iterable[str]) -> tuple[str, ...]:
    """The agreed markers of some categories, which a filter that reads pages knows."""
    return tuple(f"accredit-marker-{code.lower().replace('.', '-')}" for code in categories)
