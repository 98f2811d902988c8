"""Pages of items and their evidence: filters, hidden and sensitive items, bytes, the audit."""

from __future__ import annotations

import re

import pytest
from selectolax.lexbor import LexborHTMLParser

from harness.errors import InstrumentError
from harness.model.hub_access import Role
from harness.store.evidence import EvidenceFolder
from harness.store.hub.hub_tables import ITEMS
from harness.store.hub.item_rows import age_out
from reports.dashboard.addresses import address
from test_suites.kit.hubs.hub_items_example import (
    AFTER,
    BEFORE,
    HIDDEN_VALUE,
    NORTHGATE,
    PAGE,
    SECRET,
)
from test_suites.kit.hubs.hub_items_pages import (
    PAGE_SHA,
    READERS,
    SCHOOL,
    SUPPLIER,
    THEIR_SHA,
    TOKEN,
    PagesWorld,
    heading,
    links,
    of_campaign,
    table_of,
    text_of,
)

# Items


def items_shown(page: LexborHTMLParser) -> list[str]:
    return [each.text() for each in page.css("table.items-list tbody th a")]


def test_items_of_a_requirement_stand_worst_first(item_pages: PagesWorld) -> None:
    page = item_pages.page(of_campaign("items", requirement="URL-04"))
    states = [each.text() for each in page.css("table.items-list .said")]
    assert ["Not as expected"] * 3 + ["Undecided"] + ["As expected"] * 2 == states
    assert "What happened to the items of URL-04" == heading(page)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"category": "ALW.HEAL", "state": "blocked"}, {"alw-06"}),
        ({"category": "ALW.HEAL"}, {"alw-06", "alw-07"}),
        ({"state": "insufficient"}, {"drug-08"}),
        ({"mechanism": "tcp_reset"}, {"s3-2"}),
        ({"mechanism": "dns_silent"}, set()),
        ({"item": "drug-02"}, {"drug-02"}),
        ({"requirement": "URL-04", "state": "allowed"}, {"drug-02", "=drug-04", "private-05"}),
        ({"requirement": "URL-77"}, set()),
        ({"profile": "ks4"}, set()),
        ({"line": "proxy", "category": "PORN", "profile": "ks2"}, {"s3-1", "s3-2"}),
    ],
)
def test_items_are_filtered(
    item_pages: PagesWorld, values: dict[str, str], found: set[str]
) -> None:
    page = item_pages.page(of_campaign("items", **values))
    assert found == set(items_shown(page))
    if not found:
        empty = text_of(page, ".empty")
        assert "No item matches" in empty
        assert of_campaign("items") in links(page)


def test_wrongly_blocked_items_stand_first_in_a_category_that_must_be_open(
    item_pages: PagesWorld,
) -> None:
    shown = items_shown(item_pages.page(of_campaign("items", category="ALW.HEAL")))
    assert ["alw-06", "alw-07"] == shown
    page = item_pages.page(of_campaign("items", category="ALW.HEAL"))
    signs = [each.text() for each in page.css("table.items-list .said")]
    assert ["Not as expected", "As expected"] == signs


def test_items_come_page_by_page_each_once(new_item_pages: PagesWorld) -> None:
    with new_item_pages.registry.transaction(is_writing=True) as connection:
        row = connection.execute(ITEMS.select().where(ITEMS.c.item == "drug-02")).first()
        assert row is not None
        more = [
            dict(row._mapping)
            | {
                "number": 100 + n,
                "item": f"more-{n:03}",
                "category": f"C{n % 7}",
                "state": "allowed",
                "campaign": AFTER,
            }
            for n in range(130)
        ]
        connection.execute(ITEMS.insert(), more)
    for values in ({}, {"state": "allowed"}):
        seen, path = [], of_campaign("items", **values)
        while path:
            page = new_item_pages.page(path)
            seen += items_shown(page)
            following = page.css_first("a#next")
            path = str(following.attributes["href"]) if following else ""
        expected = table_of(
            new_item_pages.get(of_campaign("items", **values).replace("/items", "/items.csv"))
        )
        assert [each["item"].removeprefix("'") for each in expected] == seen
        assert len(seen) == len(set(seen)) == (142 if not values else 134)


