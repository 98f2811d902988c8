"""The web application of a hub: its pages and API for people, and the paths of agents.

Everything that it needs is given to it as ``HubParts``; it knows no file and no registry. Each
request is answered for the viewer who asks, and each answer has the headers in ``HEADERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from harness.errors import HarnessError
from harness.store.hub.repository import Repository
from reports.dashboard.access import Access, NotHere, Refusal, SignInNeeded
from reports.dashboard.agent_api import AnswersAgents, RequestLine, add_agent_routes, logged
from reports.dashboard.rendering import page
from reports.dashboard.viewer_guard import API, ViewerGuard

HERE = Path(__file__).parent
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
SHEETS = ("documents/report.css", "site/site.css", "dashboard/static/hub.css")
"""The stylesheets, joined to one."""

STATIC_HEADERS = {"Cache-Control": "public, max-age=3600"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HubParts:
    """What the application is made of; ``routes`` are the pages and the API."""

    agents: AnswersAgents
    repository: Repository
    access: Access
    log: Callable[[RequestLine], None]
    now: Callable[[], datetime]
    routes: tuple[APIRouter, ...]
    is_secure: bool = False


def hub_app(parts: HubParts) -> ASGIApp:
    """The application. ``parts.log`` is called after each request."""
    app = FastAPI(
        docs_url=None, redoc_url=None, title="Accredit hub", version=version("isp-accredit")
    )
    app.state.now = parts.now
    add_agent_routes(app, parts.agents)
    for routes in parts.routes:
        app.include_router(routes)
    app.get("/static/{name}", include_in_schema=False)(_static)
    app.exception_handler(Refusal)(_refused)
    app.exception_handler(HarnessError)(_refused)
    app.exception_handler(Exception)(_failed)
    app.exception_handler(RequestValidationError)(_not_here)
    app.exception_handler(404)(_not_here)
    app.exception_handler(405)(_other_method)
    guarded = ViewerGuard(app, parts.access, _refused, HEADERS, is_secure=parts.is_secure)
    return logged(guarded, parts.log, parts.now)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refusal):
        request.scope["accredit.error"] = str(error).partition("\n")[0]
        error = Refusal(503, "The hub cannot answer now", "Try again in a few minutes.")
    path: str = request.scope["path"]
    if path.startswith((API, "/agent/", "/health/")):
        return JSONResponse({"title": error.title, "detail": error.words}, error.status)
    if isinstance(error, SignInNeeded) and request.method == "GET":
        query = request.scope["query_string"].decode("latin-1")
        return RedirectResponse(f"/sign-in?to={quote(f'{path}?{query}' if query else path)}", 303)
    return page(request, "refused.html.j2", error.title, status=error.status, words=error.words)


async def _failed(request: Request, error: Exception) -> Response:
    request.scope["accredit.error"] = f"unexpected error: {type(error).__name__}"
    words = "This is a fault of the hub, and was noted in its log. Try again later."
    return await _refused(request, Refusal(500, "The hub failed", words))


async def _not_here(request: Request, _: Exception) -> Response:
    return await _refused(request, NotHere())


async def _other_method(request: Request, _: Exception) -> Response:
    words = f"{request.method} is not possible here. Go back, and use the links and buttons."
    return await _refused(request, Refusal(405, "This is not possible here", words))


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    """The static files by name, with their types."""
    sheets = "\n".join((HERE.parent / name).read_text(encoding="utf-8") for name in SHEETS)
    kinds = {".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
    found = {
        path.name: (path.read_bytes(), kinds[path.suffix])
        for path in (HERE / "static").iterdir()
        if path.suffix in kinds
    }
    return found | {"hub.css": (sheets.encode(), "text/css; charset=utf-8")}


async def _static(name: str) -> Response:
    if name not in _files():
        raise NotHere
    content, kind = _files()[name]
    return Response(content, 200, STATIC_HEADERS, kind)
