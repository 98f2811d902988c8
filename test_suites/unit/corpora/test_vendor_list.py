"""The made-up vendor's list: large enough for every scheme, imported like anybody's list."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

from corpora.build_pack import import_pack
from corpora.pack_reader import open_pack
from corpora.synthetic_sites import vendor_list, write_vendor_list
from corpora.taxonomy import shipped
from harness.model.coverage import items_needed
from harness.schemes.load import load_scheme
from harness.schemes.load import shipped as schemes


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
