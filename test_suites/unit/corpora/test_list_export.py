"""What exporters share: hosts, URLs and addresses, each once."""

from pathlib import Path

import pytest

from corpora.exporters.product_lists import addresses_of, hosts_of, urls_of, write_lines
from harness.errors import UsageError
from harness.model.corpus import Item, ItemKind


def item(value: str, kind: ItemKind = "host", digest: str = "") -> Item:
    return Item(id=value, value=value, labels=("GAMB",), kind=kind, value_hmac=digest)


ITEMS = [
    item("A.example"),
    item("a.example", "suffix"),
    item("https://b.example/", "url"),
    item("http://c.example/x?y", "url"),
    item("http://192.0.2.1/", "url"),
    item("192.0.2.1", "ip"),
    item("192.0.2.0/24", "cidr"),
    item("CR-014", "recipe"),
    item("", "url", "hmac-sha256:k:" + "0" * 64),
]


def test_each_is_said_once_and_as_what_it_is() -> None:
    assert list(hosts_of(ITEMS)) == ["a.example", "b.example"]
    assert list(urls_of(ITEMS)) == ["c.example/x?y"]
    assert list(addresses_of(ITEMS)) == ["192.0.2.1", "192.0.2.0/24"]


def test_only_the_lines_below_the_head_count(tmp_path: Path) -> None:
    write_lines(tmp_path / "list", ["@a", "#b"], ["head"])
    with pytest.raises(UsageError, match="cannot express any of the items"):
        write_lines(tmp_path / "empty", [], ["server:"])

    assert "head\n@a\n#b\n" == (tmp_path / "list").read_text()
    assert ["list"] == [path.name for path in tmp_path.iterdir()]
