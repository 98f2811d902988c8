"""Tunnels to the origin inside HTTP/3: which are opened, and what their datagrams carry.

Every tunnel ends at a QUIC server of its own inside the origin, so that no relay of a public origin
leads anywhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from aioquic.asyncio.server import QuicServer

from probes.net.capsules import UDP_CONTEXT, Capsules, datagram_capsule, udp_payload_of
from probes.range.origin import OriginServer
from probes.range.zone import normalise

WEBTRANSPORT, CONNECT_UDP = "webtransport", "connect-udp"

UDP_PATH = "/.well-known/masque/udp/"
"""What precedes host and port in the path of CONNECT-UDP (RFC 9298 section 3.4)."""

RELAYED_PORT = "443"
"""The only UDP port that is relayed to: that of HTTP/3."""

DEEPEST = 1
"""How many tunnels may be inside one another."""

ACCEPTED, FORBIDDEN, MISDIRECTED, NOT_IMPLEMENTED = 200, 403, 421, 501

Send = Callable[[bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelRequest:
    """An extended CONNECT (RFC 9220), which came through ``depth`` other tunnels."""

    protocol: str
    authority: str
    path: str
    depth: int

    @property
    def host(self) -> str:
        """The host that the tunnel is asked of."""
        return normalise(self.authority)

    @property
    def target(self) -> tuple[str, str]:
        """Host and port that CONNECT-UDP is to lead to; empty where the path names none."""
        host, parted, port = self.path.removeprefix(UDP_PATH).strip("/").partition("/")
        if not self.path.startswith(UDP_PATH) or not parted:
            return "", ""
        return normalise(unquote(host)), port


class DatagramTunnel:
    """A tunnel whose datagrams lead to a QUIC server inside the origin.

    ``has_streams``: it is a session of WebTransport, whose datagrams have no context and whose
    streams are byte streams. Those of CONNECT-UDP come as datagrams or as capsules, and are
    answered as they came.
    """

    def __init__(
        self,
        server: QuicServer,
        client: str,
        send_datagram: Send,
        send_data: Send,
        *,
        has_streams: bool,
    ) -> None:
        self.has_streams = has_streams
        self._server = server
        self._client = (client, 0)
        self._send_datagram = send_datagram
        self._send_data = send_data
        self._capsules = Capsules()
        self._by_capsules = False
        self._is_closed = False
        server.connection_made(_TunnelEnd(self._answer))

    def receive_datagram(self, data: bytes) -> None:
        """Pass a datagram on."""
        payload = data if self.has_streams else udp_payload_of(data)
        if payload is not None and not self._is_closed:
            self._server.datagram_received(payload, self._client)

    def receive_data(self, data: bytes) -> None:
        """Pass on what came in capsules."""
        if self.has_streams:
            return
        try:
            datagrams = self._capsules.feed(data)
        except ValueError:
            self.close()
            return
        for datagram in datagrams:
            self._by_capsules = True
            self.receive_datagram(datagram)

    def _answer(self, payload: bytes) -> None:
        if self._is_closed:
            return
        if self.has_streams:
            self._send_datagram(payload)
        elif self._by_capsules:
            self._send_data(datagram_capsule(UDP_CONTEXT + payload))
        else:
            self._send_datagram(UDP_CONTEXT + payload)

    def close(self) -> None:
        """End the connections in the tunnel."""
        if not self._is_closed:
            self._is_closed = True
            self._server.close()


class _TunnelEnd(asyncio.DatagramTransport):
    """The end of a tunnel, as a QUIC server's transport."""

    def __init__(self, answer: Send) -> None:
        super().__init__()
        self._answer = answer

    def sendto(self, data: Any, addr: Any = None) -> None:
        """Send a datagram back through the tunnel."""
        del addr
        self._answer(bytes(data))

    def close(self) -> None:
        """Nothing is held open."""


MakeTunnel = Callable[[QuicServer, str, Send, Send], DatagramTunnel]


def tunnel_of(request: TunnelRequest, origin: OriginServer) -> tuple[int, MakeTunnel | None]:
    """Return the status that a request for a tunnel is answered with, and the tunnel, if any."""
    names = origin.pages.names
    if not names.is_within(request.host):
        return MISDIRECTED, None
    if request.depth >= DEEPEST:
        return FORBIDDEN, None
    if request.protocol == WEBTRANSPORT:
        return ACCEPTED, _with_streams
    if request.protocol != CONNECT_UDP:
        return NOT_IMPLEMENTED, None
    host, port = request.target
    if port != RELAYED_PORT or not names.is_within(host):
        return FORBIDDEN, None
    return ACCEPTED, _without_streams


def _with_streams(
    server: QuicServer, client: str, send_datagram: Send, send_data: Send
) -> DatagramTunnel:
    return DatagramTunnel(server, client, send_datagram, send_data, has_streams=True)


def _without_streams(
    server: QuicServer, client: str, send_datagram: Send, send_data: Send
) -> DatagramTunnel:
    return DatagramTunnel(server, client, send_datagram, send_data, has_streams=False)
