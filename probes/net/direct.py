"""Goes straight to a host: asks a name server where it is, and connects there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from time import perf_counter
from typing import ClassVar, Self, TypeVar, cast

import msgspec

from harness.model.campaign import Limits
from harness.model.declared import Declared
from harness.model.observation import DnsFacts, Failure, Stage, Timings
from harness.ports.network import Answer, Exchange, Line, Origin, Question, Request
from probes.net.address_guard import AddressGuard
from probes.net.backend import BackendName, ClientSettings, open_backend
from probes.net.dns_server import DnsServer, alpn_for
from probes.net.exchange_recorder import failure_of, resolve_failure
from probes.net.local_binding import UNBOUND, LocalBinding, check_binding, family_of
from probes.net.route import (
    Address,
    Family,
    Route,
    client_tls_context,
    is_literal,
    is_loopback,
    is_of,
    is_unspecified,
)
from probes.net.url_target import parse_url_target


async def find_address(named: Address, stage: Stage, family: Family = "any") -> Address | Failure:
    """The IP address of a host, IPv4 first; a Failure at ``stage`` where there is none."""
    if is_literal(named.host):
        return named
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            named.host, named.port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        return failure_of(error, stage)
    hosts = [host for each in found if is_of(family, host := str(each[4][0]))]
    if not hosts:
        detail = f"{named.host} has no address of family {family}"
        return Failure(name="dns_no_answer", stage=stage, detail=detail)
    return Address(host=min(hosts, key=lambda host: family_of(host).value), port=named.port)


MIN_PATIENCE = 0.001
"""Seconds left to a fetch whose name took all the time there was."""

TYPES: dict[Family, tuple[str, ...]] = {"any": ("A", "AAAA"), "ipv4": ("A",), "ipv6": ("AAAA",)}
"""What is asked for a host's address, in turn, until there is one."""


class DirectOptions(Declared):
    """``ports`` maps ports of URLs to real ones (default: the origin's own map).

    ``family`` any takes IPv6 only where a host has no IPv4 address. ``mixed_case`` asks for
    names in mixed letter case, which no pupil's device does. ``source`` is the IP address of this
    machine that packets leave from.
    """

    ports: dict[int, int] | None = None
    authority: str = ""
    family: Family = "any"
    mixed_case: bool = False
    source: str = ""
    lane: BackendName = "auto"


Options = TypeVar("Options", bound=Declared)


def pupil_options(options: Options, source: str) -> Options:
    """Options of a line for plain twins: the browser lane, and ``source`` where it is given."""
    changed = {"lane": "browser", "mixed_case": False} | ({"source": source} if source else {})
    fields = type(options).model_fields
    return options.model_copy(update={name: changed[name] for name in changed if name in fields})


