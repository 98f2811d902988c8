"""WebSockets at the hosts of techniques: their page as a message, and tunnels at one path."""

from __future__ import annotations

from probes.range.connection import Request
from probes.range.origin_pages import Page, websocket_page
from probes.range.origin_services import ServiceRequest
from probes.range.websocket_tunnel import TUNNEL_PATH
from probes.range.zone import ZoneNames

PART = "ways"
"""The label below a zone that hosts of techniques have."""


def is_of_technique(names: ZoneNames, host: str) -> bool:
    """Whether a host, or the original of a plain twin, is one of techniques."""
    zone = names.zone_of(names.original_host(host))
    return zone is not None and names.original_host(host).endswith(f".{PART}.{zone.zone}")


def is_for_tunnel(request: Request, names: ZoneNames) -> bool:
    """Whether a request for a WebSocket asks for the tunnel of a host of techniques."""
    at_path = request.path.partition("?")[0] == TUNNEL_PATH
    return at_path and is_of_technique(names, request.host)


def technique_websocket(asked: ServiceRequest) -> Page | None:
    """Return the answer to a request for a WebSocket at a host of techniques; else None."""
    key, pages = asked.request.websocket_key, asked.pages
    if not key or not is_of_technique(pages.names, asked.host):
        return None
    shown = pages.page(asked.host, asked.request.path, asked.scheme, asked.nonce)
    return websocket_page(key, asked.receipt, shown.body)
