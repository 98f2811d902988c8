"""What the origin answers at hosts of techniques (``harness.model.technique_host``).

They show their pages like other hosts. Beyond that they keep connections open, send parts of a
page (RFC 9110 section 14), send it over a WebSocket, relay the pages of other hosts, and have pages
that come only by running a script (``probes.range.script_pages``).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from harness.model.technique_host import home_of_technique
from probes.range.connection import Request
from probes.range.origin_pages import Page, Pages, websocket_page
from probes.range.relays import RelayRequest, relay_page, wanted_host
from probes.range.script_pages import script_page
from probes.range.websocket_tunnel import TUNNEL_PATH
from probes.range.zone import ZoneNames

Scheme = Literal["http", "https"]

OK, PARTIAL, UNSATISFIABLE = 200, 206, 416
MAX_RANGES = 64
BOUNDARY = "3d6b6a416f9b5"

_RANGES = re.compile(r"bytes\s*=\s*([0-9,\s-]+)", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]*)-([0-9]*)")


def technique_page(request: Request, pages: Pages, scheme: Scheme, nonce: str) -> Page | None:
    """Return the answer of a host of techniques; None for all other hosts."""
    zones = (zone.zone for zone in pages.names.zones)
    if not home_of_technique(request.host, zones):
        return None
    wanted = wanted_host(request.host, request.path, pages.names)
    if wanted:
        asked = RelayRequest(
            host=wanted, path=request.path, scheme=scheme, nonce=nonce, pages=pages
        )
        page = relay_page(asked)
    else:
        page = pages.page(request.host, request.path, scheme, nonce)
        page = script_page(request.path, page, nonce) or page
    if request.websocket_key:
        return websocket_page(request.websocket_key, page.headers, page.body)
    page = part_of(page, request.headers.get("range", ""))
    return replace(page, keeps=_keeps(request))


def is_for_tunnel(request: Request, names: ZoneNames) -> bool:
    """Whether a request for a WebSocket asks for the tunnel of a host of techniques."""
    at_path = request.path.partition("?")[0] == TUNNEL_PATH
    return at_path and bool(home_of_technique(request.host, (zone.zone for zone in names.zones)))


def _keeps(request: Request) -> bool:
    """Whether the connection stays open for another request (RFC 9112 section 9.3)."""
    options = request.headers.get("connection", "").lower()
    if "close" in options:
        return False
    return request.version == "1.1" or (request.version == "1.0" and "keep-alive" in options)


def part_of(page: Page, wanted: str) -> Page:
    """Return the parts of a page that a header Range asks for, or the page if it asks for none."""
    found = _RANGES.fullmatch(wanted.strip())
    if found is None or page.status != OK:
        return page
    spans = [_span(part, len(page.body)) for part in found[1].split(",")[:MAX_RANGES]]
    parts = [(first, last) for first, last in filter(None, spans) if first <= last]
    size = len(page.body)
    if not parts:
        whole = ("Content-Range", f"bytes */{size}")
        return replace(page, status=UNSATISFIABLE, body=b"", headers=(*page.headers, whole))
    if len(parts) == 1:
        first, last = parts[0]
        span = ("Content-Range", f"bytes {first}-{last}/{size}")
        body = page.body[first : last + 1]
        return replace(page, status=PARTIAL, body=body, headers=(*page.headers, span))
    body = b"".join(
        f"--{BOUNDARY}\r\nContent-Type: {page.content_type}\r\n"
        f"Content-Range: bytes {first}-{last}/{size}\r\n\r\n".encode()
        + page.body[first : last + 1]
        + b"\r\n"
        for first, last in parts
    )
    kind = f"multipart/byteranges; boundary={BOUNDARY}"
    return replace(
        page, status=PARTIAL, body=body + f"--{BOUNDARY}--\r\n".encode(), content_type=kind
    )


def _span(part: str, size: int) -> tuple[int, int] | None:
    """Return the first and last place of one range; None if it is none."""
    found = _RANGE.fullmatch(part.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return max(0, size - int(found[2])), size - 1
    return int(found[1]), min(int(found[2]) if found[2] else size - 1, size - 1)
