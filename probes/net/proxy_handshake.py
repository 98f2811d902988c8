"""What has to be asked of a proxy before a request can go: nothing, a tunnel, or a SOCKS way.

Both lanes carry the bytes; neither knows which it is.
"""

from __future__ import annotations

from typing import Protocol

from probes.net.address import Address
from probes.net.exchange_recorder import Passage
from probes.net.http_head import Headers
from probes.net.route import Route
from probes.net.socks import Socks
from probes.net.tunnel import Tunnel


class Opening(Protocol):
    """A conversation with a proxy: send what is ``due``, then ``feed``, until it says True."""

    def due(self) -> bytes:
        """What is to be sent now, once."""
        ...

    def feed(self, received: bytes) -> bool:
        """Take what came; raises TunnelRefusedError, EOFError or ValueError."""
        ...


def opening_of(
    passage: Passage, route: Route, scheme: str, far: Address, headers: Headers = ()
) -> Opening | None:
    """The conversation that a route needs for a URL, or None where the request may go at once.

    ``headers`` are those of a CONNECT, if there is one.
    """
    proxy = route.proxy
    if proxy is None or route.hands_on(scheme):
        return None
    if proxy.kind == "socks5":
        return Socks(passage, proxy, far)
    return Tunnel(passage, proxy, far, headers)
