"""Refuses private addresses: no line fetches the tester's own network for a corpus or a service.

What is declared is visited (docs/design/dd-012): the origin at its ports, the line's own proxy,
name server and gateway, and the campaign's block page. A private address that the service led a
must-block sentinel to is visited too, on that line and port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Protocol, runtime_checkable

from harness.model.observation import Failure
from harness.model.private_address import PRIVATE_ADDRESS, Reach, canonical, literal, reach_of
from harness.ports.network import Line, Origin, Question
from probes.net.route import Address

PATIENCE = 2.0
"""Seconds that the control's name server is given; a name without an answer has no address."""

MAX_NAMES = 4096
"""How many names are kept with their addresses."""


@runtime_checkable
class ChecksAddresses(Protocol):
    """A line that connects by itself, and says whether it may go to an address for a host."""

    def may_visit(self, endpoint: Address, address: str) -> bool:
        """Whether nothing keeps the line from that IP address for the host and port of a URL."""
        ...


class ControlLookup:
    """The addresses of names, IPv4 and IPv6, as the control finds them; each is asked for once."""

    def __init__(self, control: Line) -> None:
        self._control = control
        self._known: dict[str, tuple[str, ...]] = {}

    async def refused_addresses(self, endpoint: Address, patience: float) -> tuple[str, ...]:
        """The addresses of a host that the control itself may not visit.

        None if it has none, or ``patience`` (seconds) ran out.
        """
        found = (
            await self._addresses(endpoint.host, patience) if "ask" in self._control.carries else ()
        )
        control = self._control
        if not isinstance(control, ChecksAddresses):
            return found
        return tuple(each for each in found if not control.may_visit(endpoint, each))

    async def _addresses(self, name: str, patience: float) -> tuple[str, ...]:
        if name not in self._known:
            left = min(patience, PATIENCE)
            questions = (Question(name=name, type=each, timeout=left) for each in ("A", "AAAA"))
            answers = await asyncio.gather(*map(self._control.ask, questions))
            found = tuple(one for answer in answers for one in answer.facts.addresses)
            if any(answer.failure is not None for answer in answers):
                return found
            while len(self._known) >= MAX_NAMES:
                del self._known[next(iter(self._known))]
            self._known[name] = found
        return self._known[name]


WEB_PORTS = frozenset({80, 443})


class AddressGuard:
    """Says which addresses a line may visit. One guard is shared by a line and its twin.

    ``ports`` are the real ports of the line by those of URLs. Each of ``declared`` is a host with
    its port; what is not on this machine may also be visited at the ports of the web. ``lookup``
    finds the names that a proxy would resolve; without it they count by themselves.
    """

    def __init__(
        self,
        origin: Origin | None,
        ports: Mapping[int, int] | None = None,
        declared: Iterable[Address] = (),
    ) -> None:
        self.lookup: ControlLookup | None = None
        self._origin = origin
        own_ports = frozenset(origin.ports.values()) if origin is not None else frozenset()
        self._real_ports = own_ports | frozenset((ports or {}).values())
        self._zone_ports = WEB_PORTS | (
            frozenset(origin.ports) if origin is not None else WEB_PORTS
        )
        self._declared: set[Address] = set()
        self._block_page_hosts: set[str] = set()
        self._learned: set[Address] = set()
        for each in declared:
            self.declare(each)

    def declare(self, endpoint: Address) -> None:
        """Let a host be visited that the line itself uses."""
        ports = {endpoint.port}
        if reach_of(endpoint.host) is not Reach.LOCAL:
            ports |= WEB_PORTS
        host = canonical(endpoint.host)
        self._declared |= {Address(host=host, port=port) for port in ports}

    def declare_block_page(self, host: str) -> None:
        """Let the host of the supplier's block page be visited, at any port."""
        if host:
            self._block_page_hosts.add(canonical(host))

    def refusal(self, host: str, at: Address, *, may_lead: bool = False) -> Failure | None:
        """Why a line may not connect to ``at`` for the host of a URL; None if it may.

        With ``may_lead`` a private address is noted as the service's own, and may be visited from
        then on.
        """
        reach = reach_of(at.host)
        if reach is Reach.PUBLIC or self._is_origins(host, at):
            return None
        return self._refusal(host, at, reach, may_lead=may_lead)

    async def refusal_by_proxy(
        self, endpoint: Address, patience: float, *, may_lead: bool = False
    ) -> Failure | None:
        """The same where a proxy connects: by the host of a URL, and where the control finds it.

        A name server that gives the proxy another address than the control is not found out.
        """
        if self._is_behind_proxy(endpoint):
            return None
        addresses: tuple[str, ...] = ()
        if self.lookup is not None and literal(endpoint.host) is None:
            named = Address(host=canonical(endpoint.host), port=endpoint.port)
            addresses = await self.lookup.refused_addresses(named, patience)
        reach = max(map(reach_of, (endpoint.host, *addresses)))
        if reach is Reach.PUBLIC:
            return None
        return self._refusal(endpoint.host, endpoint, reach, may_lead=may_lead)

    def _refusal(self, host: str, at: Address, reach: Reach, *, may_lead: bool) -> Failure | None:
        name, endpoint = canonical(host), _canonical_endpoint(at)
        if {
            endpoint,
            Address(host=name, port=at.port),
        } & self._declared or endpoint in self._learned:
            return None
        if endpoint.host in self._block_page_hosts:
            return None if literal(endpoint.host) or reach is Reach.PRIVATE else _refused(host, at)
        if reach is Reach.PRIVATE and (may_lead or name in self._block_page_hosts):
            if may_lead:
                self._learned.add(endpoint)
            return None
        return _refused(host, at)

    def _is_origins(self, host: str, at: Address) -> bool:
        """Whether the origin is there. All of loopback is one machine, so ports tell it apart."""
        origin = self._origin
        if origin is None:
            # A line that maps ports leads to servers of the tester's own.
            return at.port in self._real_ports and _is_loopback(at.host)
        if at.port not in (self._real_ports or WEB_PORTS):
            return False
        if canonical(at.host) == canonical(origin.address):
            return True
        return origin.covers(host) and _is_loopback(at.host) and _is_loopback(origin.address)

    def _is_behind_proxy(self, endpoint: Address) -> bool:
        """Whether a proxy finds the origin by the host of a URL, or the origin is named itself."""
        origin = self._origin
        if origin is None:
            return False
        is_in_zone = origin.covers(endpoint.host) and endpoint.port in self._zone_ports
        return is_in_zone or self._is_origins(endpoint.host, endpoint)


def _canonical_endpoint(at: Address) -> Address:
    return Address(host=canonical(at.host), port=at.port)


@lru_cache(maxsize=4096)
def _is_loopback(host: str) -> bool:
    address = literal(host)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address is not None and address.is_loopback


def _refused(host: str, at: Address) -> Failure:
    where = str(at) if canonical(host) == canonical(at.host) else f"{host} at {at}"
    detail = f"{where} is a private address that is not declared; nothing was sent there"
    return Failure(name=PRIVATE_ADDRESS, stage="request", detail=detail[:300])
