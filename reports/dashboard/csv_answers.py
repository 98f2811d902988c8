"""Answer with a table as CSV (RFC 4180, UTF-8), row by row, so that no table is held in memory.

Texts are escaped so that no spreadsheet runs one as a formula (``harness.untrusted``).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from fastapi.responses import StreamingResponse

from harness.untrusted.visible_text import spreadsheet_cell

Cell = str | int | float | bool | datetime | None

AT_ONCE = 200
"""How many rows are sent at once."""

LONGEST_NAME = 80
_OTHER = re.compile(r"[^A-Za-z0-9-]+")


def csv_answer(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> StreamingResponse:
    """A table to be saved as a file of that name; ``rows`` are asked for while it is sent."""
    file = _OTHER.sub("-", name).strip("-")[:LONGEST_NAME] or "table"
    headers = {"Content-Disposition": f'attachment; filename="{file}.csv"'}
    return StreamingResponse(_lines(columns, rows), 200, headers, "text/csv; charset=utf-8")


def _lines(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    coming = iter(rows)
    block: list[Sequence[Cell]] = [columns]
    while block:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(map(_cells, block))
        yield text.getvalue().encode()
        block = list(islice(coming, AT_ONCE))


def _cells(row: Sequence[Cell]) -> list[str | int | float]:
    return [_cell(each) for each in row]


def _cell(value: Cell) -> str | int | float:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return value
        case datetime():
            return value.isoformat()
        case _:
            return spreadsheet_cell(value)
