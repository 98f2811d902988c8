"""What exporters share: hosts, URLs and addresses, each once."""

from pathlib import Path

import pytest

from corpora.exporters import LIST_EXPORTERS
from corpora.exporters.product_lists import (
    addresses_of,
    export_csv,
    export_squid_urls,
    hosts_of,
    left_out,
    urls_of,
    write_lines,
)
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


PAGES = [
    item("http://c.example/100%25/caf%c3%a9%2Fx%20y.html?a=b?c=(1)", "url"),
    item("https://d.example/a", "url"),
    item("https://b.example/", "url"),
]


def test_squid_gets_decoded_patterns_of_whole_addresses(tmp_path: Path) -> None:
    export_squid_urls(PAGES, tmp_path / "list")

    assert (tmp_path / "list").read_text(encoding="utf-8").splitlines() == [
        r"^https?://c\.example/100%/café/x[[:space:]]y\.html\?a=b\?c=\(1\)$",
        r"^https?://d\.example/a$",
    ]


@pytest.mark.parametrize("form", sorted(LIST_EXPORTERS.load()))
def test_each_format_says_what_it_cannot_list(form: str, tmp_path: Path) -> None:
    missing = left_out(PAGES, form)
    LIST_EXPORTERS.find(form)(PAGES, tmp_path / "list")
    files = [path for path in (tmp_path, *tmp_path.rglob("*")) if path.is_file()]
    text = "".join(path.read_text(encoding="utf-8") for path in files)

    has_pages, has_site = "d.example" in text or r"d\.example" in text, "b.example" in text
    assert missing.items == 2 * (not has_pages) + (not has_site)
    assert bool(missing.items) == bool(missing.sentence)


def test_a_technique_is_listed_by_its_host(tmp_path: Path) -> None:
    technique = Item(
        id="CV-1",
        value="url http://{host}./",
        labels=("MALW.BYPASS",),
        kind="vector",
        registrable="cv-1.ways.accredit.test",
    )
    nameless = Item(id="CV-2", value="a way", labels=("MALW.BYPASS",), kind="vector")

    export_csv([technique, nameless], tmp_path / "list")

    (_, row) = (tmp_path / "list").read_text(encoding="utf-8").splitlines()
    assert row.startswith("cv-1.ways.accredit.test,host,MALW.BYPASS,")
    assert ["cv-1.ways.accredit.test"] == list(hosts_of([technique, nameless]))
