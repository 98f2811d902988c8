"""Render the pages of a hub: HTML made on the server, readable without script.

A template extends ``layout.html.j2`` and fills the block ``content``. Text from suppliers is
hostile input: everything is escaped, and a name that is missing is an error.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import Request
from fastapi.responses import HTMLResponse

from harness import VERSION
from harness.model.event_times import in_utc
from harness.model.hub_access import Permission, Viewer
from harness.store.hub.projection import is_late
from reports.dashboard.access import signed_in
from reports.dashboard.static_files import static_url
from reports.site.page_maker import STATE_WORDS, page_globals

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HERE = Path(__file__).parent
SITE = HERE.parent / "site"


class Entry(NamedTuple):
    """An entry of the navigation, shown to those who have the permission (``None``: everybody)."""

    name: str
    path: str
    permission: Permission | None


NAVIGATION = (
    Entry("Overview", "/overview", Permission.READ_RESULTS),
    Entry("Campaigns", "/campaigns", Permission.READ_RESULTS),
    Entry("Action plans", "/plans", Permission.READ_PLANS),
    Entry("Decisions", "/decisions", Permission.DECIDE),
    Entry("Alarms", "/alarms", Permission.READ_ALARMS),
    Entry("Sites", "/sites", Permission.READ_SITES),
    Entry("Uploads", "/uploads", Permission.UPLOAD),
    Entry("Register", "/", None),
    Entry("Administration", "/admin", Permission.ADMINISTER),
)
"""The one bar of all pages; a role sees fewer entries, never others."""

PUBLIC_NAVIGATION = (
    Entry("Accredited services", "/", None),
    Entry("Check a certificate", "/certificates", None),
    Entry("What to ask", "/guide", None),
    Entry("How to read this", "/states", None),
)
"""The bar of those who have not signed in: the public pages."""

BELONGS = {
    "/services": "/overview",
    "/requirements": "/overview",
    "/decisions": "/overview",
    "/compare": "/campaigns",
    "/register": "/",
}
"""The entries of pages whose paths begin with another one."""

HUB_WORDS = {"insufficient": "Insufficient", "silent": "Probe silent", "stopped": "Suspended"}
"""The words of states that the hub has beside, or in place of, those of reports."""


def navigation(viewer: Viewer) -> tuple[Entry, ...]:
    """The entries that a viewer sees."""
    if viewer.is_public:
        return PUBLIC_NAVIGATION
    return tuple(
        each for each in NAVIGATION if each.permission is None or viewer.may(each.permission)
    )


def page(
    request: Request, template: str, title: str, *, status: int = 200, **contents: Any
) -> HTMLResponse:
    """A page of the hub. ``title`` is its answer in a few words.

    ``at`` in ``contents`` is the path of the navigation's entry that the page belongs to, if it
    does not begin with it. ``request.state.counts`` may hold numbers for entries, by their paths.
    """
    asked = signed_in(request)
    shown = navigation(asked.viewer)
    now, rows_of = request.app.state.now(), request.app.state.rows_of(asked.viewer)
    contents.setdefault("at", _entry_of(request.scope["path"], shown))
    text = (
        _environment()
        .get_template(template)
        .render(
            title=title,
            here=request.scope["path"],
            viewer=asked.viewer,
            csrf=asked.csrf,
            navigation=shown,
            counts=getattr(request.state, "counts", {}),
            as_of=now,
            rows_of=moment(rows_of) if rows_of else "",
            is_late=is_late(rows_of, now),
            is_part=request.headers.get("hx-request") == "true",
            **contents,
        )
    )
    return HTMLResponse(text, status)


def fragment(template: str, macro: str, *values: Any, **named: Any) -> Markup:
    """What a macro of a template makes, escaped as in a page; it knows no viewer."""
    made: Markup = getattr(_environment().get_template(template).module, macro)(*values, **named)
    return made


def _entry_of(path: str, entries: tuple[Entry, ...]) -> str:
    """The path of the entry that a page is below, or nothing."""
    known = BELONGS | {entry.path: entry.path for entry in entries if entry.path != "/"}
    found = (entry for start, entry in known.items() if f"{path}/".startswith(f"{start}/"))
    return next(found, "")


def when(at: datetime, now: datetime) -> str:
    """A time in UTC as pages show it: "today, 08:30" or "18 Nov 2026, 09:00"."""
    at = at.astimezone(UTC)
    return f"today, {at:%H:%M}" if at.date() == now.astimezone(UTC).date() else moment(at)


def moment(at: datetime) -> str:
    """A time in UTC as people write it: "24 Nov 2026, 06:10"."""
    at = at.astimezone(UTC)
    return f"{at.day}\N{NO-BREAK SPACE}{at:%b %Y, %H:%M}"


@cache
def _environment() -> Environment:
    """The templates, read once, with the words and signs that the site's pages share."""
    from reports.page_templates import page_environment  # noqa: PLC0415 - Jinja is read on demand

    environment = page_environment(HERE / "templates", SITE)
    environment.globals.update(page_globals())
    environment.globals.update(
        permissions=Permission,
        moment=in_utc,
        static=static_url,
        when=when,
        edition=VERSION,
        state_words=STATE_WORDS | HUB_WORDS,
    )
    return environment
