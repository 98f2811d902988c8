"""e2guardian gets a list for each kind of entry."""

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
        LIST_EXPORTERS.find("e2guardian")(
            [Item(id="1", value="CR-1", labels=("GAMB",), kind="recipe")], tmp_path / "x"
        )

    assert list(tmp_path.iterdir()) == []


def test_it_comes_back(tmp_path: Path) -> None:
    LIST_EXPORTERS.find("e2guardian")(ITEMS, tmp_path / "lists")

    rows = list(import_list("e2guardian_site", tmp_path / "lists" / "bannedsitelist"))
    assert [row.value for row in rows] == ["a.example", "b.example", "w.a.example"]
    (row,) = import_list("e2guardian_url", tmp_path / "lists" / "bannedurllist")
    assert (row.value, row.reason) == ("c.example/x", "category GAMB, PORN")
    assert "192.0.2.1" in (tmp_path / "lists" / "bannedsiteiplist").read_text()


def test_a_list_without_entries_is_not_written(tmp_path: Path) -> None:
    LIST_EXPORTERS.find("e2guardian")(ITEMS[:1], tmp_path / "lists")

    assert [path.name for path in (tmp_path / "lists").iterdir()] == ["bannedsitelist"]
