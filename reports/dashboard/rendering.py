"""Render the pages of a hub: HTML made on the server, readable without script.

A template extends ``layout.html.j2`` and fills the block ``content``. Text from suppliers is
hostile input: everything is escaped, and a name that is missing is an error.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import Request
from fastapi.responses import HTMLResponse

from harness.model.hub_access import Permission, Viewer
from reports.dashboard.access import signed_in
from reports.documents.html import page_environment
from reports.site.page_maker import page_globals

if TYPE_CHECKING:
    from jinja2 import Environment

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
    Entry("Alarms", "/alarms", Permission.READ_ALARMS),
    Entry("Sites", "/sites", Permission.READ_SITES),
    Entry("Uploads", "/uploads", Permission.UPLOAD),
    Entry("Register", "/", None),
    Entry("Administration", "/admin", Permission.ADMINISTER),
)
"""The one bar of all pages; a role sees fewer entries, never others."""


def navigation(viewer: Viewer) -> tuple[Entry, ...]:
    """The entries that a viewer sees."""
    return tuple(
        each for each in NAVIGATION if each.permission is None or viewer.may(each.permission)
    )


def page(
    request: Request, template: str, title: str, *, status: int = 200, **contents: Any
) -> HTMLResponse:
    """A page of the hub. ``title`` is its answer in a few words; ``here`` the path asked for."""
    asked = signed_in(request)
    text = (
        _environment()
        .get_template(template)
        .render(
            title=title,
            here=request.url.path,
            viewer=asked.viewer,
            csrf=asked.csrf,
            navigation=navigation(asked.viewer),
            as_of=request.app.state.now(),
            is_part=request.headers.get("hx-request") == "true",
            **contents,
        )
    )
    return HTMLResponse(text, status)


@cache
def _environment() -> Environment:
    """The templates, read once, with the words and signs that the site's pages share."""
    environment = page_environment(HERE / "templates", SITE)
    environment.globals.update(page_globals())
    environment.globals.update(permissions=Permission)
    return environment
