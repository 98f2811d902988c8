"""Engines come from the rows of the pack ``search``; suppliers are told of engines and terms."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from corpora import search_engines as module
from corpora.origin_pack import on_hosts, write_origin_pack
from corpora.pack_reader import open_pack
from corpora.search_engines import search_engines
from corpora.search_names import search_names
from corpora.search_pages import (
    SEARCH_PACK,
    SearchSizes,
    search_pages,
    supplier_lists,
)
from corpora.search_terms import search_terms, words_without_meaning, written
from harness.model.content_form import form_named, is_only_reported, variant_of
from harness.model.search_case import (
    FILM_CODES,
    OPT_OUTS,
    QUERY_FORMS,
    SearchLock,
    is_near,
)

FEW = SearchSizes(repeats=2, queries=3, twins=1)
PAGES = search_pages("seed", (), FEW)


def test_every_row_with_a_lock_or_without_one_is_an_engine() -> None:
    kinds = Counter(engine.lock.kind for engine in search_engines())

    assert kinds == {"parameter": 4, "header": 2, "none": 4, "cookie": 1, "dns": 8}
    videos = {engine.row for engine in search_engines() if engine.is_video}
    assert videos == {"SV-010", "SV-011", "SV-012"}


def test_a_new_row_needs_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("SV-901", "query parameter", "strict=1&mode=school set by the proxy; a source")]
    monkeypatch.setattr(module, "_rows", lambda: iter(rows))
    made = search_engines.__wrapped__()

    assert made[0].row == "SV-901"
    assert made[0].lock == SearchLock("parameter", "strict=1&mode=school")


def test_the_names_of_real_engines_are_written_out() -> None:
    rows = {row["value"]: row["stratum"] for row in reversed(search_names().rows)}

    assert rows["www.google.co.uk"] == "LOC.SRCH/lock:dns:SV-001@forcesafesearch.google.com"
    assert rows["start.duckduckgo.com"] == "LOC.SRCH/lock:dns:SV-018@safe.duckduckgo.com"
    assert rows["m.youtube.com"] == "ADLT/video:strict:SV-010@restrict.youtube.com"
    assert {"ya.ru", "youtubei.googleapis.com", "www.youtube-nocookie.com"} <= rows.keys()
    moderate = [row["stratum"] for row in search_names().rows if "moderate" in row["stratum"]]
    assert {*moderate} == {
        "VIOL/video:moderate:SV-011@restrictmoderate.youtube.com|restrict.youtube.com"
    }


def test_the_same_seed_gives_the_same_pages_on_hosts_that_are_not_taken() -> None:
    again = search_pages("seed", (), FEW)
    other = search_pages("seed", frozenset(PAGES.texts), FEW)

    assert again == PAGES
    assert not other.texts.keys() & PAGES.texts.keys()


def test_each_case_of_the_metrics_is_made() -> None:
    variants = {variant_of(row["stratum"]) for row in PAGES.rows}
    groups = {
        variant.rpartition(":")[0] if variant.count(":") > 1 else variant for variant in variants
    }

    assert {f"query:{form}" for form in QUERY_FORMS} | {"results:first"} <= groups
    assert {f"optout:{way}" for way in OPT_OUTS} <= groups
    assert "lock:dns" in groups
    assert {f"video:{mode}" for mode in FILM_CODES} <= groups
    assert all(form_named(variant) and is_only_reported(f"DRUG/{variant}") for variant in variants)


def test_the_pack_is_written_and_read_on_other_hosts(tmp_path: Path) -> None:
    moved = on_hosts(PAGES, lambda host: host.replace("sites.accredit.test", "sites.example.org"))
    write_origin_pack(SEARCH_PACK, moved, tmp_path / "p", "s", "2026-01-01T00:00:00Z")
    pack = open_pack(str(tmp_path / "p"))
    items = list(pack.items())

    assert len(items) == len(PAGES.rows)
    assert all(item.host.endswith(".sites.example.org") for item in items)
    assert all(item.value.isascii() for item in items)


def test_suppliers_are_told_of_engines_with_all_modes_and_of_terms() -> None:
    lists = supplier_lists(PAGES)
    tables = lists.tables()

    assert lists.engines.keys() == PAGES.contents.keys()
    assert "header YouTube-Restrict: Strict | Moderate" in lists.engines.values()
    assert "header YouTube-Restrict: Strict" not in lists.engines.values()
    assert len(lists.without_lock) == 4
    assert len(tables["search-terms.csv"].splitlines()) == 1 + 4 * len(search_terms())
    assert "cookie,safesearch=strict\n" in tables["search-engines.csv"]


def test_the_query_of_a_harmless_twin_holds_no_agreed_term() -> None:
    terms = [term.word for term in search_terms()]
    words = [*islice(words_without_meaning("seed/words", terms), 50)]

    assert not any(is_near(word, term) for word in words for term in terms)
    assert len({*terms}) == 99


@pytest.mark.parametrize("form", QUERY_FORMS)
def test_a_form_changes_how_a_term_is_written(form: str) -> None:
    term = search_terms()[0]
    texts = {written(form, term, number).target for number in range(6)}

    assert all(text.isascii() and "?q=" in text for text in texts)
    assert (term.word in " ".join(texts)) is (form in ("plain", "suggest"))


def test_an_unknown_lock_is_refused() -> None:
    with pytest.raises(ValueError, match="not 'colour'"):
        SearchLock.parse("colour blue")
