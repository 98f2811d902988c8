"""Backends: three implementations of HTTP exchanges and DNS questions behind one protocol.

*portable* uses aiohttp (on Linux an extra) and dnspython on every platform; *wire* uses raw sockets
and epoll on Linux; *browser* has the TLS handshake of a current browser, for plain twins. All three
yield the same facts. Users choose one by a line's option ``lane``.

Also holds ``ClientSettings``: how an independent HTTP client (the second client) uses a line.
"""

from __future__ import annotations

import importlib
import importlib.util
import ssl
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol, Self, cast, runtime_checkable

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from harness.errors import UsageError, known, lacking, require_library
from harness.model.observation import Failure
from harness.ports.network import Answer, Exchange, Question, Request
from probes.net.dns_server import DnsServer
from probes.net.local_binding import UNBOUND, LocalBinding
from probes.net.route import Address, Route


def _usable(name: str) -> str:
    """Return the name of a backend. Raises PydanticCustomError for one that needs an extra."""
    absent = lacking("aiohttp", "portable") if name == "portable" else None
    if absent is not None:
        raise PydanticCustomError("extra", "{needed}", {"needed": ": ".join(absent)})
    return name


BackendName = Annotated[Literal["auto", "portable", "wire", "browser"], AfterValidator(_usable)]

BACKENDS = {
    "portable": "probes.net.portable.portable_backend:PortableBackend",
    "wire": "probes.net.wire.wire_backend:WireBackend",
    "browser": "probes.net.browser:BrowserBackend",
}
"""Module and class of each backend; imported only when it is opened."""


class Backend(Protocol):
    """Sends HTTP requests over routes, one connection each, and DNS questions to name servers.

    Used as an asynchronous context manager. Network failures are returned, never raised.
    """

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exc: object) -> None: ...
    async def exchange(self, request: Request, route: Route) -> Exchange:
        """Send one request; return its response or failure."""
        ...

    async def ask(self, question: Question, server: DnsServer) -> Answer:
        """Ask a name server one question over UDP, TCP, TLS or HTTPS."""
        ...


def open_backend(name: str = "auto") -> Backend:
    """Create the backend of that name; ``auto`` is *wire* where it can run, else *portable*.

    Raises UsageError for an unknown or unavailable backend, or one that needs an extra.
    """
    if name == "auto":
        name = "wire" if has_wire() else "portable"
    if name not in BACKENDS:
        raise UsageError(f"no lane {name!r}; {known(('auto', *BACKENDS))}")
    if name == "wire" and not has_wire():
        raise UsageError(
            "lane 'wire' needs Linux and httptools; use lane 'portable' or 'auto' on this machine"
        )
    if name == "portable":
        require_library("aiohttp", "lane 'portable'", "portable")
    module, _, attribute = BACKENDS[name].partition(":")
    make = cast("Callable[[], Backend]", getattr(importlib.import_module(module), attribute))
    return make()


def has_wire() -> bool:
    """Whether the wire backend can run on this machine."""
    return sys.platform == "linux" and importlib.util.find_spec("httptools") is not None


FindAddress = Callable[[str, int, float], Awaitable[Address | Failure]]
"""Return the address to connect to for a host, a port and a time limit in seconds."""

FindRefusal = Callable[[str, int, float], Awaitable[Failure | None]]
"""Return why a host and port may not be visited (time limit in seconds); None if they may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """How an independent HTTP client uses a line.

    ``trust`` is a TLS context of the client's own, because the client may change it. ``proxy`` is
    the URL of the proxy that all requests go through (``find`` then returns the proxy's address),
    with ``credentials`` and, for a proxy over TLS, ``proxy_trust``. ``refusal`` checks the
    endpoints that the proxy is asked for; without a proxy, ``find`` does that.
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
    """A line that an independent HTTP client can use."""

    def client_settings(self) -> ClientSettings | None:
        """Return the settings, or None if such a client cannot use the line."""
        ...


def client_settings_of(line: object) -> ClientSettings | None:
    """Return the client settings of a line, or None if an independent client cannot use it."""
    return line.client_settings() if isinstance(line, OffersClientSettings) else None
