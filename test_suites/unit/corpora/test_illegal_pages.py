"""Illegal pages: every case over both schemes, and nothing on a list that is not to be blocked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from corpora.content_pages import CONTENT_PACK
from corpora.illegal_pages import (
    ILLEGAL_PACK,
    PAIRS,
    SIBLINGS,
    illegal_pages,
    several_addressed,
    supplier_list,
    with_addresses,
)
from corpora.origin_pack import write_origin_pack
from corpora.origin_packs import all_pages
from corpora.pack_reader import open_pack
from harness.campaign.own_hosts import listed_items
from harness.model.corpus import TWIN
from harness.model.listed_page import HARD_CASES, case_of

PAGES = illegal_pages("s")


def test_every_case_is_there_over_http_and_https() -> None:
    cases: Counter[tuple[tuple[str, str], bool]] = Counter(
        (case_of(row["stratum"]), row["stratum"].startswith(TWIN)) for row in PAGES.rows
    )

    for scheme in ("http", "https"):
        assert all(cases[(case, scheme), False] for case in HARD_CASES)
        assert (cases[("site", scheme), False], cases[("site", scheme), True]) == (1, SIBLINGS)
        assert cases[("address", scheme), False] == cases[("address", scheme), True] == PAIRS
    assert SIBLINGS >= 59
    assert len({row["id"] for row in PAGES.rows}) == len(PAGES.rows)
    assert len({row["value"] for row in PAGES.rows}) == len(PAGES.rows)


def test_no_page_shows_what_a_filter_could_recognise() -> None:
    assert not any(content.code or content.label for content in PAGES.contents.values())


def test_the_hosts_are_those_of_no_other_pack_and_depend_on_the_seed() -> None:
    packs = all_pages("s")
    assert not set(packs["illegal-pages"].texts) & set(packs["content-pages"].texts)
    first = CONTENT_PACK.make("s", ()).rows
    assert packs["content-pages"].rows[: len(first)] == first
    assert set(PAGES.texts) != set(illegal_pages("t").texts)


def test_a_supplier_lists_entries_and_no_neighbour_and_no_start_of_a_chain(tmp_path: Path) -> None:
    sites, urls = supplier_list(PAGES)
    write_origin_pack(ILLEGAL_PACK, PAGES, tmp_path / "p", "s", "2026-01-01T00:00:00Z")
    pack = open_pack(str(tmp_path / "p"))
    listed = {item.value for item in listed_items(pack, ("ILL",))}

    assert not pack.reference.is_hidden
    assert not [value for value in listed if "/start/3" in value]
    assert sum("/start/0" in value for value in listed) == 2
    assert {value.rstrip("/").rpartition("//")[2] for value in listed} == {
        *(one.value for one in sites),
        *(url.partition("//")[2] for url in urls),
    }
    assert {item.category for item in listed_items(pack, ("ILL",))} == {"ILL.CSAM", "ILL.TERR"}


@pytest.mark.parametrize(
    ("addresses", "several", "pairs"),
    [
        (lambda _: ("192.0.2.1",), 0, 4 * PAIRS),
        (lambda _: ("192.0.2.1", "2001:db8::1"), 0, 4 * PAIRS),
        (lambda _: ("192.0.2.1", "192.0.2.2"), 8, 4 * PAIRS),
        (lambda host: (f"192.0.2.{sorted(PAGES.texts).index(host) % 200}",), 0, 0),
    ],
    ids=["one address", "one of each version", "two", "another for each host"],
)
def test_what_the_addresses_of_an_origin_do_not_allow_is_left_out(
    addresses: object, several: int, pairs: int
) -> None:
    assert callable(addresses)
    rows = with_addresses(PAGES, addresses).rows

    assert sum(row["registrable"] in several_addressed(PAGES) for row in rows) == several
    assert sum(case_of(row["stratum"]).case == "address" for row in rows) == pairs
