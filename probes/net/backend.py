"""A lane carries exchanges: three ways of doing it behind one seam, with the same verdicts.

*portable* is aiohttp on every platform; *wire* is our own reactor on Linux, where it is there;
*browser* has the handshake of a current browser, for plain twins.
"""

from __future__ import annotations

import importlib
import importlib.util
import ssl
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self, cast, runtime_checkable

from harness.errors import UsageError, known
from harness.model.observation import Failure
from harness.ports.network import Answer, Exchange, Question, Request
from probes.net.dns_server import DnsServer
from probes.net.local_binding import UNBOUND, LocalBinding
from probes.net.route import Address, Route

BackendName = Literal["auto", "portable", "wire", "browser"]

BACKENDS = {
    "portable": "probes.net.portable.client:PortableBackend",
    "wire": "probes.net.wire.client:WireBackend",
    "browser": "probes.net.browser:BrowserBackend",
}
"""Where each lane is; a lane is only loaded when it is opened."""


class Backend(Protocol):
    """Carries requests over routes, each on a socket of its own, and questions to name servers.

    Used as an asynchronous context manager; neither method raises for network trouble.
    """

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exc: object) -> None: ...
    async def exchange(self, request: Request, route: Route) -> Exchange:
        """Carry one request to its answer or failure."""
        ...

    async def ask(self, question: Question, server: DnsServer) -> Answer:
        """Carry one question to a name server, over UDP, TCP, TLS or HTTPS."""
        ...


def open_backend(name: str = "auto") -> Backend:
    """Make the lane of that name; ``auto`` takes the wire where it can run."""
    if name == "auto":
        name = "wire" if has_wire() else "portable"
    if name not in BACKENDS:
        raise UsageError(f"no lane {name!r}; {known(('auto', *BACKENDS))}")
    if name == "wire" and not has_wire():
        raise UsageError(
            "the wire lane needs Linux and httptools; use lane 'portable' or 'auto' here"
        )
    module, _, attribute = BACKENDS[name].partition(":")
    make = cast("Callable[[], Backend]", getattr(importlib.import_module(module), attribute))
    return make()


def has_wire() -> bool:
    """Whether the wire lane can run on this machine."""
    return sys.platform == "linux" and importlib.util.find_spec("httptools") is not None


FindAddress = Callable[[str, int, float], Awaitable[Address | Failure]]
"""Where to connect to for a host, a port and a patience in seconds."""

FindRefusal = Callable[[str, int, float], Awaitable[Failure | None]]
"""Why a host and port may not be asked for, with a patience in seconds; None if they may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """How to go over a line: ``trust`` is the client's own, for it may change what it offers.

    ``proxy`` is the URL of a proxy that everything goes through (``find`` then finds the proxy),
    with its credentials and, where it is spoken to over TLS, whom to trust there. ``refusal``
    guards what it is asked for; without a proxy, ``find`` does.
    """

    find: FindAddress
    trust: ssl.SSLContext
    binding: LocalBinding = UNBOUND
    proxy: str = ""
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    proxy_trust: ssl.SSLContext | None = None
    refusal: FindRefusal | None = None


@runtime_checkable
class OffersClientSettings(Protocol):
    """A line that a client of another make can use."""

    def client_settings(self) -> ClientSettings | None:
        """The way, or None where there is none for such a client."""
        ...


def client_settings_of(line: object) -> ClientSettings | None:
    """The way over a line, or None where there is none for such a client."""
    return line.client_settings() if isinstance(line, OffersClientSettings) else None
