"""Lists for filtering products: our own importers read back what was written."""

from __future__ import annotations

from pathlib import Path

import dns.zone
import pytest

from corpora.exporters import LIST_EXPORTERS
from corpora.read_list import import_list
from harness.errors import UsageError
from harness.model.corpus import Item

ITEMS = [
    Item(id="1", value="a.example", labels=("GAMB",), kind="suffix"),
    Item(id="2", value="b.example", labels=("GAMB",)),
    Item(id="3", value="w.a.example", labels=("GAMB",)),
    Item(id="4", value="http://c.example/x", labels=("PORN",), kind="url"),
    Item(id="5", value="192.0.2.1", labels=("PORN",), kind="ip"),
]


def export(name: str, out: Path) -> Path:
    LIST_EXPORTERS.find(name)(ITEMS, out)
    return out


@pytest.mark.parametrize("name", sorted(LIST_EXPORTERS.load()))
def test_nothing_is_written_if_no_item_can_be_expressed(name: str, tmp_path: Path) -> None:
    recipe = Item(id="1", value="CR-1", labels=("GAMB",), kind="recipe")

    with pytest.raises(UsageError, match="the format cannot express any of the items"):
        LIST_EXPORTERS.find(name)([recipe], tmp_path / "x")

    assert list(tmp_path.iterdir()) == []


def test_e2guardian_gets_a_list_for_each_kind_of_entry(tmp_path: Path) -> None:
    lists = export("e2guardian", tmp_path / "lists")

    rows = list(import_list("e2guardian_site", lists / "bannedsitelist"))
    assert [row.value for row in rows] == ["a.example", "b.example", "w.a.example"]
    (row,) = import_list("e2guardian_url", lists / "bannedurllist")
    assert (row.value, row.reason) == ("c.example/x", "category GAMB, PORN")
    assert "192.0.2.1" in (lists / "bannedsiteiplist").read_text()


def test_e2guardian_gets_no_list_without_entries(tmp_path: Path) -> None:
    LIST_EXPORTERS.find("e2guardian")(ITEMS[:1], tmp_path / "lists")

    assert [path.name for path in (tmp_path / "lists").iterdir()] == ["bannedsitelist"]


def test_a_hosts_file_has_each_host_once(tmp_path: Path) -> None:
    rows = list(import_list("hosts", export("hosts", tmp_path / "hosts")))

    assert [row.value for row in rows] == ["a.example", "b.example", "w.a.example"]
    assert {row.status for row in rows} == {"ok"}


def test_a_dstdomain_list_distinguishes_suffixes_and_has_no_name_twice(tmp_path: Path) -> None:
    path = export("squid", tmp_path / "deep" / "list")

    assert path.read_text() == ".a.example\nb.example\n"
    assert [(row.value, row.match) for row in import_list("squid", path)] == [
        ("a.example", "suffix"),
        ("b.example", "exact"),
    ]


def test_a_policy_zone_covers_suffixes_and_the_names_below_them(tmp_path: Path) -> None:
    path = export("rpz", tmp_path / "zone")

    assert [(row.value, row.match, row.target) for row in import_list("rpz", path)] == [
        ("a.example", "exact", "NXDOMAIN"),
        ("a.example", "subdomains", "NXDOMAIN"),
        ("b.example", "exact", "NXDOMAIN"),
        ("w.a.example", "exact", "NXDOMAIN"),
    ]
    zone = dns.zone.from_text(path.read_text(), origin="rpz.test.")
    assert str(zone["a.example"].rdatasets[0][0]) == "."


def test_a_ut1_tree_has_a_folder_for_each_category(tmp_path: Path) -> None:
    rows = list(import_list("ut1", export("ut1", tmp_path / "lists")))

    assert [(row.value, row.target, row.status) for row in rows] == [
        ("192.0.2.1", "PORN", "ok"),
        ("c.example/x", "PORN", "ok"),
        ("a.example", "GAMB", "ok"),
        ("b.example", "GAMB", "ok"),
        ("w.a.example", "GAMB", "redundant"),
    ]
