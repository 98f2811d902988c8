"""The PAC line: follows a proxy auto-configuration file, as a browser with one does.

Direct connections use the binding and name server of the interface line; others the proxy that the
file chooses. An unreachable proxy is skipped for the next choice, and tried last for five minutes,
as in Chromium.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from time import monotonic, perf_counter
from typing import ClassVar, Self

from msgspec.structs import replace
from pydantic import BaseModel

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.model.observation import Failure, Timings
from harness.model.private_address import Reach, reach_of
from harness.plugins import LINES
from harness.ports.network import Exchange, Line, Origin, Question, Request
from harness.ports.streams import ByteStream, Dialled, DialRequest
from harness.untrusted.regular_file import read_bounded
from probes.lines.direct import Interface, InterfaceOptions
from probes.net.address_guard import ControlLookup
from probes.net.dialling import dial_stream, not_dialled
from probes.net.direct_line import MIN_PATIENCE, invalid, invalid_request
from probes.net.local_binding import local_address
from probes.net.pac_script import (
    DIRECT,
    SCRIPT_BYTES,
    Choice,
    Script,
    ScriptError,
    find_engine,
    read_choices,
)
from probes.net.route import Address, Proxy, Route
from probes.net.url_target import UrlTarget, parse_url_target

FETCHED = ("http://", "https://")
BAD_SECONDS = 300.0
NAMES = 50
"""Maximum number of names that a script may look up for one request."""

LEAST_SHARE = 0.5
"""Minimum share of a request's time for a further choice; a timeout after less proves nothing."""

LOOPBACK = "127.0.0.1"
"""The address that ``myIpAddress()`` returns without a network, as in browsers."""

OK = 200

_LATE = Failure(
    name="generic_timeout_error",
    stage="proxy_connect",
    detail="PAC file: its names took too long",
)


class PacOptions(InterfaceOptions):
    """Options of the PAC line.

    ``file`` is a path on this machine, or the URL of the service's file. ``username`` and
    ``password`` are for every proxy that it chooses.
    """

    file: str
    username: str = ""
    password: str = ""


