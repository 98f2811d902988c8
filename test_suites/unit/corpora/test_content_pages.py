"""Content pages: a secret seed makes hosts that say nothing and pages that say what they are."""

from __future__ import annotations

from pathlib import Path

from corpora.lint import lint
from corpora.synthetic_sites import CATEGORIES, content_pages, vendor_list, write_content_pages

CREATED = "2026-01-01T00:00:00Z"


def test_each_page_that_bears_a_marker_has_a_neighbour_that_does_not() -> None:
    made = content_pages("secret", ("PORN", "DRUG"), pages=3)

    assert sorted(made.codes.values()) == ["DRUG"] * 3 + ["PORN"] * 3
    labels = [row["labels"] for row in made.rows]
    assert labels == ["PORN", "ALW.SEXED"] * 3 + ["DRUG", "ALW.DRUGED"] * 3
    for row in made.rows:
        assert (row["value"] in made.codes) == (not row["labels"].startswith("ALW"))
        assert row["applies_to"] == "content"
        assert made.texts[row["value"]]


def test_texts_differ_and_hosts_are_nobody_s() -> None:
    made = content_pages("secret")

    assert set(made.codes.values()) == set(CATEGORIES)
    texts = [made.texts[host] for host in made.codes]
    assert len(set(texts)) == len(texts)
    assert not made.texts.keys() & vendor_list().keys()
    assert list(made.texts)[:20] != list(content_pages("other").texts)[:20]


def test_the_pack_is_for_assessors_and_holds_content_items(tmp_path: Path) -> None:
    made = content_pages("secret", ("PORN",), pages=2)

    pack = write_content_pages(made, tmp_path / "pages", "secret", CREATED)

    assert (pack.reference.kind, pack.reference.audience) == ("content", "assessor")
    assert pack.reference.is_hidden
    assert pack.size == 4
    assert lint(pack) == []
    for path in (tmp_path / "pages").iterdir():
        assert "secret" not in path.read_text()
