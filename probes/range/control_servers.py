"""Servers of an origin for control protocols: DNS over TLS, NTP, TURN, and pings where it may.

They answer what techniques send (``probes.techniques``), each with the origin's page.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from harness.model.protocol_case import CONTROL_PORTS, ControlName
from probes.net.ntp_packets import ANSWER_BYTES, CLIENT, data_in, server_packet
from probes.range.authority import Certificates
from probes.range.datagram_server import AnswerDatagram, DatagramServer, Peer
from probes.range.icmp_endpoint import IcmpEndpoint, may_answer_pings
from probes.range.listener import Listener
from probes.range.name_server import DnsOverTls, ReplyFunction
from probes.range.server_tls import server_context
from probes.range.tunnel_pages import TunnelPages
from probes.range.turn_server import TurnConnection, TurnServer
from probes.range.visitor_limits import VisitorLimits
from probes.range.zone import ADDRESS

PORT_TRIES = 20
"""Attempts to find a port that is free for both UDP and TCP."""


@dataclass(slots=True, kw_only=True)
class ControlServers:
    """The ``servers`` at each of ``addresses``; a context manager.

    ``servers`` gives the port to listen on, which the system chooses if it is 0. ``ports`` maps the
    usual ports to those that are listened on. ``reply_to`` answers DNS.
    """

    tunnel: TunnelPages
    reply_to: ReplyFunction
    certificates: Certificates
    addresses: tuple[str, ...] = (ADDRESS,)
    servers: Mapping[ControlName, int] = field(
        default_factory=lambda: dict.fromkeys(CONTROL_PORTS, 0)
    )
    limits: VisitorLimits | None = None
    ports: dict[int, int] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        starts: dict[ControlName, Callable[[AsyncExitStack, int], Awaitable[int]]] = {
            "dns-over-tls": self._start_name_server,
            "ntp": self._start_clock,
            "turn": self._start_relay,
        }
        async with AsyncExitStack() as stack:
            for name, port in self.servers.items():
                self.ports[CONTROL_PORTS[name]] = await starts[name](stack, port)
            if may_answer_pings():
                pings = IcmpEndpoint(tunnel=self.tunnel, limits=self._udp_limits)
                await stack.enter_async_context(pings)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @property
    def _udp_limits(self) -> VisitorLimits | None:
        """Limits of their own: sources over UDP can be forged, and use up nothing of TCP."""
        limits = self.limits
        return VisitorLimits(rules=limits.rules, now=limits.now) if limits else None

    async def _start_name_server(self, stack: AsyncExitStack, port: int) -> int:
        context = server_context(self.certificates, self.tunnel.pages.names)
        connect = partial(DnsOverTls, self.reply_to, context, self.limits)
        for address in self.addresses:
            port = (await stack.enter_async_context(Listener(connect, address, port))).port
        return port

    async def _start_clock(self, stack: AsyncExitStack, port: int) -> int:
        return await self._start_datagrams(stack, self._ntp, port)

    async def _start_datagrams(
        self, stack: AsyncExitStack, answer: AnswerDatagram, port: int
    ) -> int:
        server = DatagramServer(
            answer=answer, addresses=self.addresses, port=port, limits=self._udp_limits
        )
        return (await stack.enter_async_context(server)).port

    async def _start_relay(self, stack: AsyncExitStack, port: int) -> int:
        """Start the relay at one port for UDP and TCP. Raises OSError if none is free for both."""
        names = self.tunnel.pages.names
        published = tuple(address for zone in names.zones for address in zone.addresses)
        turn = TurnServer(tunnel=self.tunnel, addresses=published, realm=names.apexes[0])
        for left in reversed(range(1 if port else PORT_TRIES)):
            try:
                async with AsyncExitStack() as relay:
                    chosen = port
                    for address in self.addresses:
                        connect = partial(TurnConnection, turn, self.limits)
                        listener = Listener(connect, address, chosen)
                        chosen = (await relay.enter_async_context(listener)).port
                    await self._start_datagrams(relay, turn.answer, chosen)
                    stack.push_async_exit(relay.pop_all())
            except OSError:
                if not left:
                    raise
            else:
                return chosen
        raise AssertionError("the last try raises or returns")

    def _ntp(self, packet: bytes, client: Peer) -> Iterator[bytes]:
        """Answer a client's packet whose extension field asks for a page."""
        del client
        question = data_in(packet, CLIENT)
        answer = self.tunnel.answer(question, "udp", "ntp", ANSWER_BYTES) if question else b""
        if answer:
            yield server_packet(packet, answer, time.time())