@LINES.register("pac")
class Pac(Interface):
    """Evaluates the file for each request; the choices that were tried are in the Exchange."""

    Options: ClassVar[type[BaseModel]] = PacOptions
    carries: ClassVar[frozenset[str]] = frozenset({"fetch", "ask", "dial"})

    def __init__(
        self,
        name: str,
        options: PacOptions,
        origin: Origin | None,
        limits: Limits,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._pac = options
        super().__init__(name, options, origin, limits)
        find_engine(f"line {name!r} follows a PAC file, which")
        self._clock = clock
        self._script: Script | None = None
        self._unusable: Failure | None = None
        self._bad_until: dict[Choice, float] = {}
        if not options.file.startswith(FETCHED):
            self._script = self._read(options.file)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            self._own = local_address(self._server.address.host, self._binding)
        except OSError:
            self._own = LOOPBACK
        if self._pac.file.startswith(FETCHED):
            await self._fetch_script()
        return self

    def declare(self, block_page: str, control: Line) -> None:
        """Allow the block page's host; ``control`` resolves names that proxies are asked for."""
        super().declare(block_page, control)
        self.guard.lookup = ControlLookup(control)

    def _declared_endpoints(self) -> tuple[Address, ...]:
        return (*super()._declared_endpoints(), *self._file_endpoint())

    def _file_endpoint(self) -> tuple[Address, ...]:
        """Return the endpoint that the file is fetched from, if it is fetched."""
        if not self._pac.file.startswith(FETCHED):
            return ()
        try:
            return (parse_url_target(self._pac.file).endpoint,)
        except ValueError:
            return ()

    def client_settings(self) -> None:
        """Return None: an independent client would ignore the file and bypass the proxies."""

    async def fetch(self, request: Request) -> Exchange:
        """Fetch by the first choice that is reachable."""
        started = perf_counter()
        try:
            target = parse_url_target(request.url)
        except ValueError as error:
            return invalid_request(str(error))
        choices = await self._choose(target, request.timeout)
        if isinstance(choices, Failure):
            return Exchange(timings=Timings(total=perf_counter() - started), failure=choices)
        tried: list[str] = []
        exchange = Exchange(timings=Timings(), failure=_LATE)
        for choice, remaining in self._in_turn(choices, request.timeout, started):
            exchange = await self._fetch_by(choice, replace(request, timeout=remaining))
            tried.append(str(choice))
            if not _is_out_of_reach(exchange):
                break
            self._bad_until[choice] = self._clock() + BAD_SECONDS
        timings = replace(exchange.timings, total=perf_counter() - started)
        return replace(exchange, timings=timings, choices=tuple(tried))

    async def dial(self, request: DialRequest) -> Dialled[ByteStream]:
        """Open a byte stream by the first choice of the file that is reachable.

        The file is evaluated as for an https URL of that host and port; for a plain stream as for
        an http URL.
        """
        started = perf_counter()
        scheme = "http" if request.plain else "https"
        named = Address(host=request.guarded or request.host, port=request.port)
        try:
            target = parse_url_target(f"{scheme}://{named}/")
        except ValueError as error:
            return not_dialled(invalid(str(error)))
        choices = await self._choose(target, request.timeout)
        if isinstance(choices, Failure):
            return not_dialled(choices)
        dialled = not_dialled(_LATE)
        for choice, remaining in self._in_turn(choices, request.timeout, started):
            dialled = await self._dial_by(choice, replace(request, timeout=remaining))
            if dialled.failure is None or dialled.failure.stage != "proxy_connect":
                break
            self._bad_until[choice] = self._clock() + BAD_SECONDS
        return dialled

    def _in_turn(
        self, choices: Iterable[Choice], timeout: float, started: float
    ) -> Iterator[tuple[Choice, float]]:
        """The choices, those out of reach lately last, each with the seconds that it may take.

        It ends when too little of the time since ``started`` is left.
        """
        for choice in sorted(choices, key=self._is_bad):
            remaining = timeout - (perf_counter() - started)
            if remaining < timeout * LEAST_SHARE:
                return
            yield choice, remaining

    def _is_bad(self, choice: Choice) -> bool:
        return self._bad_until.get(choice, 0.0) > self._clock()

    def _read(self, path: str) -> Script:
        where = f"line {self.name!r}, option 'file'"
        try:
            data = read_bounded(path, SCRIPT_BYTES)
        except OSError as error:
            raise UsageError(f"{where}: {path}: {error.strerror or error}") from None
        try:
            return Script(_decode(data))
        except ScriptError as error:
            raise UsageError(f"{where}: {path} is not a PAC file: {error}") from None

    async def _fetch_script(self) -> None:
        """Fetch the service's file; if that fails, all requests of the line fail."""
        request = Request(
            url=self._pac.file,
            timeout=self.limits.confirmation_timeout,
            body_bytes=SCRIPT_BYTES,
        )
        exchange = await super().fetch(request)
        if exchange.failure is not None or exchange.status != OK or exchange.truncated:
            why = exchange.failure.name if exchange.failure else f"status {exchange.status}"
            self._unusable = _script_failure(f"{self._pac.file} did not come: {why}")
            return
        try:
            self._script = Script(_decode(exchange.body))
        except ScriptError as error:
            self._unusable = _script_failure(str(error))

    async def _choose(self, target: UrlTarget, patience: float) -> tuple[Choice, ...] | Failure:
        """Evaluate the file for a URL; resolve the names that it needs until it needs no more."""
        if self._script is None:
            return self._unusable or _script_failure("it was never fetched")
        deadline = perf_counter() + patience
        known: dict[str, str | None] = {}
        # Browsers pass a script only the host of an https URL.
        url = f"https://{target.authority}/" if target.scheme == "https" else target.sent
        try:
            while len(known) <= NAMES:
                decision = self._script.decide(url, target.endpoint.host, known, self._own)
                if not decision.wanted:
                    return read_choices(decision.answer)
                remaining = max(deadline - perf_counter(), MIN_PATIENCE)
                addresses = await asyncio.gather(
                    *(self._look_up(name, remaining) for name in decision.wanted[: NAMES + 1])
                )
                known |= zip(decision.wanted, addresses, strict=False)
        except (ScriptError, ValueError) as error:
            return _script_failure(str(error))
        return _script_failure(f"it wants more than {NAMES} names")

    async def _look_up(self, name: str, patience: float) -> str | None:
        """Resolve a name to an IPv4 address by the line's name server; PAC files know no IPv6."""
        answer = await self.ask(Question(name=name, type="A", timeout=patience))
        return next((address for address in answer.facts.addresses if ":" not in address), None)

    async def _fetch_by(self, choice: Choice, request: Request) -> Exchange:
        if choice == DIRECT:
            return await super().fetch(request)
        started = perf_counter()
        endpoint = parse_url_target(request.url).endpoint
        route = await self._route_by(choice, endpoint, request)
        elapsed = perf_counter() - started
        if isinstance(route, Failure):
            return Exchange(timings=Timings(total=elapsed), failure=route)
        remaining = max(request.timeout - elapsed, MIN_PATIENCE)
        return await self._backend.exchange(replace(request, timeout=remaining), route)

    async def _dial_by(self, choice: Choice, request: DialRequest) -> Dialled[ByteStream]:
        if choice == DIRECT:
            return await super().dial(request)
        started = perf_counter()
        endpoint = Address(host=request.host, port=request.port)
        route = await self._route_by(choice, endpoint, request)
        if isinstance(route, Failure):
            return not_dialled(route)
        remaining = max(request.timeout - (perf_counter() - started), MIN_PATIENCE)
        return await dial_stream(
            route,
            endpoint,
            remaining,
            secure=request.secure,
            plain=request.plain,
            tunnel_headers=request.tunnel_headers,
        )

    async def _route_by(
        self, choice: Choice, endpoint: Address, request: Request | DialRequest
    ) -> Route | Failure:
        """Return the route by a proxy of the file, or the failure."""
        if choice.kind == "unspoken" or choice.address is None:
            return invalid(f"the PAC file leads to {choice}, which is not spoken here")
        refusal = await self.guard.refusal_by_proxy(
            endpoint, request.timeout, may_lead=request.may_lead
        )
        if refusal is not None:
            return refusal
        address = await self._find(choice.address.host, request.timeout)
        if isinstance(address, str) and not self._may_be_proxy(address):
            address = _script_failure(f"{choice} is on this machine or link, where no service is")
        if isinstance(address, Failure):
            return address if address.is_instrument else replace(address, stage="proxy_connect")
        return Route(
            address=Address(host=address, port=choice.address.port),
            trust=self._trust,
            proxy=self._proxy(choice, choice.address.host),
            binding=self._binding,
        )

    def _may_be_proxy(self, address: str) -> bool:
        """Whether a proxy may be at an address: a fetched file may not point to this machine."""
        endpoints = self._file_endpoint()
        is_trusted = not endpoints or reach_of(endpoints[0].host) is Reach.LOCAL
        return is_trusted or reach_of(address) is not Reach.LOCAL

    def _proxy(self, choice: Choice, host: str) -> Proxy:
        return Proxy(
            kind="socks5" if choice.kind == "socks5" else "http",
            host=host,
            trust=self._trust if choice.kind == "https" else None,
            username=self._pac.username,
            password=self._pac.password,
        )


def _is_out_of_reach(exchange: Exchange) -> bool:
    return exchange.failure is not None and exchange.failure.stage == "proxy_connect"


def _script_failure(why: str) -> Failure:
    """Return the failure of an unusable file; no rule may treat it as a block."""
    detail = f"PAC file: {why}"[:300]
    return Failure(name="proxy_autoconfig_failed", stage="proxy_connect", detail=detail)


def _decode(data: bytes) -> str:
    """Decode a file as UTF-8, else Latin-1 (the format does not say)."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
