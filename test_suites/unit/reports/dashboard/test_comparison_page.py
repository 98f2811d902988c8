"""Two runs beside each other: what stopped being blocked, and whether it is the service or us."""

from __future__ import annotations

import re

from sqlalchemy import update

from harness.store.hub.hub_tables import CAMPAIGNS
from reports.dashboard.addresses import address
from test_suites.kit.hubs.hub_items_example import (
    AFTER,
    BEFORE,
    BRIGHTWATER,
    NORTHGATE,
    THEIRS,
    add_campaign,
)
from test_suites.kit.hubs.hub_items_pages import (
    SUPPLIER,
    PagesWorld,
    heading,
    links,
    table_of,
    text_of,
)

# Two runs


def test_a_comparison_says_what_stopped_being_blocked(item_pages: PagesWorld) -> None:
    page = item_pages.page(address("compare", stream=NORTHGATE, before=BEFORE, after=AFTER))
    assert "2 items stopped being blocked" == heading(page)
    assert "from the service and not from us" in text_of(page, ".lead")
    assert {"drug-02", "private-05"} == {each.text() for each in page.css("section th a bdi")}
    assert item_pages.item("drug-02") in links(page)
    assert item_pages.item("drug-02", campaign=BEFORE) in links(page)
    rows = table_of(
        item_pages.get(
            address("compare", stream=NORTHGATE, before=BEFORE, after=AFTER).replace("?", ".csv?")
        )
    )
    assert {("drug-02", "blocked", "allowed"), ("private-05", "blocked", "allowed")} == {
        (row["item"], row["state_before"], row["state_after"]) for row in rows
    }


def test_without_an_earlier_run_the_last_one_before_is_taken(item_pages: PagesWorld) -> None:
    page = item_pages.page(address("compare", stream=NORTHGATE, after=AFTER))
    assert "2 items stopped being blocked" == heading(page)
    first = item_pages.page(address("compare", stream=NORTHGATE, after=BEFORE))
    assert "There is no earlier run to compare with" == heading(first)


def test_a_run_is_like_itself(item_pages: PagesWorld) -> None:
    page = item_pages.page(address("compare", stream=NORTHGATE, before=AFTER, after=AFTER))
    assert "No item changed between the two runs" == heading(page)


def test_a_change_of_our_instrument_is_said_first(new_item_pages: PagesWorld) -> None:
    with new_item_pages.registry.transaction(is_writing=True) as connection:
        row = connection.execute(CAMPAIGNS.select().where(CAMPAIGNS.c.campaign == AFTER)).first()
        assert row is not None
        body = row.body.replace('"rules":"2026.1"', '"rules":"2026.2"')
        assert body != row.body
        connection.execute(update(CAMPAIGNS).where(CAMPAIGNS.c.campaign == AFTER).values(body=body))
    page = new_item_pages.page(address("compare", stream=NORTHGATE, before=BEFORE, after=AFTER))
    assert "a difference may be ours" in text_of(page, ".lead")
    assert "Rules" in text_of(page, ".notice")


def test_runs_of_two_suppliers_or_services_are_not_compared(new_item_pages: PagesWorld) -> None:
    assert (
        404
        == new_item_pages.get(
            address("compare", stream=NORTHGATE, before=THEIRS, after=AFTER)
        ).status_code
    )
    add_campaign(
        new_item_pages.registry, NORTHGATE, "else", new_item_pages.folder, service="Another"
    )
    path = address("compare", stream=NORTHGATE, before="else", after=AFTER)
    assert 404 == new_item_pages.get(path).status_code
    foreign = address("compare", stream=BRIGHTWATER, before=THEIRS, after=THEIRS)
    assert 404 == new_item_pages.get(foreign, SUPPLIER).status_code
    assert 200 == new_item_pages.get(foreign).status_code


def test_a_pack_is_told_by_twelve_digits_of_its_digest(new_item_pages: PagesWorld) -> None:
    digest = "9f" * 32
    with new_item_pages.registry.transaction(is_writing=True) as connection:
        row = connection.execute(CAMPAIGNS.select().where(CAMPAIGNS.c.campaign == AFTER)).first()
        assert row is not None
        body = re.sub(r'"corpora":\[[^\]]*\]', f'"corpora":["canary 9 sha256:{digest}"]', row.body)
        connection.execute(update(CAMPAIGNS).where(CAMPAIGNS.c.campaign == AFTER).values(body=body))
    page = new_item_pages.get(address("compare", stream=NORTHGATE, before=BEFORE, after=AFTER))
    assert f"9 {digest[:12]}<" in page.text
