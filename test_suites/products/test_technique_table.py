"""The page of products and techniques, from the recorded result; no product runs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.model.technique_matrix import (
    TechniqueAnswer,
    TechniqueCell,
    TechniqueMatrix,
    TechniquePlace,
    TechniqueRow,
    TechniqueState,
)
from harness.model.verdict import Mechanism
from test_suites.products.technique_gateways import GATEWAYS
from test_suites.products.technique_table import (
    OPEN,
    PAGE,
    ProductTable,
    as_markdown,
    cell_words,
    differing,
    page,
    product_table,
    recorded,
)


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


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (TechniqueCell(state=TechniqueState.GOT_THROUGH), "open"),
        (TechniqueCell(state=TechniqueState.NOT_CARRIED), "not carried"),
        (TechniqueCell(state=TechniqueState.NOT_NEEDED), "not needed"),
        (TechniqueCell(state=TechniqueState.NOT_DECIDED), "undecided"),
        (
            TechniqueCell(state=TechniqueState.STOPPED, mechanism=Mechanism.BLOCK_PAGE),
            "block page",
        ),
        (
            TechniqueCell(
                state=TechniqueState.STOPPED,
                mechanism=Mechanism.OTHER,
                answer=TechniqueAnswer(failure="dns_nxdomain_error", stage="resolve"),
            ),
            "dns nxdomain (resolve)",
        ),
        (
            TechniqueCell(
                state=TechniqueState.STOPPED,
                mechanism=Mechanism.OTHER,
                answer=TechniqueAnswer(status=400),
            ),
            "status 400",
        ),
    ],
)
def test_a_cell_says_what_became_of_a_technique(cell: TechniqueCell, words: str) -> None:
    assert words == cell_words(cell)


def table_of(*states: TechniqueState) -> ProductTable:
    """A table of one technique over products with these states."""
    names = [f"product-{number}" for number, _ in enumerate(states)]
    row = TechniqueRow(
        item="CV-1", group="quic", name="h3", words="HTTP/3", statement="h3",
        cells=tuple(TechniqueCell(state=state) for state in states),
    )  # fmt: skip
    places = tuple(TechniquePlace(name, "pupils") for name in names)
    matrix = TechniqueMatrix(places=places, rows=(row,))
    return product_table(matrix, dict.fromkeys(names, "a product"))


def test_the_last_line_counts_what_is_open_of_what_could_be_tried() -> None:
    table = table_of(TechniqueState.GOT_THROUGH, TechniqueState.STOPPED, TechniqueState.NOT_CARRIED)

    *_, row, last = as_markdown(table)

    assert "| CV-1 quic: h3 | **open** | stopped | not carried |" == row
    assert "| **open** | **1 of 1** | **0 of 1** | **0 of 0** |" == last


def test_what_stopped_a_technique_may_differ_but_not_whether_it_was_stopped() -> None:
    stopped, opened = table_of(TechniqueState.STOPPED), table_of(TechniqueState.GOT_THROUGH)
    (row,) = stopped.rows
    reset = replace(stopped, rows=(replace(row, cells={"product-0": "tcp reset"}),))

    assert [] == [*differing(stopped, reset)]
    assert ["product-0 CV-1: stopped, open"] == [*differing(stopped, opened)]
    assert [] == [*differing(table_of(TechniqueState.NOT_DECIDED), opened)]
