"""The reference filter as a transparent gateway.

It decides by the Host header of an http request and by the server name in a ClientHello. To show a
page over https it intercepts TLS, with a certificate of its own authority or with one that no
client accepts. Also holds unreachable ports for tests and faults: ``closed_port``, ``BlackHole``,
``FullBacklog``.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import ClassVar, Self

from probes.range.authority import Authority
from probes.range.connection import Connection, Request
from probes.range.faults import FaultKind
from probes.range.filter import Decision, FilterPolicy, ReferenceFilter, Service
from probes.range.listener import Listener
from probes.range.origin_pages import block_page
from probes.range.pending_entry import Asked
from probes.range.proxy import ProxyConnection, Upstream
from probes.range.server_tls import Tls
from probes.range.zone import ADDRESS, DROP_ADDRESS, LANDING_ADDRESS, TWIN_ADDRESS


def read_server_name(received: bytes) -> str | None:
    """Return the server name in a ClientHello ('': it has none), or None while it is incomplete.

    Raises ValueError if it is not a ClientHello.
    """
    names: list[str] = []

    def note(tls: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> int:
        del tls, context
        names.append(name or "")
        return int(ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = note
    incoming = ssl.MemoryBIO()
    incoming.write(received)
    try:
        context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True).do_handshake()
    except ssl.SSLWantReadError:
        return None
    except ssl.SSLError as error:
        if not names:
            msg = f"no ClientHello: {error.reason}"
            raise ValueError(msg) from None
    return names[0] if names else ""


BACKLOG_FILLERS = 3
"""Connections that fill a backlog of 0; the kernel accepts more than the stated length."""


def closed_port() -> int:
    """Return a loopback port on which nothing listens: connections are refused."""
    with socket.socket() as sock:
        sock.bind((ADDRESS, 0))
        return int(sock.getsockname()[1])


class BlackHole:
    """A port that accepts connections and datagrams and never answers; a context manager."""

    def __enter__(self) -> Self:
        self._tcp = socket.socket()
        self._tcp.bind((ADDRESS, 0))
        self._tcp.listen(1024)
        self.port = int(self._tcp.getsockname()[1])
        self._udp = socket.socket(type=socket.SOCK_DGRAM)
        self._udp.bind((ADDRESS, self.port))
        return self

    def __exit__(self, *exc: object) -> None:
        self._tcp.close()
        self._udp.close()


class FullBacklog:
    """A port with a full backlog, so that SYNs to it are dropped (Linux); a context manager."""

    def __init__(self, address: str, port: int) -> None:
        self._address = (address, port)

    def __enter__(self) -> Self:
        self._listener = socket.socket()
        self._listener.bind(self._address)
        self._listener.listen(0)
        self._clients = [socket.socket() for _ in range(BACKLOG_FILLERS)]
        for client in self._clients:
            client.settimeout(0)
            client.connect_ex(self._address)
        return self

    def __exit__(self, *exc: object) -> None:
        for sock in (*self._clients, self._listener):
            sock.close()


ALERT = bytes((21, 3, 3, 0, 2, 2, 49))
"""A TLS record with the fatal alert access_denied (RFC 8446 section 6.2)."""

OTHER_HOST = "portal.filter.accredit.test"
UNINTERCEPTED_STYLES = frozenset({None, FaultKind.UPGRADE})
"""Styles that do not touch a TLS connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAuthorities:
    """A gateway's certificate authorities: its own, which clients may trust, and an unknown one."""

    own: Authority
    unknown: Authority

    def context(self, style: FaultKind | None, host: str) -> ssl.SSLContext:
        """Return the TLS context for intercepting a connection to ``host``."""
        match style:
            case FaultKind.UNKNOWN_AUTHORITY:
                return self.unknown.context(host)
            case FaultKind.WRONG_HOST:
                return self.own.context(OTHER_HOST)
            case FaultKind.EXPIRED:
                return self.own.expired_context(host)
        return self.own.context(host)


class PlainGateway(ProxyConnection):
    """An intercepted http connection."""

    service: ClassVar[Service] = "gateway"

    def on_request(self, request: Request) -> None:
        """Decide by the host of the request."""
        self._decide(request)


