"""All gateways of the range: one for each profile, and the server that sinkholes lead to."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from probes.range.blackholes import FullHouse
from probes.range.connection import Connection, Listener
from probes.range.filter import ReferenceFilter
from probes.range.gateway import PlainGateway, Seals, SecureGateway
from probes.range.policy import FilterPolicy
from probes.range.proxy import Upstream
from probes.range.zone import ADDRESS, DROP_ADDRESS, LANDING_ADDRESS, TWIN_ADDRESS

EVERYTHING = FilterPolicy(blocks=lambda *_: True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateways:
    """Starts gateways that share one filter; they live as long as the stack that they enter."""

    filter: ReferenceFilter
    upstream: Upstream
    seals: Seals

    async def start(
        self, stack: AsyncExitStack, profiles: Iterable[str]
    ) -> dict[str, dict[str, int]]:
        """Start them all, and the landing server; gives each profile's ports by those of URLs."""
        landing = Gateways(
            filter=ReferenceFilter(policy=EVERYTHING), upstream=self.upstream, seals=self.seals
        )
        await landing._stand(stack, "", LANDING_ADDRESS, self.upstream.ports)
        given = {}
        for profile in profiles:
            ports = given[profile] = await self._stand(stack, profile)
            if TWIN_ADDRESS != ADDRESS:
                await self._stand(stack, profile, TWIN_ADDRESS, ports)
            await landing._stand(stack, "", LANDING_ADDRESS, ports)
            for port in ports.values():
                stack.enter_context(FullHouse(DROP_ADDRESS, port))
        return {
            profile: {str(port): real for port, real in ports.items()}
            for profile, ports in given.items()
        }

    async def _stand(
        self,
        stack: AsyncExitStack,
        profile: str,
        address: str = ADDRESS,
        at: dict[int, int] | None = None,
    ) -> dict[int, int]:
        """Listen for plain and secure clients, at the ports ``at`` or any."""

        def plain() -> Connection:
            return PlainGateway(self.filter, profile, self.upstream)

        def secure() -> Connection:
            return SecureGateway(self.filter, profile, self.upstream, self.seals)

        at = at or {}
        ports = {}
        for port, connect in ((80, plain), (443, secure)):
            listener = Listener(connect, address, at.get(port, 0))
            ports[port] = (await stack.enter_async_context(listener)).port
        return ports
