"""Which items a requirement rests on; whatever is not known to be hidden shows the least."""

from __future__ import annotations

from typing import Any

import pytest

from harness.estimate.item_selection import (
    AGREED,
    AGREED_ONLY,
    KNOWN_ONLY,
    Sources,
    is_relevant,
    source_of,
)
from harness.model.corpus import AS_VISITED, Item, PackKind
from harness.model.journal_header import PackNote
from harness.model.metric import Source

HIDDEN, KNOWN = Source("real", is_hidden=True), Source("real", is_hidden=False)
PAGES, KNOWN_PAGES = Source("content", is_hidden=True), Source("content", is_hidden=False)


@pytest.mark.parametrize(
    ("pack", "source"),
    [
        ({"kind": "real", "audience": "sealed"}, HIDDEN),
        ({"kind": "real", "audience": "assessor"}, HIDDEN),
        ({"kind": "real", "audience": "supplier"}, KNOWN),
        ({"kind": "real"}, KNOWN),
        ({"kind": "content", "audience": "assessor"}, PAGES),
        ({"kind": "agreed", "audience": "sealed"}, AGREED),
        ({"audience": "sealed"}, AGREED),
        ({"kind": "nonsense", "audience": "sealed"}, AGREED),
    ],
)
def test_a_pack_that_does_not_say_so_is_not_hidden(pack: dict[str, Any], source: Source) -> None:
    assert source_of(PackNote(**pack)) == source


def test_items_without_a_mark_are_of_the_one_pack() -> None:
    one = {"secret 1": PackNote(kind="real", audience="sealed")}

    assert Sources(packs=one).of_pack("") == HIDDEN
    assert Sources(packs=one).of_pack("secret 1") == HIDDEN
    assert Sources(packs=one | {"open 2": PackNote()}).of_pack("") == AGREED
    assert Sources(packs=one).of_pack("strange 3") == AGREED
    assert Sources().of_pack("") == AGREED


def basis(rests_on: PackKind | None, *present: Source, items: PackKind = "real") -> Any:
    found = Sources(items=items).basis(rests_on, present)
    return found.kind, set(found.sources), found.qualifier


def test_a_rate_rests_on_hidden_real_items() -> None:
    assert basis("real", HIDDEN, AGREED) == ("real", {HIDDEN}, "")
    assert basis("real") == ("real", {HIDDEN}, "")
    assert basis("real", AGREED) == ("agreed", {AGREED}, AGREED_ONLY)
    assert basis("real", AGREED, KNOWN) == ("agreed", {AGREED, KNOWN}, AGREED_ONLY)
    assert basis("real", KNOWN) == ("real", {KNOWN}, KNOWN_ONLY)
    assert basis("real", PAGES) == ("real", {HIDDEN}, "")


def test_a_campaign_may_declare_to_rest_on_the_agreed_list() -> None:
    assert basis("real", HIDDEN, AGREED, items="agreed") == ("agreed", {AGREED}, AGREED_ONLY)
    assert basis("real", HIDDEN, items="agreed") == ("real", {HIDDEN}, "")


def test_what_a_page_says_rests_on_pages_that_nobody_was_told_of() -> None:
    assert basis("content", PAGES) == ("content", {PAGES}, "")
    assert basis("content", KNOWN_PAGES) == ("content", {KNOWN_PAGES}, KNOWN_ONLY)


def test_a_census_rests_on_agreed_items() -> None:
    assert basis("agreed", AGREED, HIDDEN) == ("agreed", {AGREED}, "")
    assert basis("agreed", HIDDEN) == ("real", {HIDDEN}, "")
    assert basis("agreed") == ("agreed", {AGREED}, "")


def test_what_is_about_no_items_rests_on_none() -> None:
    assert basis(None, AGREED, HIDDEN) == ("", set(), "")


def test_content_items_count_where_content_is_asked_and_nowhere_else() -> None:
    assert [is_relevant(PAGES, kind) for kind in ("content", "real", "agreed", None)] == [
        True,
        False,
        False,
        True,
    ]
    assert [is_relevant(AGREED, kind) for kind in ("content", "real", "agreed")] == [
        False,
        True,
        True,
    ]


def test_what_is_tested_apart() -> None:
    packs = {f"s 1 {AS_VISITED}": PackNote(kind="real", audience="sealed")}
    item = Item(id="i", value="i.test", labels=("PORN.NUDE",), pack=f"s 1 {AS_VISITED}")

    apart = Sources(packs=packs).test_key(item, ("DRUG", "PORN"))

    assert apart == (AS_VISITED, HIDDEN, "PORN")
