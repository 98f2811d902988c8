"""Rows of a sealed list: an opaque id, the same digits as value, a category, and nothing else.

What a fault says never shows a cell of such a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.model.corpus import SEALED

COLUMNS = frozenset({"id", "value", "kind", "labels", "sensitivity"})
"""The columns of a row of a sealed list; all others are empty."""

DIGITS = 64
"""The number of hexadecimal digits of an id: those of an HMAC-SHA-256."""

NOT_SHOWN = "a wrong cell (not shown)"

_OPAQUE = re.compile(f"[0-9a-f]{{{DIGITS}}}")


def is_opaque(text: str) -> bool:
    """Whether a text is an opaque id, which can be neither a host nor a URL."""
    return _OPAQUE.fullmatch(text) is not None


def sealed_row(value: str, labels: str) -> dict[str, str]:
    """Return the row of an entry."""
    return {"id": value, "value": value, "kind": SEALED, "labels": labels, "sensitivity": "S4"}


def row_check(header: Mapping[str, int]) -> Callable[[Sequence[str]], bool]:
    """Return a test for rows without ``sealed_faults``; ``header`` has the place of each column."""
    identity, value, level = (header[name] for name in ("id", "value", "sensitivity"))
    empty = [place for name, place in header.items() if name not in COLUMNS]

    def is_sound(cells: Sequence[str]) -> bool:
        is_entry = is_opaque(cells[value]) and cells[identity] == cells[value]
        return is_entry and cells[level] == "S4" and not any(cells[place] for place in empty)

    return is_sound


def sealed_faults(cells: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong in a row of a sealed list: the column, the problem and the remedy."""
    if not is_opaque(cells["value"]):
        yield "value", NOT_SHOWN, f"an opaque id of {DIGITS} hexadecimal digits, and no address"
    if cells["id"] != cells["value"]:
        yield "id", "the id differs from the value", "the same digits as the value"
    if cells.get("sensitivity") != "S4":
        yield "sensitivity", "an entry of a sealed list is not S4", "S4"
    for column, text in cells.items():
        if text and column not in COLUMNS:
            yield column, NOT_SHOWN, "leave it empty: nothing else may be said of an entry"
