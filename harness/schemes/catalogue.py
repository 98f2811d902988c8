"""The catalogue: every requirement that published schemes ask, one table an area.

A scheme names a row by its id and says what it wants otherwise; a table is read only when one
of its rows is named.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from harness.model.scheme import Requirement
from harness.yaml_reader import read_document, validate

TABLES = Path(__file__).parent / "requirements"
"""One YAML file an area, named like the letters of its ids: ``url.yaml`` holds ``URL-01``."""


def find_row(requirement_id: str) -> Requirement | None:
    """The catalogue's row of that id, or ``None``."""
    area = requirement_id.partition("-")[0].lower()
    return _table(area).get(requirement_id) if area in areas() else None


def whole_catalogue() -> tuple[Requirement, ...]:
    """All rows, area by area."""
    return tuple(row for area in areas() for row in _table(area).values())


@cache
def areas() -> tuple[str, ...]:
    """The areas that have a table."""
    return tuple(sorted(path.stem for path in TABLES.glob("*.yaml")))


@cache
def _table(area: str) -> dict[str, Requirement]:
    document = read_document(TABLES / f"{area}.yaml")
    rows = [
        validate(document, Requirement, data, (position,))
        for position, data in enumerate(document.data)
    ]
    return {row.id: row for row in rows}