def test_a_supplier_learns_category_and_number_of_a_hidden_item_and_no_more(
    item_pages: PagesWorld,
) -> None:
    number = item_pages.number("private-05")
    paths = [
        of_campaign("items"),
        of_campaign("items", state="allowed"),
        of_campaign("items").replace("/items", "/items.csv"),
        of_campaign("items", str(number)),
        address("compare", stream=NORTHGATE, before=BEFORE, after=AFTER),
        address("compare", stream=NORTHGATE, before=BEFORE, after=AFTER).replace("?", ".csv?"),
    ]
    for path in paths:
        text = item_pages.get(path, SUPPLIER).text
        assert "private-05" not in text, path
        assert HIDDEN_VALUE not in text, path
    page = item_pages.page(of_campaign("items", str(number)), SUPPLIER)
    assert f"Hidden item {number} came through" == heading(page)
    assert "elsewhere and before" not in text_of(page, "main")
    assert "12:00" not in text_of(page, "body")
    assert not items_shown(item_pages.page(of_campaign("items", item="private-05"), SUPPLIER))
    row = next(
        each
        for each in table_of(item_pages.get(paths[2], SUPPLIER))
        if each["number"] == str(number)
    )
    assert ("", "DRUG", "") == (row["value"], row["category"], row["tried_at"])
    assert "private-05" in item_pages.get(paths[0]).text


# One item


def test_an_item_shows_control_beside_service_and_the_rule(item_pages: PagesWorld) -> None:
    page = item_pages.page(item_pages.item("drug-01"))
    assert "drug-01 was blocked" == heading(page)
    hops = {
        text_of(row, "th").split()[0]: [cell.text() for cell in row.css("td")]
        for row in page.css("table.hops tbody tr")
    }
    assert ["yes", "no"] == hops["Token"]
    assert "200" in hops["Answered"][0]
    assert "403" in hops["Answered"][1]
    decided = text_of(page, "tr.decided")
    assert "page-learned" in decided
    assert "the page is the supplier's block page" in decided
    assert 2 == len(page.css("details pre"))
    assert "The policy asks to block it for ks2; the service blocked it" in text_of(page, ".lead")
    counted = of_campaign("items", requirement="URL-04", profile="ks2", line="proxy")
    assert counted in links(page)


def test_what_happened_to_the_item_in_other_runs_is_linked(item_pages: PagesWorld) -> None:
    page = item_pages.page(item_pages.item("drug-02"))
    assert "drug-02 came through" == heading(page)
    assert item_pages.item("drug-02", campaign=BEFORE) in links(page)


def test_the_next_item_alike_is_linked_until_there_is_none(item_pages: PagesWorld) -> None:
    page = item_pages.page(of_campaign("items", category="DRUG", state="allowed"))
    path, seen = links(page)[-1], []
    path = next(each for each in links(page) if re.search(r"/items/\d+$", each))
    while path:
        page = item_pages.page(path)
        seen.append(heading(page))
        found = [each for each in page.css("main a") if "next of them" in each.text()]
        path = str(found[0].attributes["href"]) if found else ""
    assert 3 == len(seen) == len(set(seen))


@pytest.mark.parametrize("name", ["s3-1", "s3-2", "s4-1", "0011223344"])
def test_sensitive_items_show_no_text_and_no_bytes(item_pages: PagesWorld, name: str) -> None:
    path = item_pages.item(name)
    answer = item_pages.get(path)
    assert 200 == answer.status_code
    assert SECRET not in answer.text
    assert "Not everything is stored of this item" in answer.text
    for sha256 in (PAGE_SHA, THEIR_SHA):
        assert 404 == item_pages.get(f"{path}/evidence/{sha256}").status_code


