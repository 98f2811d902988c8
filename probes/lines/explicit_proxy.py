"""The explicit proxy line: a proxy that is configured in browsers.

HTTP (RFC 9110 section 3.7), HTTP over TLS to the proxy, or SOCKS5 (RFC 1928).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import cached_property
from time import perf_counter
from typing import ClassVar, Self
from urllib.parse import unquote, urlsplit

from msgspec import structs
from pydantic import BaseModel

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.model.declared import Declared
from harness.model.facts import DnsFacts
from harness.model.observation import Failure, Timings
from harness.model.user import LineUser
from harness.plugins import LINES
from harness.ports.list_program import Connection
from harness.ports.network import Answer, Exchange, Line, Origin, Question, Request
from harness.ports.streams import ByteStream, Dialled, DialRequest
from probes.net.address_guard import AddressGuard, ControlLookup
from probes.net.backend import BackendName, ClientSettings, open_backend
from probes.net.dialling import dial_stream, not_dialled
from probes.net.direct_line import MIN_PATIENCE, find_address, invalid_request, pupil_options
from probes.net.local_binding import LocalBinding, check_binding
from probes.net.route import (
    Address,
    Family,
    Proxy,
    Route,
    client_tls_context,
    is_in_family,
    is_literal,
    shared_tls_context,
)
from probes.net.url_target import parse_url_target

PORTS = {"http": 3128, "https": 3129, "socks5": 1080}
"""Default ports of proxies: Squid's, and that of SOCKS (RFC 1928 section 3)."""

LONGEST_CREDENTIAL = 255
"""Maximum length of a SOCKS5 username or password, in bytes (RFC 1929 section 2)."""


class ExplicitProxyOptions(Declared):
    """``proxy`` as ``http://host:port``, ``https://`` or ``socks5://``.

    ``authority`` is the CA file for a proxy that intercepts TLS or is itself reached over TLS;
    ``proxy_address`` is the IP address of a proxy given by name, ``family`` the address family
    used to reach it (not beyond it). ``source`` is the local IP address to bind to.
    """

    proxy: str
    username: str = ""
    password: str = ""
    authority: str = ""
    proxy_address: str = ""
    family: Family = "any"
    source: str = ""
    lane: BackendName = "auto"


