"""Refuse connections to private addresses: no item or service may reach the tester's network.

Declared endpoints are allowed (docs/design/dd-012): the origin at its ports, the line's own proxy,
name server and gateway, and the campaign's block page. A private address to which the service
sends a must-block sentinel is allowed as well, on that line and port.

Holds ``AddressGuard`` and ``ControlLookup``, which resolves names over the control line for lines
whose proxy resolves them itself.
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
from probes.net.local_binding import is_own_address
from probes.net.route import Address

PATIENCE = 2.0
"""Time limit in seconds for one lookup; a name without an answer has no address."""

MAX_NAMES = 4096
"""Size of the cache of resolved names."""


@runtime_checkable
class ChecksAddresses(Protocol):
    """A line that connects to servers directly and can check addresses beforehand."""

    def may_visit(self, endpoint: Address, address: str) -> bool:
        """Whether the line may connect to an IP address for the host and port of a URL."""
        ...


class ControlLookup:
    """Resolve names over the control line (A and AAAA), with a cache."""

    def __init__(self, control: Line) -> None:
        self._control = control
        self._known: dict[str, tuple[str, ...]] = {}

    async def refused_addresses(self, endpoint: Address, patience: float) -> tuple[str, ...]:
        """Return the addresses of a host that the control line itself may not visit.

        Empty if there are none, or if ``patience`` (seconds) ran out.
        """
        addresses = (
            await self._addresses(endpoint.host, patience) if "ask" in self._control.carries else ()
        )
        control = self._control
        if not isinstance(control, ChecksAddresses):
            return addresses
        return tuple(address for address in addresses if not control.may_visit(endpoint, address))

    async def _addresses(self, name: str, patience: float) -> tuple[str, ...]:
        if name not in self._known:
            time_limit = min(patience, PATIENCE)
            questions = (
                Question(name=name, type=record_type, timeout=time_limit)
                for record_type in ("A", "AAAA")
            )
            answers = await asyncio.gather(*map(self._control.ask, questions))
            addresses = tuple(address for answer in answers for address in answer.facts.addresses)
            if any(answer.failure is not None for answer in answers):
                return addresses
            while len(self._known) >= MAX_NAMES:
                del self._known[next(iter(self._known))]
            self._known[name] = addresses
        return self._known[name]


WEB_PORTS = frozenset({80, 443})


class AddressGuard:
    """Decide which addresses a line may visit. A line and its plain twin share one guard.

    ``ports`` maps ports of URLs to the ports that the line connects to. Each of ``declared`` is a
    host with its port; hosts on other machines may also be visited at ports 80 and 443. ``lookup``
    resolves names that a proxy would resolve; without it only literal addresses are checked.
    """

    def __init__(
        self,
        origin: Origin | None,
        ports: Mapping[int, int] | None = None,
        declared: Iterable[Address] = (),
    ) -> None:
        self.lookup: ControlLookup | None = None
        self._origin = origin
        self._own_addresses = {canonical(one) for one in origin.addresses} if origin else set()
        own_ports = frozenset(origin.ports.values()) if origin is not None else frozenset()
        self._real_ports = own_ports | frozenset((ports or {}).values())
        self._zone_ports = WEB_PORTS | (
            frozenset(origin.ports) if origin is not None else WEB_PORTS
        )
        self._declared: set[Address] = set()
        self._block_page_hosts: set[str] = set()
        self._learned: set[Address] = set()
        for declared_endpoint in declared:
            self.declare(declared_endpoint)

    def declare(self, endpoint: Address) -> None:
        """Allow an endpoint that the line itself uses."""
        ports = {endpoint.port}
        if reach_of(endpoint.host) is not Reach.LOCAL:
            ports |= WEB_PORTS
        host = canonical(endpoint.host)
        self._declared |= {Address(host=host, port=port) for port in ports}

    def declare_block_page(self, host: str) -> None:
        """Allow the host of the supplier's block page, at any port."""
        if host:
            self._block_page_hosts.add(canonical(host))

    def refusal(self, host: str, at: Address, *, may_lead: bool = False) -> Failure | None:
        """Return why a line may not connect to ``at`` for the host of a URL; None if it may.

        With ``may_lead`` a private address is recorded as the service's own and allowed from then
        on.
        """
        reach = reach_of(at.host)
        if reach is Reach.PUBLIC or self._is_origins(host, at):
            return None
        return self._refusal(host, at, reach, may_lead=may_lead)

    def is_of_origin(self, address: str) -> bool:
        """Whether an IP address is one of the origin's."""
        return canonical(address) in self._own_addresses

    async def refusal_by_proxy(
        self, endpoint: Address, patience: float, *, may_lead: bool = False
    ) -> Failure | None:
        """Return why a proxy may not be asked for an endpoint; None if it may.

        Checks the host of the URL and the addresses that the control line finds for it. Split DNS
        that gives the proxy another address than the control line is not detected.
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
        """Whether the origin is at ``at``; on loopback its ports identify it."""
        origin = self._origin
        if origin is None:
            # A line with a port map connects to servers of the tester's own.
            return at.port in self._real_ports and _is_loopback(at.host)
        if at.port not in (self._real_ports or WEB_PORTS):
            return False
        if canonical(at.host) in self._own_addresses or self._is_by_literal(at.host):
            return True
        return origin.covers(host) and _is_loopback(at.host) and _is_loopback(origin.address)

    def _is_by_literal(self, host: str) -> bool:
        """Whether a host is an address by which a transition mechanism leads to the origin.

        For an origin on loopback it has to be this machine's own: else packets would leave it.
        """
        origin, address = self._origin, canonical(host)
        if origin is None or not origin.is_by_literal(address):
            return False
        return not _is_loopback(origin.address) or is_own_address(address)

    def _is_behind_proxy(self, endpoint: Address) -> bool:
        """Whether this endpoint is the origin, by a name of its zone or by an address."""
        origin, host = self._origin, endpoint.host
        if origin is None:
            return False
        is_named = origin.covers(host) or self._is_by_literal(host)
        is_in_zone = is_named and endpoint.port in self._zone_ports
        return is_in_zone or self._is_origins(host, endpoint)


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
