"""The list of campaigns and the page of one: newest first, worst first, each table as CSV."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from harness.store.hub.hub_tables import CAMPAIGNS, OUTCOMES
from reports.dashboard.addresses import address
from reports.dashboard.pages.campaign import place_in_words
from test_suites.kit.hubs.hub_items_example import (
    AFTER,
    BEFORE,
    NORTHGATE,
    SCHEME,
    THEIRS,
    add_campaign,
)
from test_suites.kit.hubs.hub_items_pages import (
    SUPPLIER,
    TOKEN,
    PagesWorld,
    heading,
    links,
    of_campaign,
    table_of,
    text_of,
)

# The list of campaigns


def test_campaigns_stand_newest_first_with_links(item_pages: PagesWorld) -> None:
    page = item_pages.page("/campaigns")
    assert "3 of 3 campaigns do not conform" == heading(page)
    names = [each.text() for each in page.css("tbody th a")]
    assert [AFTER, THEIRS, BEFORE] == names
    assert of_campaign(scheme=SCHEME) in links(page)


def test_a_supplier_sees_its_own_campaigns_alone(item_pages: PagesWorld) -> None:
    page = item_pages.page("/campaigns", SUPPLIER)
    assert [AFTER, BEFORE] == [each.text() for each in page.css("tbody th a")]
    rows = table_of(item_pages.get("/campaigns.csv", SUPPLIER))
    assert [AFTER, BEFORE] == [row["campaign"] for row in rows]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=does-not-conform", [AFTER, THEIRS, BEFORE]),
        ("state=conforms", []),
        ("site=Moorside&service=SchoolShield+DNS", [AFTER, THEIRS, BEFORE]),
        ("site=Elsewhere", []),
        ("state=nonsense", [AFTER, THEIRS, BEFORE]),
    ],
)
def test_campaigns_are_filtered(item_pages: PagesWorld, query: str, found: list[str]) -> None:
    page = item_pages.page(f"/campaigns?{query}")
    assert found == [each.text() for each in page.css("tbody th a")]
    assert found == [row["campaign"] for row in table_of(item_pages.get(f"/campaigns.csv?{query}"))]
    if not found:
        assert "/campaigns" in links(page)


def test_many_campaigns_come_page_by_page_each_once(new_item_pages: PagesWorld) -> None:
    for number in range(60):
        add_campaign(new_item_pages.registry, NORTHGATE, f"run-{number:02}", new_item_pages.folder)
    seen, path = [], "/campaigns"
    for _ in range(3):
        page = new_item_pages.page(path)
        seen += [each.text() for each in page.css("tbody th a")]
        following = page.css_first("a#next")
        if following is None:
            break
        path = str(following.attributes["href"])
    assert 63 == len(seen) == len(set(seen))
    assert 63 == len(table_of(new_item_pages.get("/campaigns.csv")))


# One campaign


def test_a_campaign_says_what_it_found_and_links_numbers_to_items(item_pages: PagesWorld) -> None:
    page = item_pages.page(of_campaign())
    assert heading(page).startswith("Does not conform: 3 of 6 items were blocked")
    assert of_campaign("items", requirement="URL-04", profile="ks2", line="proxy") in links(page)
    assert of_campaign(
        "items", category="DRUG", state="allowed", profile="ks2", line="proxy"
    ) in links(page)
    assert of_campaign("items", mechanism="block_page") in links(page)
    text = text_of(page, "body")
    assert "the agreed pages are allowed" in text
    assert "canary 1.0.0" in text


def test_the_worst_outcome_stands_first(item_pages: PagesWorld) -> None:
    page = item_pages.page(of_campaign())
    codes = [each.text() for each in page.css("table.outcomes tbody th code")]
    assert ["URL-04", "URL-09"] == codes
    assert 1 == len(page.css("table.outcomes tr.decides"))


@pytest.mark.parametrize(
    ("table", "rows"),
    [("outcomes", 2), ("checks", 3), ("categories", 4), ("mechanisms", 2), ("corpora", 2),
     ("lines", 1), ("instrument", 0)],
)  # fmt: skip
def test_each_table_is_there_as_csv(item_pages: PagesWorld, table: str, rows: int) -> None:
    path, _, query = of_campaign(table, scheme=SCHEME).partition("?")
    assert rows == len(table_of(item_pages.get(f"{path}.csv?{query}")))


def test_an_unknown_table_or_scheme_is_not_here(item_pages: PagesWorld) -> None:
    assert 404 == item_pages.get(of_campaign("secrets") + ".csv").status_code
    assert 404 == item_pages.get(of_campaign(scheme="other")).status_code


def test_a_campaign_without_an_assessment_says_so(new_item_pages: PagesWorld) -> None:
    with new_item_pages.registry.transaction(is_writing=True) as connection:
        connection.execute(update(CAMPAIGNS).values(body="{}", state="no-data"))
        connection.execute(update(OUTCOMES).values(body="{}"))
    page = new_item_pages.page(of_campaign())
    assert f"Nothing is kept of what {AFTER} found" == heading(page)
    assert "is not kept here" in text_of(page, ".notice")
    assert 200 == new_item_pages.get(of_campaign("items")).status_code
    assert 200 == new_item_pages.get(new_item_pages.item("drug-01")).status_code
    assert 200 == new_item_pages.get(address("compare", stream=NORTHGATE, after=AFTER)).status_code


def test_a_token_for_results_alone_gets_no_link_to_items(item_pages: PagesWorld) -> None:
    page = item_pages.page(of_campaign(), TOKEN)
    assert not [each for each in links(page) if "/items" in each or "/compare" in each]
    assert 404 == item_pages.get(of_campaign("items"), TOKEN).status_code


@pytest.mark.parametrize(
    ("profile", "line", "words"),
    [
        ("*", "*", "everywhere"),
        ("", "", "everywhere"),
        ("pupils", "school", "pupils on school"),
        ("*", "school", "every profile on school"),
        ("pupils", "", "pupils on every line"),
    ],
)
def test_it_is_said_in_words_where_a_check_was_made(profile: str, line: str, words: str) -> None:
    assert words == place_in_words(profile, line)
