"""Nobody sees other suppliers' rows, and no hostile text gets through, whatever the address."""

from __future__ import annotations

import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from harness.model.hub_access import Role
from reports.dashboard.addresses import address, name_in, place_after, segment
from test_suites.kit.hubs.hub_items_example import (
    AFTER,
    BEFORE,
    BRIGHTWATER,
    MEASURED,
    NORTHGATE,
    THEIRS,
)
from test_suites.kit.hubs.hub_items_pages import (
    PAGE_SHA,
    PATHS,
    SCHOOL,
    SUPPLIER,
    PagesWorld,
    of_campaign,
    table_of,
)

# Everybody


@pytest.mark.parametrize("path", PATHS)
def test_the_public_signs_in_and_schools_and_administrators_find_nothing(
    item_pages: PagesWorld, path: str
) -> None:
    assert 303 == item_pages.get(path, "").status_code
    assert 404 == item_pages.get(path, SCHOOL).status_code
    assert 404 == item_pages.get(path, Role.ADMINISTRATOR.value).status_code


@pytest.mark.parametrize(
    "more", [(), ("items",), ("items", "1"), ("items", "1", "evidence", PAGE_SHA)]
)
def test_what_is_foreign_is_answered_as_what_is_unknown(
    item_pages: PagesWorld, more: tuple[str, ...]
) -> None:
    foreign = item_pages.get(of_campaign(*more, campaign=THEIRS, stream=BRIGHTWATER), SUPPLIER)
    unknown = item_pages.get(
        of_campaign(*more, campaign="no such", stream="supplier:none"), SUPPLIER
    )
    mixed = item_pages.get(of_campaign(*more, campaign=THEIRS), SUPPLIER)
    for answer in (foreign, unknown, mixed):
        assert 404 == answer.status_code
        assert unknown.text == answer.text
    if more != ("items", "1", "evidence", PAGE_SHA):
        own = of_campaign(*more, campaign=THEIRS, stream=BRIGHTWATER)
        assert 200 == item_pages.get(own).status_code


NAMES = st.one_of(
    st.text(max_size=40),
    st.sampled_from([NORTHGATE, BRIGHTWATER, AFTER, BEFORE, THEIRS, "..", "/", "%", "~", "\x00"]),
)
FOREIGN = (THEIRS, "brightwater")


@given(stream=NAMES, campaign=NAMES, number=st.one_of(NAMES, st.integers(-5, 2**70).map(str)))
def test_no_address_shows_a_supplier_another_suppliers_rows(
    item_pages: PagesWorld, stream: str, campaign: str, number: str
) -> None:
    for path in (
        address("campaigns", stream, campaign),
        address("campaigns", stream, campaign, "items"),
        address("campaigns", stream, campaign, "items", number),
        address("campaigns", stream, campaign, "items", number, "evidence", number),
        address("compare", stream=stream, before=campaign, after=AFTER),
        address("campaigns", service=stream, site=campaign, state=number),
    ):
        answer = item_pages.get(path, SUPPLIER)
        assert answer.status_code in {200, 303, 307, 404}, path
        if answer.status_code == 200:
            table = LexborHTMLParser(answer.text).css("table")
            shown = "".join(each.text() for each in table)
            assert not [each for each in FOREIGN if each in shown]


@given(
    place=st.one_of(
        st.text(max_size=30), st.lists(NAMES, max_size=4).map(lambda x: place_after(*x))
    )
)
def test_a_place_that_cannot_be_read_is_refused(item_pages: PagesWorld, place: str) -> None:
    for path in (
        address("campaigns", after=place),
        of_campaign("items", after=place),
        address("compare", stream=NORTHGATE, before=BEFORE, after=AFTER, place=place),
    ):
        assert item_pages.get(path).status_code in {200, 400, 404}, path


@given(
    name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60)
)
def test_a_name_stays_the_same_in_a_path(name: str) -> None:
    part = segment(name)
    assert re.fullmatch(r"[A-Za-z0-9_~%-]*", part)
    assert name == name_in(httpx.URL("http://h/" + part).path[1:])


def test_hostile_texts_are_escaped_on_every_page_and_in_every_csv(item_pages: PagesWorld) -> None:
    for name in ("drug-03", "=drug-04"):
        text = item_pages.get(item_pages.item(name)).text
        assert "<script>alert" not in text
        assert "\u202e" not in text
        assert "\x1b" not in text
        assert "&lt;script&gt;" in text
    for path in PATHS:
        if path.endswith(PAGE_SHA):
            continue
        answer = item_pages.get(path)
        assert "\u202e" not in answer.text
        if "html" in answer.headers["content-type"]:
            assert "<script>alert" not in answer.text
    rows = table_of(item_pages.get(of_campaign("items") + ".csv"))
    assert "'=drug-04" in {row["item"] for row in rows}
    for row in rows:
        assert not [value for value in row.values() if value[:1] in "=+-@\t\r" and value[:1]]


def test_no_page_has_inline_style_or_script_and_each_has_one_heading(
    item_pages: PagesWorld,
) -> None:
    for path in PATHS:
        answer = item_pages.get(path)
        if "html" not in answer.headers["content-type"]:
            continue
        page = LexborHTMLParser(answer.text)
        assert not page.css("[style]"), path
        assert not [each for each in page.css("script") if not each.attributes.get("src")], path
        assert 1 == len(page.css("h1")), path
        assert all(each.css_first("caption") for each in page.css("table")), path
        ids = [each.attributes["id"] for each in page.css("[id]")]
        assert len(ids) == len(set(ids)), path


def test_measured_times_are_those_of_the_example() -> None:
    assert MEASURED[BEFORE] < MEASURED[THEIRS] < MEASURED[AFTER]