class SecureGateway(PlainGateway):
    """An intercepted https connection."""

    def __init__(
        self,
        filter_: ReferenceFilter,
        profile: str,
        upstream: Upstream,
        authorities: GatewayAuthorities,
    ) -> None:
        super().__init__(filter_, profile, upstream)
        self._authorities = authorities
        self._client_hello: bytearray | None = bytearray()
        self._decided: Decision

    def data_received(self, data: bytes) -> None:
        """Read the ClientHello and decide by its server name; then pass data on."""
        if self._client_hello is None:
            super().data_received(data)
            return
        self._client_hello += data
        try:
            name = read_server_name(bytes(self._client_hello))
        except ValueError:
            self.close()
            return
        if name is not None:
            asked = Asked.of_server_name(name, len(self._client_hello))
            self._begin_entry(asked, self._asker)
            self._decided = self._filter.decide(name, self._profile, self.service)
            self._note(self._decided)
            self._begin(bytes(self._client_hello), name)

    @property
    def _is_strict(self) -> bool:
        """Whether the filter reads what is inside TLS that passes."""
        return self._filter.policy.is_strict and self._decided.reads

    def _decide(self, request: Request) -> None:
        """Apply the decision that was made by the ClientHello, or one about the request."""
        if self._is_strict and not self._decided.is_blocked:
            super()._decide(request)
            return
        self._begin_request(request)
        decision = self._filter.examine(self._decided, self._profile, self.service, request)
        self._note(decision)
        self._apply(decision, request)

    def _begin(self, hello: bytes, name: str) -> None:
        match self._decided.style:
            case FaultKind.SILENT:
                self._end_entry()
            case FaultKind.RESET:
                self.reset()
            case FaultKind.EOF:
                self.close()
            case FaultKind.ALERT:
                self.send(ALERT)
                self.close()
            case FaultKind.PLAIN:
                self.answer(block_page(name, self._decided.category))
            case None if self._is_strict and not self._upstream.zone_server.has(name):
                self.close_socket()
            case style if style in UNINTERCEPTED_STYLES and not self._is_strict:
                # Data received before the tunnel is open is kept with the ClientHello.
                self._connecting = asyncio.get_running_loop().create_task(self._tunnel(name))
            case style:
                self._client_hello = None
                self._tls = Tls(self._authorities.context(style, name))
                super().data_received(hello)

    async def _tunnel(self, name: str) -> None:
        await self._connect_origin(ADDRESS, self._upstream.ports[443], name)
        if self._origin_side is not None and self._client_hello is not None:
            self._origin_side.has_answered = True
            if self._entry is not None:
                self._entry.answer.open_tunnel()
            self._origin_side.send(bytes(self._client_hello))
            self._client_hello = None


BLOCK_EVERYTHING = FilterPolicy(blocks=lambda *_: True)


SAME_AS = {80: 80, 443: 443, 8080: 80, 8443: 443}
"""Ports of URLs, and the usual port that each is treated like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateways:
    """Starts gateways that share one filter; the given exit stack ends them."""

    filter: ReferenceFilter
    upstream: Upstream
    authorities: GatewayAuthorities

    async def start(
        self, stack: AsyncExitStack, profiles: Iterable[str]
    ) -> dict[str, dict[str, int]]:
        """Start all gateways and the landing server; return ports by profile and URL port."""
        landing = Gateways(
            filter=ReferenceFilter(policy=BLOCK_EVERYTHING, log=self.filter.log),
            upstream=self.upstream,
            authorities=self.authorities,
        )
        await landing._listen(stack, "", LANDING_ADDRESS, self.upstream.ports)
        ports_by_profile = {}
        for profile in profiles:
            ports = ports_by_profile[profile] = await self._listen(stack, profile)
            if TWIN_ADDRESS != ADDRESS:
                await self._listen(stack, profile, TWIN_ADDRESS, ports)
            await landing._listen(stack, "", LANDING_ADDRESS, ports)
            for port in ports.values():
                stack.enter_context(FullBacklog(DROP_ADDRESS, port))
        return {
            profile: {str(port): ports[same] for port, same in SAME_AS.items()}
            for profile, ports in ports_by_profile.items()
        }

    async def _listen(
        self,
        stack: AsyncExitStack,
        profile: str,
        address: str = ADDRESS,
        at: dict[int, int] | None = None,
    ) -> dict[int, int]:
        """Listen for http and https clients, at the ports ``at`` or at free ones."""

        def plain() -> Connection:
            return PlainGateway(self.filter, profile, self.upstream)

        def secure() -> Connection:
            return SecureGateway(self.filter, profile, self.upstream, self.authorities)

        at = at or {}
        ports = {}
        for port, connect in ((80, plain), (443, secure)):
            listener = Listener(connect, address, at.get(port, 0))
            ports[port] = (await stack.enter_async_context(listener)).port
        return ports
