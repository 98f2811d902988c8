"""The static files of a hub: one stylesheet for report, site and hub, fonts, pictures and scripts.

Each has an address that names its content (``static_url``), so that browsers may keep it.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fastapi import Request
from fastapi.responses import Response

from reports.dashboard.access import NotHere

REPORTS = Path(__file__).parents[1]
FOLDER = Path(__file__).with_name("static")
SHEET = "hub.css"
SHEETS = ("documents/report.css", "site/site.css", f"dashboard/static/{SHEET}")
"""The stylesheets, joined to one."""

KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
"""The types of the files that are served, by their endings."""

VERSION_DIGITS = 16
FOR_GOOD = "public, max-age=31536000, immutable"
"""For an address that names the content: it never changes."""

FOR_AN_HOUR = "public, max-age=3600"

_ADDRESS = re.compile(r'url\("/static/([^"]+)"\)')


class StaticFile(NamedTuple):
    """A file as it is sent; ``version`` is the beginning of its SHA-256."""

    content: bytes
    kind: str
    version: str


def static_url(name: str) -> str:
    """The address of a static file, with its version. Raises KeyError."""
    return f"/static/{name}?v={static_files()[name].version}"


@cache
def static_files() -> dict[str, StaticFile]:
    """All static files by name, read once."""
    files = {
        path.name: _file(path.read_bytes(), KINDS[path.suffix])
        for path in sorted(FOLDER.iterdir())
        if path.suffix in KINDS and path.name != SHEET
    }
    sheets = "\n".join((REPORTS / name).read_text(encoding="utf-8") for name in SHEETS)
    versioned = _ADDRESS.sub(
        lambda found: f'url("/static/{found[1]}?v={files[found[1]].version}")', sheets
    )
    return files | {SHEET: _file(versioned.encode(), KINDS[".css"])}


def _file(content: bytes, kind: str) -> StaticFile:
    return StaticFile(content, kind, hashlib.sha256(content).hexdigest()[:VERSION_DIGITS])


async def answer_static(request: Request, name: str) -> Response:
    """Answer with a static file, or that the browser's copy still holds. Raises NotHere."""
    file = static_files().get(name)
    if file is None:
        raise NotHere
    is_named = request.query_params.get("v") == file.version
    headers = {
        "Cache-Control": FOR_GOOD if is_named else FOR_AN_HOUR,
        "ETag": f'"{file.version}"',
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(b"", 304, headers)
    return Response(file.content, 200, headers, file.kind)
