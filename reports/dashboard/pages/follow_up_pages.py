"""What the pages of plans, decisions and alarms share: places in lists, a form that was tried."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import NamedTuple

import msgspec
from fastapi.responses import RedirectResponse

from harness.model.hub_access import Permission, Viewer
from harness.store.hub.documents import DocumentPlace
from reports.dashboard.access import NotHere, require
from reports.dashboard.addresses import FaultyAddress, address, place_after, place_in

ROWS = 50
"""The rows of a page of a list."""

MOST_ROWS = 10_000
"""The rows of a list as CSV."""

REFUSED, NOT_VALID = 409, 422
"""The HTTP statuses of an act that a rule refuses, and of a field that is not as it must be."""

PLACES = msgspec.json.Decoder(DocumentPlace)

NO_VALUES: Mapping[str, str] = {}


class TriedForm(NamedTuple):
    """A form that was sent and not carried out: what was typed, and why it was refused."""

    name: str
    values: Mapping[str, str]
    errors: Mapping[str, str] = NO_VALUES
    refusal: str = ""

    @property
    def status(self) -> int:
        """The HTTP status of the page that shows it."""
        return NOT_VALID if self.errors else REFUSED


def require_stream(viewer: Viewer, stream: str, permission: Permission) -> None:
    """Raise SignInNeeded, or NotHere unless the viewer has the permission and sees the stream."""
    require(viewer, permission)
    if not viewer.sees(stream):
        raise NotHere


def done(path: str, act: str) -> RedirectResponse:
    """The answer after an act: the page anew, which says what was recorded."""
    return RedirectResponse(f"{path}?done={act}", 303)


def place_of(text: str) -> DocumentPlace | None:
    """The place in a list that a value of an address names. Raises FaultyAddress."""
    place = place_in(text, PLACES)
    if place is None:
        return None
    try:
        at = place[0] if place[0].tzinfo else place[0].replace(tzinfo=UTC)
        return at.astimezone(UTC), place[1], place[2]
    except OverflowError:
        raise FaultyAddress from None


def next_url(path: str, place: DocumentPlace | None) -> str:
    """The address of the next page of a list; empty at its end."""
    return address(path, after=place_after(*place)) if place is not None else ""
