"""What the pages of plans, decisions and alarms share: paths, a form that was tried, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from fastapi.responses import RedirectResponse, Response

from harness.follow.guards import person_in
from harness.model.hub_access import Permission, Viewer
from harness.untrusted.visible_text import spreadsheet_cell
from reports.dashboard.access import NotHere, require

ROWS = 50
"""The rows of a page of a list."""

MOST_ROWS = 10_000
"""The rows of a list as CSV."""

REFUSED, NOT_VALID = 409, 422
"""The HTTP statuses of an act that a rule refuses, and of a field that is not as it must be."""

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


def path_of(*parts: str) -> str:
    """A path of the hub, with each part quoted; a supplier's stream may hold any character."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def require_stream(viewer: Viewer, stream: str, permission: Permission) -> None:
    """Raise SignInNeeded, or NotHere unless the viewer has the permission and sees the stream."""
    require(viewer, permission)
    if not viewer.sees(stream):
        raise NotHere


def shown_name(actor: str) -> str:
    """The name of an actor for people, without the id of the account."""
    return person_in(actor).name or actor


def moment(at: datetime) -> str:
    """A time as people write it: "24 Nov 2026, 06:10"; in UTC."""
    at = at.astimezone(UTC)
    return f"{at.day}\N{NO-BREAK SPACE}{at:%b %Y, %H:%M}"


def done(path: str, act: str) -> RedirectResponse:
    """The answer after an act: the page anew, which says what was recorded."""
    return RedirectResponse(f"{path}?done={act}", 303)


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Response:
    """A table as CSV (RFC 4180) in UTF-8; no cell is evaluated by a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows([spreadsheet_cell(cell) for cell in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(text.getvalue(), 200, headers, "text/csv; charset=utf-8")
