"""The table of product and technique: what became of each technique over each product.

A cell says *open*, stopped by what, *not carried* (the control line or the product's line cannot
carry it), *not needed* (the plain page is not blocked), or *undecided*.

The reference page ``docs/reference/product-techniques.md`` is generated from the result that is
recorded in ``technique_result.json``: ``python -m test_suites.products.technique_table``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from harness.model.technique import GROUPS
from harness.model.technique_matrix import (
    TechniqueCell,
    TechniqueMatrix,
    TechniqueRow,
    TechniqueState,
)
from harness.model.verdict import Mechanism
from test_suites.kit.rooms import ROOT

RECORD = Path(__file__).with_name("technique_result.json")
PAGE = ROOT / "docs/reference/product-techniques.md"

OPEN, UNDECIDED = "open", "undecided"
WORDS = {
    TechniqueState.GOT_THROUGH: OPEN,
    TechniqueState.NOT_DECIDED: UNDECIDED,
    TechniqueState.NOT_NEEDED: "not needed",
    TechniqueState.NOT_CARRIED: "not carried",
}
STOPPED = "stopped"
NOT_TRIED = "not tried"


class ProductRow(msgspec.Struct, frozen=True, kw_only=True):
    """One technique: its id, group, class and statement, and its cells by product."""

    item: str
    group: str
    name: str
    statement: str
    cells: dict[str, str]


class ProductTable(msgspec.Struct, frozen=True, kw_only=True):
    """All techniques, the products with their words, and the steps that were known."""

    products: dict[str, str]
    rows: tuple[ProductRow, ...]

    def ended(self, product: str, words: str) -> list[str]:
        """The ids of the techniques with certain words in a product's column."""
        return [row.item for row in self.rows if row.cells.get(product) == words]


def product_table(matrix: TechniqueMatrix, products: Mapping[str, str]) -> ProductTable:
    """Read the table from a matrix whose lines are the products, with one profile."""
    places = [place.line for place in matrix.places]
    rows = (
        ProductRow(
            item=row.item,
            group=row.group,
            name=row.name,
            statement=row.statement,
            cells=dict(_cells(row, places)),
        )
        for row in matrix.rows
    )
    return ProductTable(products=dict(products), rows=tuple(rows))


def _cells(row: TechniqueRow, places: list[str]) -> Iterator[tuple[str, str]]:
    for line, cell in zip(places, row.cells, strict=True):
        yield line, cell_words(cell) if cell is not None else NOT_TRIED


def cell_words(cell: TechniqueCell) -> str:
    """What became of a technique over one product, in words."""
    if cell.state is not TechniqueState.STOPPED:
        return WORDS[cell.state]
    if cell.mechanism not in (Mechanism.OTHER, Mechanism.NONE):
        return cell.mechanism.value.replace("_", " ")
    answer = cell.answer
    if answer.failure:
        return f"{answer.failure.removesuffix('_error').replace('_', ' ')} ({answer.stage})"
    return f"status {answer.status}" if answer.status else STOPPED


def as_markdown(table: ProductTable) -> Iterator[str]:
    """The table as lines of Markdown."""
    yield "| technique | " + " | ".join(table.products) + " |"
    yield "|---|" + "---|" * len(table.products)
    for group in GROUPS:
        for row in table.rows:
            if row.group == group:
                shown = (_shown(row.cells.get(product, NOT_TRIED)) for product in table.products)
                yield f"| {row.item} {row.group}: {row.name} | " + " | ".join(shown) + " |"
    yield "| **open** | " + " | ".join(_counts(table)) + " |"


def _shown(words: str) -> str:
    return f"**{words}**" if words == OPEN else words


def _counts(table: ProductTable) -> Iterator[str]:
    """How many techniques are open, of those that could be tried."""
    for product in table.products:
        ends = Counter(row.cells.get(product, NOT_TRIED) for row in table.rows)
        left_out = sum(ends[each] for each in ("not carried", "not needed", NOT_TRIED))
        yield f"**{ends[OPEN]} of {len(table.rows) - left_out}**"


_START = """# Real products and ways round them

What became of each technique when a campaign tried it over real products of Debian 13
([how they are set up](products.md#techniques)). All products are told to block the same hosts; the
page of a technique is blocked in its plain form. *Open*: the page arrived by the technique. Otherwise
the cell says what stopped it. *Not carried*: the line of that product cannot carry the technique, or
the control line got no page by it either.

This page is generated from a recorded result: `python -m test_suites.products.technique_table`.
"""


def page(table: ProductTable) -> str:
    """The whole reference page."""
    products = "".join(f"| `{name}` | {words} |\n" for name, words in table.products.items())
    statements = "".join(
        f"| {row.item} | {row.group}: {row.name} | `{_shortened(row.statement)}` |\n"
        for row in table.rows
    )
    return "\n".join(
        (
            _START,
            f"| product | what it is |\n|---|---|\n{products}",
            *as_markdown(table),
            f"\n## The techniques\n\n| id | class | statement |\n|---|---|---|\n{statements}",
        )
    )


LONGEST = 160
"""Characters of a statement that are shown."""


def _shortened(statement: str) -> str:
    """A statement in a cell of a table: the beginning of a long one."""
    shown = statement if len(statement) <= LONGEST else f"{statement[:LONGEST]} ..."
    return shown.replace("|", "\\|")


def recorded() -> ProductTable:
    """The recorded result."""
    return msgspec.json.decode(RECORD.read_bytes(), type=ProductTable)


def record(table: ProductTable) -> None:
    """Record a result, and write the page."""
    RECORD.write_bytes(msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n")
    PAGE.write_text(page(table), encoding="utf-8")


def differing(one: ProductTable, other: ProductTable) -> Iterable[str]:
    """The decided cells of a result that end in another way elsewhere: open, stopped, or another."""
    others = {row.item: row for row in other.rows}
    for row in one.rows:
        for product, words in row.cells.items():
            there = others[row.item].cells.get(product, NOT_TRIED)
            if words != UNDECIDED and kind_of(words) != kind_of(there):
                yield f"{product} {row.item}: {words}, {there}"


def kind_of(words: str) -> str:
    """Whether a cell says that a technique was stopped, whatever stopped it; else its words."""
    return words if words in (*WORDS.values(), NOT_TRIED) else STOPPED


if __name__ == "__main__":
    record(recorded())
