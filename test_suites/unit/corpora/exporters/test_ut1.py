"""A UT1 tree has a folder a category, and our own importer reads it back."""

from pathlib import Path

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


def test_nothing_is_written_if_nothing_can_be_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the format cannot express any of the items"):
        LIST_EXPORTERS.find("ut1")(
            [Item(id="1", value="CR-1", labels=("GAMB",), kind="recipe")], tmp_path / "x"
        )

    assert list(tmp_path.iterdir()) == []


def test_it_comes_back(tmp_path: Path) -> None:
    LIST_EXPORTERS.find("ut1")(ITEMS, tmp_path / "lists")

    rows = list(import_list("ut1", tmp_path / "lists"))
    assert [(row.value, row.target, row.status) for row in rows] == [
        ("192.0.2.1", "PORN", "ok"),
        ("c.example/x", "PORN", "ok"),
        ("a.example", "GAMB", "ok"),
        ("b.example", "GAMB", "ok"),
        ("w.a.example", "GAMB", "redundant"),
    ]
