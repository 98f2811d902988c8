"""The page of products and techniques, from the recorded result; no product runs."""

from __future__ import annotations

from test_suites.products.technique_gateways import GATEWAYS
from test_suites.products.technique_table import OPEN, PAGE, page, recorded


def test_the_page_is_up_to_date() -> None:
    assert page(recorded()) == PAGE.read_text(encoding="utf-8"), "generate it as it says"


def test_the_record_is_of_all_products() -> None:
    table = recorded()

    assert [*GATEWAYS] == [*table.products]
    assert all({*row.cells} == {*GATEWAYS} for row in table.rows)


def test_the_careful_gateway_leaves_nothing_open_and_others_do() -> None:
    table = recorded()

    assert [] == table.ended("careful", OPEN)
    assert table.ended("unbound", OPEN)
