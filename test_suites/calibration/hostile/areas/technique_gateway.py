"""The services of the area ``techniques``: a good gateway and name server, and what stands before.

Only ports 80 and 443 lead anywhere; all others are refused by the system.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from probes.range.authority import Authority
from probes.range.filter import ReferenceFilter
from probes.range.gateway import GatewayAuthorities, Gateways
from probes.range.name_server import NameServer
from probes.range.proxy import Upstream
from probes.range.resolver import FilteringResolver
from probes.range.testbed import RangeTestbed
from probes.range.zone import ADDRESS
from test_suites.calibration.hostile.areas.knock import (
    Admit,
    Knock,
    Lead,
    admit_none,
    first_of,
)
from test_suites.calibration.pupils_network import DatagramRelay
from test_suites.calibration.technique_campaigns import PUPILS, UNFILTERED, good_policy
from test_suites.kit.networks.byte_stream import ByteStream
from test_suites.kit.networks.listening import Listening

DISCARD = 9
"""A port that nothing is sent to: it only completes an address."""


class GoodGateway:
    """The good gateway and name server, started once for all services of a testbed."""

    def __init__(self, world: RangeTestbed, authority: Authority) -> None:
        self._world = world
        self.authority = authority
        self._ports: dict[int, int] = {}
        self._server = ""

    async def start(self, stack: AsyncExitStack) -> None:
        """Start both; they end with the stack."""
        names, origin = self._world.zone_server, self._world.origin
        good = ReferenceFilter(policy=good_policy())
        gateways = Gateways(
            filter=good,
            upstream=Upstream(zone_server=names, ports=origin.ports),
            authorities=GatewayAuthorities(own=self.authority, unknown=self.authority),
        )
        found = await gateways.start(stack, [PUPILS])
        self._ports = {int(port): real for port, real in found[PUPILS].items()}
        resolver = FilteringResolver(zone_server=names, filter=good, profile=UNFILTERED)
        server = await stack.enter_async_context(NameServer(resolver.reply))
        self._server = server.address

    async def serve(self, lead: Lead, admit: Admit, listening: Listening) -> dict[str, Any]:
        """Start a service; return its name server, and its ports by those of the origin."""
        memory: dict[str, Any] = {}
        ports = dict.fromkeys(self._world.origin.ports, _refused(listening))
        for port in (80, 443):
            handle = partial(self._lead, lead, memory, port)
            ports[port] = await listening.listen(handle)
        if admit is not admit_none:
            await self._pass_datagrams(partial(_admitted, admit, memory), ports[443], listening)
        return {"server": self._server, "ports": ports}

    async def _pass_datagrams(
        self, admits: Callable[[bytes], bool], port: int, listening: Listening
    ) -> None:
        """Pass datagrams to UDP port 443 on to the origin's HTTP/3."""
        relay = DatagramRelay(self._world.origin.ports[443], admits)
        await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: relay, local_addr=(ADDRESS, port)
        )
        listening.also_close(relay.close)

    async def _lead(
        self, lead: Lead, memory: dict[str, Any], port: int, stream: ByteStream
    ) -> None:
        is_secure = port == 443
        first = await first_of(stream, is_secure=is_secure)
        if first:
            knock = Knock(
                stream=stream,
                first=first,
                is_secure=is_secure,
                gateway=self._ports[port],
                origin=self._world.origin.ports[port],
                authority=self.authority,
                memory=memory,
            )
            await lead(knock)


def _admitted(admit: Admit, memory: dict[str, Any], data: bytes) -> bool:
    return admit(data, memory)


def _refused(listening: Listening) -> int:
    """A port at which connections and datagrams are refused, until all is closed."""
    stream = socket.socket()
    stream.bind((ADDRESS, 0))
    port = int(stream.getsockname()[1])
    datagrams = socket.socket(type=socket.SOCK_DGRAM)
    datagrams.bind((ADDRESS, port))
    datagrams.connect((ADDRESS, DISCARD))
    for each in (stream, datagrams):
        listening.also_close(each.close)
    return port
