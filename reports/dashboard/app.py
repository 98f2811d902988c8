"""The web application of a hub: its pages and API for people, and the paths of agents.

Everything that it needs is given to it as ``HubParts``; it knows no file and no registry. Each
request is answered for the viewer who asks, and each answer has the headers in ``HEADERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from harness import VERSION
from harness.model.hub_access import Viewer
from harness.store.hub.repository import Repository
from reports.dashboard.access import Access, Refusal
from reports.dashboard.agent_api import AnswersAgents, RequestLine, add_agent_routes, logged
from reports.dashboard.api.listing import REFUSALS
from reports.dashboard.failures import not_here, not_readable, not_taken, other_method, refused
from reports.dashboard.static_files import answer_static
from reports.dashboard.viewer_guard import ViewerGuard

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HubParts:
    """What the application is made of; ``routes`` are the pages and the API.

    ``rows_of`` returns the time up to which a viewer's pages are complete; ``None``: not known.
    """

    agents: AnswersAgents
    repository: Repository
    access: Access
    log: Callable[[RequestLine], None]
    now: Callable[[], datetime]
    rows_of: Callable[[Viewer], datetime | None]
    routes: tuple[APIRouter, ...]
    is_secure: bool = False


def hub_app(parts: HubParts) -> ASGIApp:
    """The application. ``parts.log`` is called after each request."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=REFUSALS,
        title="Accredit hub",
        version=VERSION,
    )
    app.state.now, app.state.rows_of = parts.now, parts.rows_of
    add_agent_routes(app, parts.agents)
    for routes in parts.routes:
        app.include_router(routes)
    app.get("/static/{name}", include_in_schema=False)(answer_static)
    app.exception_handler(Refusal)(refused)
    app.exception_handler(HTTPException)(not_taken)
    app.exception_handler(404)(not_here)
    app.exception_handler(405)(other_method)
    app.exception_handler(RequestValidationError)(not_readable)
    app.add_middleware(ViewerGuard, access=parts.access, headers=HEADERS, is_secure=parts.is_secure)
    return logged(app, parts.log, parts.now)
