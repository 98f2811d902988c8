"""From whom a request comes: from its client, or from whom a named reverse proxy says.

A proxy gives the address as the last part of ``X-Forwarded-For``. What others say there does not
count, and nor does what is no address.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from harness.model.client_address import Network, is_in, parsed

LONGEST = 100


def behind_proxies(app: ASGIApp, proxies: tuple[Network, ...]) -> ASGIApp:
    """An application whose requests have the address that the proxies say."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if scope["type"] == "http" and client and is_in(client[0], proxies):
            said = Headers(scope=scope).getlist("x-forwarded-for")
            last = said[-1].rpartition(",")[2].strip()[:LONGEST] if said else ""
            if parsed(last) is not None:
                scope["client"] = (last, 0)
        await app(scope, receive, send)

    return answer if proxies else app
