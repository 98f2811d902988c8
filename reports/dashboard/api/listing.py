"""What all lists of the API share: cursors, how many rows, who may read, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Query

from harness.store.hub.export_rows import Key
from reports.dashboard.access import Refusal
from reports.dashboard.addresses import checked, place_after, place_in
from reports.dashboard.api.answers import Problem

PREFIX = "/api/v1"
MOST, USUAL = 500, 100
"""How many rows a page has at most, and unless told otherwise."""

REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "A value of the request cannot be read."},
    401: {"model": Problem, "description": "Nobody signed in."},
    403: {"model": Problem, "description": "The request was not your own act."},
    404: {"model": Problem, "description": "It does not exist, or you may not see it."},
    422: {"model": Problem, "description": "A value of the request cannot be read."},
    429: {"model": Problem, "description": "Too many requests; see Retry-After."},
    500: {"model": Problem, "description": "A fault of the hub; the log has its number."},
    503: {"model": Problem, "description": "It cannot be answered now."},
}
"""The refusals of all routes, for the description of the API."""

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many rows at most.")]
After = Annotated[str, Query(max_length=4000, description="The cursor of the answer before.")]
Name = Annotated[str, Query(max_length=1000)]
When = Annotated[datetime | None, Query(description="A time with its offset from UTC.")]

_KEYS = msgspec.json.Decoder(tuple[str | int, ...])
Row = TypeVar("Row")


def key_in(after: str, example: Sequence[type]) -> Key | None:
    """The key in a cursor, of values of these types; ``None`` without one. Raises Refusal."""
    key = place_in(after, _KEYS)
    if key is not None and [type(each) for each in key] != list(example):
        raise FaultyCursor
    return key


class FaultyCursor(Refusal):
    """A cursor of another list, or one that was changed."""

    def __init__(self) -> None:
        super().__init__(
            400, "The cursor cannot be read", "Ask without ?after= to begin at the first row."
        )


def page_of(rows: list[Row], limit: int, key: Sequence[Any] | None) -> tuple[list[Row], str | None]:
    """The rows of a page and its cursor, from rows of which there is one more if more follow.

    ``key`` is that of the last row of the page.
    """
    return rows[:limit], place_after(*key) if key is not None and len(rows) > limit else None


def in_utc(value: datetime | None) -> datetime | None:
    """A time of a request in UTC. Raises Refusal for one without its offset."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise Refusal(400, "A time has no offset", "Write a time such as 2026-11-24T12:00:00Z.")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Refusal(400, "A time is not possible", "Write a time of this century.") from None


def name(value: str) -> str:
    """A name in a request as it is. Raises NotHere for what no database can hold."""
    return checked(value)
