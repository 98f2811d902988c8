"""``DirectLine``: resolves a host by one name server and connects to it; base of several lines.

Also holds its options, ``find_address`` (a lookup by this machine's own resolver), and ``Ports``,
the map of URL ports to real ports on a test range.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from time import perf_counter
from typing import ClassVar, Self, TypeVar, cast

import msgspec

from harness.model.campaign import Limits
from harness.model.declared import Declared
from harness.model.facts import DnsFacts
from harness.model.observation import Failure, Stage, Timings
from harness.ports.list_program import Connection
from harness.ports.network import Answer, Exchange, Line, Origin, Question, Request
from harness.ports.streams import ByteStream, DatagramSocket, Dialled, DialRequest
from probes.net.address_guard import AddressGuard
from probes.net.backend import BackendName, ClientSettings, open_backend
from probes.net.dialling import dial_stream, not_dialled, open_datagrams
from probes.net.dns_server import DnsServer, alpn_for
from probes.net.exchange_recorder import failure_of, resolve_failure
from probes.net.local_binding import UNBOUND, LocalBinding, check_binding, family_of
from probes.net.pings import open_echoes
from probes.net.route import (
    Address,
    Family,
    Route,
    client_tls_context,
    is_in_family,
    is_literal,
    is_loopback,
    is_unspecified,
    shared_tls_context,
)
from probes.net.url_target import parse_url_target


async def find_address(named: Address, stage: Stage, family: Family = "any") -> Address | Failure:
    """Resolve a host by this machine's resolver, IPv4 first; or a Failure at ``stage``."""
    if is_literal(named.host):
        return named
    try:
        entries = await asyncio.get_running_loop().getaddrinfo(
            named.host, named.port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        return failure_of(error, stage)
    hosts = [host for entry in entries if is_in_family(family, host := str(entry[4][0]))]
    if not hosts:
        detail = f"{named.host} has no address of family {family}"
        return Failure(name="dns_no_answer", stage=stage, detail=detail)
    return Address(host=min(hosts, key=lambda host: family_of(host).value), port=named.port)


MIN_PATIENCE = 0.001
"""Seconds left to a fetch when resolving took all of its time."""

TYPES: dict[Family, tuple[str, ...]] = {"any": ("A", "AAAA"), "ipv4": ("A",), "ipv6": ("AAAA",)}
"""Record types that are queried for an address, in turn, until there is one."""


class DirectOptions(Declared):
    """Options of a direct line.

    ``ports`` maps ports of URLs to real ones (default: the origin's own map). ``family`` any uses
    IPv6 only if a host has no IPv4 address. ``mixed_case`` sends names in mixed letter case
    (DNS 0x20), which pupils' devices do not do. ``source`` is the local IP address to bind to.
    """

    ports: dict[int, int] | None = None
    authority: str = ""
    family: Family = "any"
    mixed_case: bool = False
    source: str = ""
    lane: BackendName = "auto"


Options = TypeVar("Options", bound=Declared)


def pupil_options(options: Options, source: str) -> Options:
    """Return options for plain twins: the browser backend, and ``source`` if given."""
    changed = {"lane": "browser", "mixed_case": False} | ({"source": source} if source else {})
    fields = type(options).model_fields
    return options.model_copy(update={name: changed[name] for name in changed if name in fields})


def invalid(reason: str) -> Failure:
    """Return the failure of a request that cannot be sent: one of the instrument."""
    return Failure(name="instrument_error", stage="instrument", detail=reason[:200])


def invalid_request(reason: str) -> Exchange:
    """Return the exchange of a request that cannot be sent."""
    return Exchange(timings=Timings(), failure=invalid(reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Maps ports of URLs to the origin's real ports; other hosts keep their own."""

    mapping: Mapping[int, int]
    origin: Origin | None

    def real(self, endpoint: Address) -> int:
        """Return the port to connect to."""
        host, origin = endpoint.host, self.origin
        if origin is not None and not (origin.covers(host) or origin.is_by_literal(host)):
            return endpoint.port
        return self.mapping.get(endpoint.port, endpoint.port)


class DirectLine:
    """A line that resolves by one name server and connects to the address in its answer."""

    carries: ClassVar[frozenset[str]] = frozenset(
        {"fetch", "fetch_over", "ask", "dial", "datagrams", "pings", "connection"}
    )

    def __init__(
        self,
        name: str,
        options: DirectOptions,
        origin: Origin | None,
        limits: Limits,
        server: DnsServer,
        binding: LocalBinding = UNBOUND,
    ) -> None:
        self.name = name
        self.origin = origin
        self.limits = limits
        self._options = options
        if options.source:
            binding = replace(binding, address=options.source)
        self._server = replace(server, binding=binding, mixed_case=options.mixed_case)
        self._binding = binding
        mapping = options.ports if options.ports is not None else origin.ports if origin else {}
        self._ports = Ports(mapping=mapping, origin=origin)
        self.guard = AddressGuard(origin, mapping, self._declared_endpoints())
        self._unreachable: Failure | None = None
        self._stack = AsyncExitStack()

    @property
    def trusts_supplier(self) -> bool:
        """Whether an authority of the supplier is trusted, as on a managed device."""
        return bool(self._options.authority)

    @property
    def authorities(self) -> tuple[str, ...]:
        """The files of authorities that the line trusts beside the system's."""
        named = (self.origin.authority if self.origin else "", self._options.authority)
        return tuple(filter(None, named))

    def at_close(self, end: Callable[[], Awaitable[None]]) -> None:
        """Call ``end`` when the line is closed."""
        self._stack.push_async_callback(end)

    async def __aenter__(self) -> Self:
        self._trust = shared_tls_context(*self.authorities)
        check_binding(self._binding, f"line {self.name!r}")
        await self._find_server()
        self._backend = await self._stack.enter_async_context(open_backend(self._options.lane))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def as_pupil(self, source: str) -> Self:
        """Return the same line as a pupil's browser uses it, bound to ``source`` if given."""
        make = cast("Callable[..., Self]", type(self))  # all lines have the same constructor
        line = make(self.name, pupil_options(self._options, source), self.origin, self.limits)
        line.guard = self.guard
        return line

    def declare(self, block_page: str, control: Line) -> None:
        """Allow the host of the supplier's block page; ``control`` is not needed."""
        del control
        self.guard.declare_block_page(block_page)

    def connection(self) -> Connection:
        """Return how another program uses this line."""
        return Connection(
            resolver=str(self._server),
            ports=dict(self._ports.mapping),
            authority=self._options.authority,
            source=self._binding.address,
            device=self._binding.device,
            netns=self._binding.netns,
        )

    def may_visit(self, endpoint: Address, address: str) -> bool:
        """Whether the line may connect to an IP address for the host and port of a URL."""
        return isinstance(self._checked(endpoint, address), Address)

    def _declared_endpoints(self) -> tuple[Address, ...]:
        """Return the endpoints that the line's options declare, beside the origin."""
        return ()

    @cached_property
    def _client_settings(self) -> ClientSettings:
        trust = client_tls_context(*self.authorities)
        return ClientSettings(find=self._find_endpoint, trust=trust, binding=self._binding)

    def client_settings(self) -> ClientSettings | None:
        """Return how an independent HTTP client uses this line."""
        return self._client_settings

    async def _find_endpoint(self, host: str, port: int, patience: float) -> Address | Failure:
        address = await self._find(host, patience)
        if isinstance(address, Failure):
            return address
        return self._checked(Address(host=host, port=port), address)

    async def ask(self, question: Question) -> Answer:
        """Ask the line's name server one question."""
        return await self._ask(question, self._server, self._unreachable)

    async def _ask(
        self, question: Question, server: DnsServer, unreachable: Failure | None
    ) -> Answer:
        if unreachable is not None:
            facts = DnsFacts(name=question.name, type=question.type, server=str(server))
            return Answer(facts=facts, timings=Timings(), failure=unreachable)
        return await self._backend.ask(question, server)

    async def fetch(self, request: Request) -> Exchange:
        """Resolve the host, connect, and send the request; timings include the resolve phase."""
        return await self.fetch_over(request, self._options.family)

    async def fetch_over(self, request: Request, family: Family) -> Exchange:
        """Fetch as ``fetch`` does, from an address of that family alone."""
        started = perf_counter()
        try:
            endpoint = parse_url_target(request.url).endpoint
        except ValueError as error:
            return invalid_request(str(error))
        address = await self._locate(endpoint, request, family)
        resolve = perf_counter() - started
        if isinstance(address, Failure):
            return Exchange(timings=Timings(total=resolve), failure=address)
        remaining = max(request.timeout - resolve, MIN_PATIENCE)
        exchange = await self._backend.exchange(
            msgspec.structs.replace(request, timeout=remaining),
            Route(address=address, trust=self._trust, binding=self._binding),
        )
        timings = msgspec.structs.replace(
            exchange.timings,
            resolve=None if is_literal(endpoint.host) else resolve,
            total=perf_counter() - started,
        )
        return msgspec.structs.replace(exchange, timings=timings)

    async def dial(self, request: DialRequest) -> Dialled[ByteStream]:
        """Resolve the host, and connect to it."""
        started = perf_counter()
        endpoint = Address(host=request.host, port=request.port)
        address = await self._locate(endpoint, request)
        resolve = perf_counter() - started
        if isinstance(address, Failure):
            return not_dialled(address, resolve)
        route = Route(address=address, trust=self._trust, binding=self._binding)
        remaining = max(request.timeout - resolve, MIN_PATIENCE)
        dialled = await dial_stream(
            route, endpoint, remaining, secure=request.secure, plain=request.plain
        )
        timings = msgspec.structs.replace(
            dialled.timings,
            resolve=None if is_literal(endpoint.host) else resolve,
            total=perf_counter() - started,
        )
        return replace(dialled, timings=timings)

    async def datagrams(self, request: DialRequest) -> Dialled[DatagramSocket]:
        """Resolve the host, and open a UDP socket to it."""
        return await self._opened(request, open_datagrams)

    async def pings(self, request: DialRequest) -> Dialled[DatagramSocket]:
        """Resolve the host, and open a socket for echo requests to it."""
        return await self._opened(request, open_echoes)

    async def _opened(
        self,
        request: DialRequest,
        opener: Callable[[Address, LocalBinding], Dialled[DatagramSocket]],
    ) -> Dialled[DatagramSocket]:
        started = perf_counter()
        address = await self._locate(Address(host=request.host, port=request.port), request)
        if isinstance(address, Failure):
            timings = Timings(total=perf_counter() - started)
            return Dialled(timings=timings, failure=address)
        return opener(address, self._binding)

    async def _locate(
        self, endpoint: Address, request: Request | DialRequest, family: Family | None = None
    ) -> Address | Failure:
        """Return the address to connect to for a request, or the failure or refusal."""
        found: str | Failure = request.address or await self._find(
            endpoint.host, request.timeout, family
        )
        if isinstance(found, Failure):
            return found
        if isinstance(request, DialRequest) and request.guarded:
            endpoint = Address(host=request.guarded, port=endpoint.port)
        return self._checked(endpoint, found, may_lead=request.may_lead)

    async def _find_server(self) -> None:
        """Find the line's name server, once."""
        found = await self._found(self._server)
        if isinstance(found, Failure):
            self._unreachable = found
        else:
            self._server = found

    async def _found(self, server: DnsServer) -> DnsServer | Failure:
        """Resolve a name server's own name, by this machine's resolver."""
        address = await find_address(server.address, "resolve")
        if isinstance(address, Failure):
            # The name server is unreachable; no rule may treat this as an answer.
            return Failure(name="dns_temporary_failure", stage="resolve", detail=address.name)
        over = server.transport
        secure = over in ("tls", "https")
        trust = shared_tls_context(*self.authorities, alpn=alpn_for(over)) if secure else None
        return replace(server, address=address, trust=trust)

    async def _find(
        self, host: str, patience: float, family: Family | None = None
    ) -> str | Failure:
        """Resolve a host to an address of a family (the line's own), or to a Failure."""
        family = family or self._options.family
        if is_literal(host):
            return host if is_in_family(family, host) else other_family(host, family)
        deadline = perf_counter() + patience
        for type_ in TYPES[family]:
            remaining = max(deadline - perf_counter(), MIN_PATIENCE)
            answer = await self.ask(Question(name=host, type=type_, timeout=remaining))
            address = _address_in(answer, family)
            if address is not None:
                return address
        remaining = max(deadline - perf_counter(), MIN_PATIENCE)
        if family != "any" and await self._has_other_family(host, remaining, family):
            return no_address_in_family(host, family)
        return resolve_failure("NOERROR")

    def _checked(
        self, endpoint: Address, address: str, *, may_lead: bool = False
    ) -> Address | Failure:
        """Return the endpoint to connect to for a URL's host at ``address``, or a refusal."""
        at = Address(host=address, port=self._ports.real(endpoint))
        refusal = self.guard.refusal(endpoint.host, at, may_lead=may_lead)
        if refusal is None:
            return at
        return bogon(address) if self._is_sinkhole(endpoint.host, address) else refusal

    def _is_sinkhole(self, host: str, address: str) -> bool:
        """Whether a name resolves to loopback although the origin is elsewhere (a DNS sinkhole)."""
        if is_literal(host) or not is_loopback(address):
            return False
        return self.origin is None or not is_loopback(self.origin.address)

    async def _has_other_family(self, host: str, patience: float, family: Family) -> bool:
        """Whether a host has an address of the other family than this one."""
        type_ = "A" if family == "ipv6" else "AAAA"
        answer = await self.ask(Question(name=host, type=type_, timeout=patience))
        return bool(answer.facts.addresses)


def _address_in(answer: Answer, family: Family) -> str | Failure | None:
    """Return the address in an answer, or the failure; None if another record type may be tried."""
    if answer.failure is not None:
        return answer.failure
    address = next(
        (candidate for candidate in answer.facts.addresses if is_in_family(family, candidate)), ""
    )
    if address and is_unspecified(address):
        return bogon(address)
    if not address and answer.facts.has_alias_loop:
        return resolve_failure("", "aliases that lead back to each other")
    if not address and answer.facts.rcode != "NOERROR":
        codes = tuple(error.code for error in answer.facts.extended_errors)
        return msgspec.structs.replace(resolve_failure(answer.facts.rcode), extended_errors=codes)
    return address or None


def bogon(address: str) -> Failure:
    """Return the failure of a name whose address leads nowhere, as a sinkhole's does."""
    return Failure(name="dns_bogon_error", stage="resolve", detail=address)


def no_address_in_family(host: str, family: Family) -> Failure:
    """Return the failure of a host without an address of the family: neither blocked nor judged."""
    detail = f"{host} has an address, but none of family {family}"
    return Failure(name="address_family_not_supported", stage="resolve", detail=detail)


def other_family(host: str, family: str) -> Failure:
    """Return the failure of an IP address that is not of a line's family."""
    detail = f"{host} cannot be reached over {family}"
    return Failure(name="instrument_error", stage="instrument", detail=detail)
