"""What a client of another make needs in order to go over a line.

A line that such a client can use has a method ``client_way() -> ClientWay``.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from harness.model.observation import Failure
from probes.net.address import Address
from probes.net.local_binding import ANYWHERE, Source

Find = Callable[[str, int, float], Awaitable[Address | Failure]]
"""Where to connect to for a host, a port and a patience in seconds."""

Refuse = Callable[[str, int, float], Awaitable[Failure | None]]
"""Why a host and port may not be asked for, with a patience in seconds; None if they may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientWay:
    """How to go over a line: ``trust`` is the client's own, for it may change what it offers.

    ``proxy`` is the URL of a proxy that everything goes through (``find`` then finds the proxy),
    with its credentials and, where it is spoken to over TLS, whom to trust there. ``refusal``
    guards what it is asked for; without a proxy, ``find`` does.
    """

    find: Find
    trust: ssl.SSLContext
    source: Source = ANYWHERE
    proxy: str = ""
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    proxy_trust: ssl.SSLContext | None = None
    refusal: Refuse | None = None


@runtime_checkable
class HasClientWay(Protocol):
    """A line that a client of another make can use."""

    def client_way(self) -> ClientWay | None:
        """The way, or None where there is none for such a client."""
        ...


def way_of(line: object) -> ClientWay | None:
    """The way over a line, or None where there is none for such a client."""
    return line.client_way() if isinstance(line, HasClientWay) else None