def invalid_request(reason: str) -> Exchange:
    """The exchange that never began, for what was asked makes no sense: our own trouble."""
    failure = Failure(name="instrument_error", stage="instrument", detail=reason[:200])
    return Exchange(timings=Timings(), failure=failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the origin's ports really are; hosts that are not the origin's keep their own."""

    mapping: Mapping[int, int]
    origin: Origin | None

    def real(self, endpoint: Address) -> int:
        """The port to connect to."""
        if self.origin is not None and not self.origin.covers(endpoint.host):
            return endpoint.port
        return self.mapping.get(endpoint.port, endpoint.port)


class DirectLine:
    """A line that asks one name server, and connects to what it says."""

    carries: ClassVar[frozenset[str]] = frozenset({"fetch", "ask"})

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

    async def __aenter__(self) -> Self:
        trusted = (self.origin.authority if self.origin else "", self._options.authority)
        self._trust = client_tls_context(*trusted)
        check_binding(self._binding, f"line {self.name!r}")
        await self._find_server(trusted)
        self._backend = await self._stack.enter_async_context(open_backend(self._options.lane))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def as_pupil(self, source: str) -> Self:
        """The same line as a pupil's browser uses it, from another address if one is given."""
        make = cast("Callable[..., Self]", type(self))  # a line is built alike, whatever its type
        line = make(self.name, pupil_options(self._options, source), self.origin, self.limits)
        line.guard = self.guard
        return line

    def declare(self, block_page: str, control: Line) -> None:
        """Take the host of the supplier's block page; names it looks up itself."""
        del control
        self.guard.declare_block_page(block_page)

    def may_visit(self, endpoint: Address, address: str) -> bool:
        """Whether nothing keeps the line from an IP address for the host and port of a URL."""
        return isinstance(self._guarded(endpoint, address), Address)

    def _declared_endpoints(self) -> tuple[Address, ...]:
        """What the line's options declare beside the origin."""
        return ()

    @cached_property
    def _client_settings(self) -> ClientSettings:
        trusted = (self.origin.authority if self.origin else "", self._options.authority)
        return ClientSettings(
            find=self._find_endpoint, trust=client_tls_context(*trusted), binding=self._binding
        )

    def client_settings(self) -> ClientSettings | None:
        """How a client of another make goes over this line."""
        return self._client_settings

    async def _find_endpoint(self, host: str, port: int, patience: float) -> Address | Failure:
        found = await self._find(host, patience)
        if isinstance(found, Failure):
            return found
        return self._guarded(Address(host=host, port=port), found)

    async def ask(self, question: Question) -> Answer:
        """Ask the line's own name server."""
        if self._unreachable is not None:
            facts = DnsFacts(name=question.name, type=question.type, server=str(self._server))
            return Answer(facts=facts, timings=Timings(), failure=self._unreachable)
        return await self._backend.ask(question, self._server)

    async def fetch(self, request: Request) -> Exchange:
        """Resolve, connect and ask; the resolve phase is part of the exchange's timings."""
        started = perf_counter()
        try:
            endpoint = parse_url_target(request.url).endpoint
        except ValueError as error:
            return invalid_request(str(error))
        found: Address | Failure | str = request.address or await self._find(
            endpoint.host, request.timeout
        )
        resolve = perf_counter() - started
        if isinstance(found, str):
            found = self._guarded(endpoint, found, may_lead=request.may_lead)
        if isinstance(found, Failure):
            return Exchange(timings=Timings(total=resolve), failure=found)
        left = max(request.timeout - resolve, MIN_PATIENCE)
        exchange = await self._backend.exchange(
            msgspec.structs.replace(request, timeout=left),
            Route(address=found, trust=self._trust, binding=self._binding),
        )
        timings = msgspec.structs.replace(
            exchange.timings,
            resolve=None if is_literal(endpoint.host) else resolve,
            total=perf_counter() - started,
        )
        return msgspec.structs.replace(exchange, timings=timings)

    async def _find_server(self, trusted: tuple[str, ...]) -> None:
        """A named server is found once, by this machine's own means, so that asking is pure."""
        found = await find_address(self._server.address, "resolve")
        if isinstance(found, Failure):
            # The server is out of reach, which no rule may take for an answer.
            self._unreachable = Failure(
                name="dns_temporary_failure", stage="resolve", detail=found.name
            )
            return
        over = self._server.transport
        secure = over in ("tls", "https")
        trust = client_tls_context(*trusted, alpn=alpn_for(over)) if secure else None
        self._server = replace(self._server, address=found, trust=trust)

    async def _find(self, host: str, patience: float) -> str | Failure:
        """The address to connect to, of the line's own family."""
        family = self._options.family
        if is_literal(host):
            return host if is_of(family, host) else _other_family(host, family)
        deadline = perf_counter() + patience
        for type_ in TYPES[family]:
            left = max(deadline - perf_counter(), MIN_PATIENCE)
            answer = await self.ask(Question(name=host, type=type_, timeout=left))
            found = _read(answer, family)
            if found is not None:
                return found
        left = max(deadline - perf_counter(), MIN_PATIENCE)
        if family != "any" and await self._is_elsewhere(host, left):
            return _absent(host, family)
        return resolve_failure("NOERROR")

    def _guarded(
        self, endpoint: Address, found: str, *, may_lead: bool = False
    ) -> Address | Failure:
        """Where to connect to for the host of a URL that was found at an IP address."""
        at = Address(host=found, port=self._ports.real(endpoint))
        refusal = self.guard.refusal(endpoint.host, at, may_lead=may_lead)
        if refusal is None:
            return at
        return _bogon(found) if self._is_sinkhole(endpoint.host, found) else refusal

    def _is_sinkhole(self, host: str, address: str) -> bool:
        """Whether a name leads to this machine, and no origin is there."""
        if is_literal(host) or not is_loopback(address):
            return False
        return self.origin is None or not is_loopback(self.origin.address)

    async def _is_elsewhere(self, host: str, patience: float) -> bool:
        """Whether a host has an address of the family that this line leaves alone."""
        type_ = "A" if self._options.family == "ipv6" else "AAAA"
        answer = await self.ask(Question(name=host, type=type_, timeout=patience))
        return bool(answer.facts.addresses)


def _read(answer: Answer, family: Family) -> str | Failure | None:
    """The address of an answer, or why there is none; None where another type may be asked."""
    if answer.failure is not None:
        return answer.failure
    address = next((each for each in answer.facts.addresses if is_of(family, each)), "")
    if address and is_unspecified(address):
        return _bogon(address)
    if not address and answer.facts.has_alias_loop:
        return resolve_failure("", "aliases that lead back to each other")
    if not address and answer.facts.rcode != "NOERROR":
        codes = tuple(error.code for error in answer.facts.extended_errors)
        return msgspec.structs.replace(resolve_failure(answer.facts.rcode), extended_errors=codes)
    return address or None


def _bogon(address: str) -> Failure:
    return Failure(name="dns_bogon_error", stage="resolve", detail=address)


def _absent(host: str, family: Family) -> Failure:
    """Many hosts have no IPv6 address: that is no block, and nothing that can be judged."""
    detail = f"{host} has an address, but none of family {family}"
    return Failure(name="address_family_not_supported", stage="resolve", detail=detail)


def _other_family(host: str, family: str) -> Failure:
    detail = f"{host} cannot be reached over {family}"
    return Failure(name="instrument_error", stage="instrument", detail=detail)
