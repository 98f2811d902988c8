"""Neutral host names, the made-up vendor list and pages with content are reproducible and enough."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora import hostnames
from corpora.build_pack import import_pack
from corpora.pack_reader import open_pack
from corpora.synthetic_sites import (
    ZONE,
    neutral_hosts,
    vendor_list,
    write_vendor_list,
)
from corpora.taxonomy import shipped
from harness.model.coverage import items_needed
from harness.schemes.load import load_scheme
from harness.schemes.load import shipped as schemes

TELLING = re.compile(
    "sex|porn|nude|adult|drug|weed|grass|poppy|pill|needle|gun|knife|weapon|bomb|kill|blood|gore|bet|"
    "casino|poker|game|hack|crack|virus|pirat|torrent|hate|terror|crime|steal|proxy|vpn|beer|wine|"
    "block|allow|filter|test-|harm|health|news|school|child"
)


def test_no_name_tells_a_category() -> None:
    found = [host for host in neutral_hosts("k", 20000) if TELLING.search(host.partition(".")[0])]

    assert found == []


def test_each_name_is_a_site_of_its_own_that_nobody_is_told_of() -> None:
    for host in neutral_hosts("k", 50):
        assert host.endswith(f".{ZONE}")
        assert hostnames.registrable(host) == host
        assert not hostnames.is_agreed(host)
    assert hostnames.is_agreed("porn-001.canary.accredit.test")


@settings(max_examples=50)  # each orders all names three times: 100 take 6 s
@given(st.text(min_size=1), st.text(min_size=1))
def test_another_key_gives_another_order_and_the_same_key_the_same(one: str, other: str) -> None:
    first = neutral_hosts(one, 30)

    assert first == neutral_hosts(one, 30)
    assert len(set(first)) == 30
    if one.encode()[:64] != other.encode()[:64]:
        assert first != neutral_hosts(other, 30)


def test_what_is_taken_is_not_given_again() -> None:
    first = neutral_hosts("k", 40)

    assert not set(first[:20]) & set(neutral_hosts("k", 40, excluded=first[:20]))


def test_more_than_there_are_is_an_error() -> None:
    with pytest.raises(ValueError, match="neutral names are needed"):
        neutral_hosts("k", 10**6)


def test_the_list_is_the_same_each_time() -> None:
    assert list(vendor_list().items())[:2] == sorted(vendor_list().items())[:2]
    assert len(vendor_list()) > 10_000
    assert not {"ILL.CSAM", "ILL.TERR", "CTRL", "ALW", "LOC"} & set(vendor_list().values())


def test_neighbours_by_name_are_no_neighbours_by_category() -> None:
    codes = list(vendor_list().values())

    alike = sum(one == other for one, other in pairwise(codes))

    assert alike < len(codes) / 10


def test_it_holds_what_each_requirement_about_real_items_needs() -> None:
    sizes = Counter(vendor_list().values())
    for name in schemes():
        scheme = load_scheme(name)
        for row in scheme.requirements:
            if row.rests_on != "real" or row.threshold is None:
                continue
            needed = items_needed(row, row.alpha or scheme.decision.alpha)
            for code in row.measure.categories:
                at_hand = sum(n for each, n in sizes.items() if f"{each}.".startswith(f"{code}."))
                assert at_hand >= needed, (name, row.id, code)


def test_it_is_imported_as_real_items(tmp_path: Path) -> None:
    listed = write_vendor_list(tmp_path / "list.csv")

    report = import_pack("labelled", listed, tmp_path / "pack", created="2026-01-01T00:00:00Z")

    pack = open_pack(str(tmp_path / "pack"))
    assert report.items == len(vendor_list()) == pack.size
    assert pack.reference.kind == "real"
    item = next(pack.items())
    assert vendor_list()[item.host] == item.category
    assert item.registrable == item.host
    assert item.category in shipped()
