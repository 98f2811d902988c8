"""Checks in the field as lines and a table."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from harness.monitor.field_standing import FieldStanding, Tally


def lines_of_checks(found: FieldStanding) -> Iterator[str]:
    """How many services of a year were drawn, and how many sites passed, in sentences."""
    if found.committed is not None and found.drawn is None:
        yield f"{found.period}: a seed was committed to on {found.committed:%Y-%m-%d}"
    if found.drawn is not None:
        yield (
            f"{found.period}: {found.services_drawn} of {found.certificates} certificates drawn "
            f"on {found.drawn:%Y-%m-%d} ({found.services_required} required)"
        )
    for kind, tally in (("randomized", found.randomized), ("reactive", found.reactive)):
        yield (
            f"{found.period}, {kind}: {tally.passed} sites passed of {tally.visited} visited of "
            f"{tally.drawn} {'drawn' if kind == 'randomized' else 'added'}"
        )


def table_of_checks(found: FieldStanding) -> Table:
    """A row for each service and kind of check."""
    table = Table(
        "supplier", "service", "scheme", "kind", "drawn", "required", "visited", "passed",
        "failed", "insufficient", box=None,
    )  # fmt: skip
    for each in found.services:
        if each.certificate:
            table.add_row(each.supplier, each.name, each.scheme, "randomized",
                          *_cells(each.randomized, str(found.sites)))  # fmt: skip
        if each.reactive.drawn:
            table.add_row(each.supplier, each.name, each.scheme, "reactive",
                          *_cells(each.reactive, ""))  # fmt: skip
    return table


def _cells(tally: Tally, required: str) -> tuple[str, ...]:
    limited = f" ({tally.limited} limited)" if tally.limited else ""
    return (
        str(tally.drawn), required, str(tally.visited), f"{tally.passed}{limited}",
        str(tally.failed), str(tally.insufficient),
    )  # fmt: skip
