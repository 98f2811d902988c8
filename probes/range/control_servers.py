"""Servers of an origin for control protocols: DNS over TLS, NTP, TURN, and pings where it may.

They answer what techniques send (``probes.techniques``), each with the origin's page.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from probes.net.ntp_packets import ANSWER_BYTES, CLIENT, data_in, server_packet
from probes.range.authority import Certificates, server_context
from probes.range.connection import Listener
from probes.range.datagram_server import DatagramServer, Peer
from probes.range.icmp_endpoint import IcmpEndpoint, may_answer_pings
from probes.range.name_server import DnsOverTls, ReplyFunction
from probes.range.tunnel_pages import TunnelPages
from probes.range.turn_server import TurnConnection, TurnServer
from probes.range.zone import ADDRESS

DNS_OVER_TLS, NTP, TURN = 853, 123, 3478
PORT_TRIES = 20
"""Attempts to find a port that is free for both UDP and TCP."""


@dataclass(slots=True, kw_only=True)
class ControlServers:
    """Servers at each of ``addresses``; a context manager.

    ``ports`` maps the usual ports to those that are listened on; the system chooses those that it
    does not hold. ``reply_to`` answers DNS.
    """

    tunnel: TunnelPages
    reply_to: ReplyFunction
    certificates: Certificates
    addresses: tuple[str, ...] = (ADDRESS,)
    ports: dict[int, int] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start_name_server(stack)
            ntp = DatagramServer(
                answer=self._ntp, addresses=self.addresses, port=self.ports.get(NTP, 0)
            )
            self.ports[NTP] = (await stack.enter_async_context(ntp)).port
            await self._start_relay(stack)
            if may_answer_pings():
                await stack.enter_async_context(IcmpEndpoint(tunnel=self.tunnel))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def _start_name_server(self, stack: AsyncExitStack) -> None:
        context = server_context(self.certificates, self.tunnel.pages.names)
        for address in self.addresses:
            port = self.ports.get(DNS_OVER_TLS, 0)
            listener = Listener(partial(DnsOverTls, self.reply_to, context), address, port)
            self.ports[DNS_OVER_TLS] = (await stack.enter_async_context(listener)).port

    async def _start_relay(self, stack: AsyncExitStack) -> None:
        """Start the relay at one port for UDP and TCP. Raises OSError if none is free for both."""
        turn = TurnServer(
            tunnel=self.tunnel, addresses=self.addresses, realm=self.tunnel.pages.names.apexes[0]
        )
        tries = 1 if TURN in self.ports else PORT_TRIES
        for left in reversed(range(tries)):
            try:
                async with AsyncExitStack() as relay:
                    port = await self._listen(relay, turn)
                    stack.push_async_exit(relay.pop_all())
            except OSError:
                if not left:
                    raise
            else:
                self.ports[TURN] = port
                return

    async def _listen(self, stack: AsyncExitStack, turn: TurnServer) -> int:
        port = self.ports.get(TURN, 0)
        for address in self.addresses:
            listener = Listener(partial(TurnConnection, turn), address, port)
            port = (await stack.enter_async_context(listener)).port
        await stack.enter_async_context(
            DatagramServer(answer=turn.answer, addresses=self.addresses, port=port)
        )
        return port

    def _ntp(self, packet: bytes, client: Peer) -> Iterator[bytes]:
        """Answer a client's packet whose extension field asks for a page."""
        del client
        question = data_in(packet, CLIENT)
        answer = self.tunnel.answer(question, "udp", "ntp", ANSWER_BYTES) if question else b""
        if answer:
            yield server_packet(packet, answer, time.time())
