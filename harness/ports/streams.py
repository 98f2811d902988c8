"""Protocols for byte streams, datagrams and pings over a line."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, runtime_checkable

import msgspec

from harness.model.facts import Certificate
from harness.model.observation import Failure, Timings

Opened = TypeVar("Opened")


class DialRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The far end of a byte stream or datagrams; ``address`` and ``may_lead`` as in ``Request``.

    With ``secure`` a stream is opened with a TLS handshake, in which the line's own trust applies.
    A ``plain`` stream carries HTTP requests without TLS: an HTTP proxy opens no tunnel for it, but
    takes the requests itself. ``guarded`` is the origin's host that is meant where ``host`` is
    another spelling of it; a proxy is then told ``address``, if there is one. ``tunnel_headers``
    are sent with CONNECT (see ``Request``).
    """

    host: str
    port: int
    timeout: float = 5.0
    address: str = ""
    may_lead: bool = False
    secure: bool = False
    plain: bool = False
    guarded: str = ""
    tunnel_headers: tuple[tuple[str, str], ...] = ()


class ByteStream(Protocol):
    """A byte stream to the far end. ``read`` gives nothing where the far end has closed.

    ``start_tls`` performs a handshake and verifies the certificate; from then on all is encrypted.
    All but ``close`` raise OSError (ssl.SSLError among them) for network trouble.
    """

    async def write(self, data: bytes) -> None: ...
    async def read(self) -> bytes: ...
    async def start_tls(self, trust: ssl.SSLContext, host: str) -> None: ...
    def close(self) -> None: ...


class DatagramSocket(Protocol):
    """Datagrams to and from one far end. Both methods raise OSError for network trouble."""

    async def send(self, data: bytes) -> None: ...
    async def receive(self) -> bytes: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled(Generic[Opened]):
    """The result of dialling: an open stream or socket, which the caller closes, or a failure.

    ``peer`` is the address that was connected to; with a proxy, it is the proxy's, whose reply to
    CONNECT is ``tunnel_status``. ``headers`` and ``body`` are those of a reply that refuses,
    ``certificate`` is the far end's chain. ``is_proxied``: an HTTP proxy reads requests in absolute
    form on the stream, with ``authorization`` as Proxy-Authorization, if it is not empty.
    """

    timings: Timings
    opened: Opened | None = None
    failure: Failure | None = None
    peer: str = ""
    tunnel_status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    certificate: Certificate | None = None
    is_proxied: bool = False
    authorization: str = field(default="", repr=False)


@runtime_checkable
class DialsStreams(Protocol):
    """A line that gives byte streams: through CONNECT or SOCKS where it is a proxy.

    Its ``carries`` has ``dial``. Network trouble is in the result, never raised.
    """

    async def dial(self, request: DialRequest) -> Dialled[ByteStream]: ...


@runtime_checkable
class SendsDatagrams(Protocol):
    """A line that gives UDP sockets; its ``carries`` has ``datagrams``."""

    async def datagrams(self, request: DialRequest) -> Dialled[DatagramSocket]: ...