@LINES.register("explicit_proxy")
class ExplicitProxy:
    """Sends every request to one proxy; the proxy's name is resolved once, at the start."""

    Options: ClassVar[type[BaseModel]] = ExplicitProxyOptions
    carries: ClassVar[frozenset[str]] = frozenset({"fetch", "dial", "connection"})

    def __init__(
        self, name: str, options: ExplicitProxyOptions, origin: Origin | None, limits: Limits
    ) -> None:
        self.name = name
        self.origin = origin
        self.limits = limits
        self._options = options
        self._scheme, self._proxy_endpoint = _read_proxy(name, options.proxy)
        _check_family(name, options, self._proxy_endpoint)
        self._username, self._password = _credentials(name, options)
        self.guard = AddressGuard(origin, None, self._declared_endpoints())
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
        trust = shared_tls_context(*self.authorities)
        named = Address(
            host=self._options.proxy_address or self._proxy_endpoint.host,
            port=self._proxy_endpoint.port,
        )
        address = await find_address(named, "proxy_connect", self._options.family)
        if isinstance(address, Failure):
            # The proxy is unreachable; no rule may treat this as a block.
            self._unreachable, address = address, named
        proxy = Proxy(
            kind="socks5" if self._scheme == "socks5" else "http",
            host=self._proxy_endpoint.host,
            trust=trust if self._scheme == "https" else None,
            username=self._username,
            password=self._password,
        )
        binding = LocalBinding(address=self._options.source)
        check_binding(binding, f"line {self.name!r}")
        self._route = Route(address=address, trust=trust, proxy=proxy, binding=binding)
        self._backend = await self._stack.enter_async_context(open_backend(self._options.lane))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def as_pupil(self, source: str) -> Self:
        """Return the same line as a pupil's browser uses it, bound to ``source`` if given."""
        line = type(self)(self.name, pupil_options(self._options, source), self.origin, self.limits)
        line.guard = self.guard
        return line

    @property
    def user(self) -> LineUser:
        """The user whose requests the line carries; all users of a proxy share its path."""
        path = f"{self._scheme}://{self._proxy_endpoint} from {self._options.source or 'here'}"
        return LineUser(path=path, name=self._username)

    def connection(self) -> Connection:
        """Return how another program uses the proxy; the credentials are apart from its URL."""
        return Connection(
            proxy=f"{self._scheme}://{self._proxy_endpoint}",
            proxy_address=self._options.proxy_address,
            username=self._username,
            password=self._password,
            authority=self._options.authority,
            source=self._options.source,
        )

    def declare(self, block_page: str, control: Line) -> None:
        """Allow the block page's host; ``control`` resolves names that the proxy is asked for."""
        self.guard.declare_block_page(block_page)
        self.guard.lookup = ControlLookup(control)

    def _declared_endpoints(self) -> tuple[Address, ...]:
        """Return the proxy's endpoints, by its name and by its address."""
        hosts = filter(None, (self._proxy_endpoint.host, self._options.proxy_address))
        return tuple(Address(host=host, port=self._proxy_endpoint.port) for host in hosts)

    def client_settings(self) -> ClientSettings | None:
        """Return how an independent HTTP client uses the proxy; None for SOCKS."""
        return (
            None
            if self._scheme == "socks5" or self._unreachable is not None
            else self._client_settings
        )

    @cached_property
    def _client_settings(self) -> ClientSettings:
        trusted = self.authorities
        named = Address(host=self._proxy_endpoint.host, port=self._proxy_endpoint.port)
        return ClientSettings(
            find=self._find_endpoint,
            trust=client_tls_context(*trusted),
            binding=self._route.binding,
            proxy=f"{self._scheme}://{named}",
            credentials=(self._username, self._password) if self._username else None,
            proxy_trust=client_tls_context(*trusted) if self._scheme == "https" else None,
            refusal=self._refusal,
        )

    async def _find_endpoint(self, host: str, port: int, patience: float) -> Address:
        """Return the proxy's address, whatever is asked for."""
        del host, port, patience
        return self._route.address

    async def fetch(self, request: Request) -> Exchange:
        """Fetch through the proxy."""
        if self._unreachable is not None:
            return Exchange(timings=Timings(), failure=self._unreachable)
        try:
            endpoint = parse_url_target(request.url).endpoint
        except ValueError as error:
            return invalid_request(str(error))
        started = perf_counter()
        refusal = await self.guard.refusal_by_proxy(
            endpoint, request.timeout, may_lead=request.may_lead
        )
        if refusal is not None:
            return Exchange(timings=Timings(), failure=refusal)
        remaining = max(request.timeout - (perf_counter() - started), MIN_PATIENCE)
        return await self._backend.exchange(
            structs.replace(request, timeout=remaining), self._route
        )

    async def dial(self, request: DialRequest) -> Dialled[ByteStream]:
        """Open a byte stream through the proxy, by CONNECT or SOCKS5."""
        if self._unreachable is not None:
            return not_dialled(self._unreachable)
        started = perf_counter()
        guarded = Address(host=request.guarded or request.host, port=request.port)
        refusal = await self.guard.refusal_by_proxy(
            guarded, request.timeout, may_lead=request.may_lead
        )
        told = request.address if request.guarded else ""
        if refusal is None and told and not self.guard.is_of_origin(told):
            elsewhere = Address(host=told, port=request.port)
            refusal = await self.guard.refusal_by_proxy(elsewhere, request.timeout)
        if refusal is not None:
            return not_dialled(refusal)
        remaining = max(request.timeout - (perf_counter() - started), MIN_PATIENCE)
        return await dial_stream(
            self._route,
            Address(host=told or request.host, port=request.port),
            remaining,
            secure=request.secure,
            plain=request.plain,
            tunnel_headers=request.tunnel_headers,
        )

    async def _refusal(self, host: str, port: int, patience: float) -> Failure | None:
        """Return why the proxy may not be asked for a host and port; None if it may."""
        return await self.guard.refusal_by_proxy(Address(host=host, port=port), patience)

    async def ask(self, question: Question) -> Answer:
        """Return a failure: a proxy answers no DNS questions."""
        detail = f"line {self.name!r} is a proxy; it carries no DNS"
        failure = Failure(name="instrument_error", stage="instrument", detail=detail)
        facts = DnsFacts(name=question.name, type=question.type, server="")
        return Answer(facts=facts, timings=Timings(), failure=failure)


def _read_proxy(name: str, proxy: str) -> tuple[str, Address]:
    try:
        parts = urlsplit(proxy)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in PORTS or not parts.hostname:
        shown = proxy.rpartition("@")[2]
        raise UsageError(
            f"line {name!r}, option 'proxy': {shown!r} is not a proxy; write http://host:port, "
            "https://host:port or socks5://host:port"
        )
    return parts.scheme, Address(host=parts.hostname, port=port or PORTS[parts.scheme])


def _check_family(name: str, options: ExplicitProxyOptions, named: Address) -> None:
    host = options.proxy_address or named.host
    if is_literal(host) and not is_in_family(options.family, host):
        raise UsageError(
            f"line {name!r}: the proxy address {host} is not of family {options.family!r}"
        )


def _credentials(name: str, options: ExplicitProxyOptions) -> tuple[str, str]:
    parts = urlsplit(options.proxy)
    username = options.username or unquote(parts.username or "")
    password = options.password or unquote(parts.password or "")
    longest = max(len(username.encode()), len(password.encode()))
    if parts.scheme == "socks5" and longest > LONGEST_CREDENTIAL:
        raise UsageError(f"line {name!r}: SOCKS5 usernames and passwords are limited to 255 bytes")
    return username, password