def test_evidence_that_has_aged_out_says_so_and_keeps_the_figures(
    new_item_pages: PagesWorld,
) -> None:
    path = new_item_pages.item("drug-01")
    with new_item_pages.registry.transaction(is_writing=True) as connection:
        age_out(connection, NORTHGATE, AFTER)
    page = new_item_pages.page(path)
    assert "drug-01 was blocked" == heading(page)
    assert "have aged out" in text_of(page, ".empty")
    assert "page-learned" in text_of(page, "tr.decided")
    assert [] == new_item_pages.audit.read
    assert 404 == new_item_pages.get(f"{path}/evidence/{PAGE_SHA}").status_code


# Evidence


def test_each_reading_of_evidence_is_recorded_before_it_is_shown(
    new_item_pages: PagesWorld,
) -> None:
    path, number = new_item_pages.item("drug-01"), str(new_item_pages.number("drug-01"))
    new_item_pages.page(path)
    answer = new_item_pages.get(f"{path}/evidence/{PAGE_SHA}")
    assert PAGE.body == answer.content
    assert [
        ("id-assessor", NORTHGATE, AFTER, number),
        ("id-assessor", NORTHGATE, AFTER, f"{number} {PAGE.digest}"),
    ] == new_item_pages.audit.read
    new_item_pages.audit.trouble = InstrumentError("the audit cannot be written")
    assert 503 == new_item_pages.get(path).status_code
    refused = new_item_pages.get(f"{path}/evidence/{PAGE_SHA}")
    assert 503 == refused.status_code
    assert PAGE.body not in refused.content


def test_bytes_are_a_file_to_save_and_never_a_page(item_pages: PagesWorld) -> None:
    answer = item_pages.get(f"{item_pages.item('drug-01')}/evidence/{PAGE_SHA}")
    assert "application/octet-stream" == answer.headers["content-type"]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert f'attachment; filename="{PAGE_SHA}.bin"' == answer.headers["content-disposition"]
    assert "sandbox" in answer.headers["content-security-policy"]


def test_bytes_of_another_item_are_not_here(item_pages: PagesWorld) -> None:
    path = item_pages.item("drug-01")
    assert 404 == item_pages.get(f"{path}/evidence/{THEIR_SHA}").status_code
    assert 200 == item_pages.get(f"{item_pages.item('drug-03')}/evidence/{THEIR_SHA}").status_code


@pytest.mark.parametrize(
    "name",
    ["..%2F..%2Fregistry.sqlite", "%2e%2e", "A" * 64, "g" * 64, PAGE_SHA.upper(), PAGE_SHA + "0",
     PAGE_SHA + "%0a", "", "%00" * 64],
)  # fmt: skip
def test_only_a_digest_names_bytes(item_pages: PagesWorld, name: str) -> None:
    assert 404 == item_pages.get(f"{item_pages.item('drug-01')}/evidence/{name}").status_code


def test_bytes_that_are_gone_say_so_and_changed_ones_are_not_sent(
    new_item_pages: PagesWorld,
) -> None:
    path = f"{new_item_pages.item('drug-01')}/evidence/{PAGE_SHA}"
    folder = EvidenceFolder(new_item_pages.folder / AFTER / "evidence")
    (kept,) = folder.directory.rglob(PAGE_SHA)
    kept.write_bytes(b"changed")
    assert 503 == new_item_pages.get(path).status_code
    kept.unlink()
    assert 410 == new_item_pages.get(path).status_code


@pytest.mark.parametrize("who", sorted({SUPPLIER, SCHOOL, Role.ADMINISTRATOR.value, TOKEN}))
def test_others_get_no_observation_and_no_bytes(new_item_pages: PagesWorld, who: str) -> None:
    path = new_item_pages.item("drug-01")
    assert 404 == new_item_pages.get(f"{path}/evidence/{PAGE_SHA}", who).status_code
    answer = new_item_pages.get(path, who)
    if who == SUPPLIER:
        assert 200 == answer.status_code
        for absent in ("Blocked", "nonce-drug-01", PAGE_SHA, "raw observation"):
            assert absent not in answer.text
    else:
        assert 404 == answer.status_code
    assert [] == new_item_pages.audit.read


@pytest.mark.parametrize("who", sorted(READERS))
def test_those_who_may_read_evidence_do(item_pages: PagesWorld, who: str) -> None:
    assert "raw observation" in item_pages.get(item_pages.item("drug-01"), who).text
