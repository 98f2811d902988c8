"""``RangeTestbed``: the complete range, with origin, name server and the filter's services.

The filter has a proxy, a resolver and, if requested, a gateway for each profile.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness.campaign.origin_file import write_origin
from harness.errors import is_installed
from harness.model.content_form import PageContent
from harness.model.protocol_case import CONTROL_PORTS
from harness.model.query_case import ALIAS
from harness.ports.network import Origin
from probes.mail.sender_domains import new_key, public_key_of
from probes.net.route import parse_address
from probes.range.access_log import AccessLog
from probes.range.alert_delivery import AlertSender, AlertSettings
from probes.range.arrival_log import ArrivalLog
from probes.range.authority import Authority
from probes.range.control_servers import ControlServers
from probes.range.dns_over_web import DnsOverWeb
from probes.range.ech_server import OriginEch
from probes.range.faults import Fault, FaultKind, Faults
from probes.range.filter import FilterPolicy, ReferenceFilter
from probes.range.filter_services import FilterServices
from probes.range.gateway import GatewayAuthorities, Gateways
from probes.range.listener import Listener
from probes.range.monitoring import Monitor
from probes.range.name_server import (
    DNS_PATH,
    ENCRYPTED_HOST,
    DnsOverHttps,
    DnsOverTls,
    NameServer,
    Reply,
)
from probes.range.origin import SLOW_DELAY, OriginServer
from probes.range.origin_pages import ContentChange, Pages
from probes.range.own_thread import run_in_thread
from probes.range.protocol_server import ProtocolServers
from probes.range.proxy import ProxyConnection, Upstream
from probes.range.resolver import FilteringResolver, ZoneServer
from probes.range.tunnel_ends import TunnelEnds
from probes.range.tunnel_pages import TunnelPages
from probes.range.user_proxy import UserDirectory, UserProxyConnection
from probes.range.zone import (
    ADDRESS,
    ADDRESS_6,
    DROP_ADDRESS,
    SHUT_ADDRESS,
    TWIN_ADDRESS,
    TWIN_ZONE,
    ZONE,
)
from probes.range.zone_signing import hosts_of, signers_of

if TYPE_CHECKING:
    from probes.range.mail_relay import MailRelay, RelaySettings

range_mail_key = cache(new_key)
"""The key that mails of a test on the range are signed with; all ranges of a process share it."""

ORIGIN_FILE = "origin.json"
AUTHORITY_FILE = "authority.pem"
GATEWAY_FILE = "gateway.pem"
LOG_FILE = "origin.log.jsonl"
DNS = 53
SERVICE_LOG_FILE = "service.log"
"""The reference filter's own record, in Squid's native log format."""


class RangeTestbed:
    """The range on loopback, while its asynchronous context lasts.

    ``directory`` receives the origin file, the authority's certificate and the origin's log.
    ``dead_hosts`` resolve, but the origin aborts their requests; ``texts`` maps hosts to texts of
    their own, ``contents`` hosts to what else they show. Pages whose content changes do so at
    ``changes_at``, the attribute ``change.at``. ``faults`` may be changed at any time, from any
    thread. With ``gateway`` (Linux: it needs all of 127/8) there is also a transparent gateway, and
    a server for sinkholes at LANDING_ADDRESS. With ``encrypted`` the filtering resolver also
    answers over TLS and HTTPS. With ``dual_stack`` the origin also listens on ::1, and its names
    have AAAA records. The hosts in ``several`` have two IPv4 addresses (Linux). With ``signed`` its
    zones are signed (DNSSEC); ``contents`` says which hosts are aliases, or have forged signatures.
    With ``opens_tls`` the proxy intercepts TLS of what it examines, and the file of the authority
    holds its certificate as well. ``users`` may sign in at one proxy for all. The filter's own
    record is appended to ``access_log``, by default SERVICE_LOG_FILE in the directory; ``report``
    is told if it cannot be written. With ``alerts`` the filter sends alerts: ``monitor`` decides
    about them, ``alert_sender`` sends them. With ``mail`` it has a mail relay (``relay``). HTTP/3
    and DNS over QUIC need the extra ``quic``.
    """

    origin: Origin
    log: ArrivalLog
    access_log: AccessLog
    monitor: Monitor | None = None
    alert_sender: AlertSender | None = None
    relay: MailRelay | None = None
    zone_server: ZoneServer

    def __init__(
        self,
        directory: Path,
        *,
        policy: FilterPolicy | None = None,
        profiles: Iterable[str] = ("ks2",),
        faults: Faults | None = None,
        dead_hosts: Iterable[str] = (),
        texts: Mapping[str, str] | None = None,
        contents: Mapping[str, PageContent] | None = None,
        changes_at: datetime | None = None,
        slow_delay: float = SLOW_DELAY,
        gateway: bool = False,
        encrypted: bool = False,
        dual_stack: bool = False,
        several: Iterable[str] = (),
        signed: bool = False,
        opens_tls: bool = False,
        users: UserDirectory | None = None,
        access_log: Path | None = None,
        alerts: AlertSettings | None = None,
        mail: RelaySettings | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.faults = faults if faults is not None else Faults()
        self._alerts = alerts
        self._mail = mail
        self._directory = directory
        self._profiles = tuple(profiles)
        self._policy = policy or FilterPolicy()
        self._access_log_path = access_log or directory / SERVICE_LOG_FILE
        self._report = report
        self._filter: ReferenceFilter
        self._services: FilterServices
        self._texts = dict(texts or {})
        self._contents = dict(contents or {})
        self.change = ContentChange(changes_at)
        self._slow_delay = slow_delay
        self._has_gateway = gateway
        self._is_encrypted = encrypted
        self._is_dual_stack = dual_stack
        self._several = frozenset(several)
        self._is_signed = signed
        self._opens_tls = opens_tls
        self._users = users
        self._stack = AsyncExitStack()
        dead = frozenset(dead_hosts)
        if dead:
            self.faults.add(Fault(kind=FaultKind.DEAD, hosts=dead))

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @classmethod
    @contextmanager
    def running(cls, directory: Path, **options: Any) -> Iterator[Self]:
        """Run a testbed on its own thread and event loop; options as for the class."""
        testbed = cls(directory, **options)
        with run_in_thread(testbed):
            yield testbed

    async def _start(self, stack: AsyncExitStack) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        key, authority = secrets.token_bytes(32), Authority()
        own = self._authorities.own.pem if self._opens_tls else b""
        (self._directory / AUTHORITY_FILE).write_bytes(authority.pem + own)
        self.log = ArrivalLog(self._directory / LOG_FILE)
        stack.callback(self.log.close)
        self._start_filter_log(stack)
        self._start_monitor(stack)
        self._filter = ReferenceFilter(
            policy=self._policy, faults=self.faults, log=self.access_log, monitor=self.monitor
        )
        zone_server = self.zone_server = self._zone_server(key)
        server = NameServer(lambda query: Reply(message=zone_server.answer(query)))
        await stack.enter_async_context(server)
        if self._mail is not None:
            await self._start_relay(stack, self._mail, server, authority)
        ports = await self._origin_ports(stack, server, authority)
        upstream = Upstream(zone_server=zone_server, ports=ports)
        services = self._services = await stack.enter_async_context(FilterServices())
        reference: dict[str, Any] = {
            "proxy": await self._proxies(services, upstream),
            "resolver": await self._resolvers(services, zone_server),
        }
        if self._users is not None:
            reference["users"] = await self._user_proxy(services, self._users, upstream)
        if self._is_encrypted:
            reference |= await self._encrypted(services, zone_server, authority)
        if self._has_gateway:
            (self._directory / GATEWAY_FILE).write_bytes(self._authorities.own.pem)
            made = Gateways(filter=self._filter, upstream=upstream, authorities=self._authorities)
            reference["gateway"] = await made.start(services, self._profiles)
        self.origin = Origin(
            zone=ZONE,
            resolver=server.address,
            ports=ports,
            authority=str((self._directory / AUTHORITY_FILE).absolute()),
            key=key,
            address=ADDRESS,
            log=str((self._directory / LOG_FILE).absolute()),
            services={"reference": reference, "mail": {"dkim": range_mail_key()}}
            | self._tunnels.services,
            twin_zone=TWIN_ZONE,
            address_6=ADDRESS_6 if self._is_dual_stack else "",
        )
        # Relative names, so that the directory can be moved.
        declared = replace(self.origin, authority=AUTHORITY_FILE, log=LOG_FILE)
        write_origin(declared, self._directory / ORIGIN_FILE)

    async def _start_relay(
        self, stack: AsyncExitStack, mail: RelaySettings, server: NameServer, authority: Authority
    ) -> None:
        """Start the mail relay, which asks the range's name server."""
        from probes.range.mail_relay import MailRelay  # noqa: PLC0415 - needs an extra

        at = parse_address(server.address, "the range's name server")
        self.relay = await stack.enter_async_context(MailRelay(mail.asking(at), authority))

    def _start_filter_log(self, stack: AsyncExitStack) -> None:
        """Open the filter's record, which outlasts its services."""
        self.access_log = AccessLog(
            self._access_log_path,
            faults=self.faults,
            later=self._later,
            report=self._report,
        )
        stack.callback(self.access_log.close)

    def _start_monitor(self, stack: AsyncExitStack) -> None:
        """Start the filter's monitoring, if it sends alerts; what is due is sent at the end."""
        if self._alerts is None:
            return
        self.alert_sender = AlertSender(self._alerts, self._report)
        # In a thread, because the receiver may be on this event loop.
        stack.push_async_callback(asyncio.to_thread, self.alert_sender.close)
        send = self.alert_sender.send
        self.monitor = Monitor(self._alerts, send, self._later, faults=self.faults)
        stack.callback(self.monitor.close)
        self.monitor.watch()

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, call)

    @asynccontextmanager
    async def filter_stopped(self) -> AsyncIterator[None]:
        """Stop all services of the filter; they start again at the same ports at the end.

        Meanwhile clients are refused. For code on the testbed's own event loop. Raises OSError if
        another program took a port.
        """
        await self._services.stop()
        self.access_log.restart()
        try:
            yield
        finally:
            await self._services.start()

    async def restart_filter(self, down: float = 0.0) -> None:
        """Stop the filter for so many seconds; see ``filter_stopped``."""
        async with self.filter_stopped():
            await asyncio.sleep(down)

    @contextmanager
    def filter_down(self) -> Iterator[None]:
        """Stop the filter while the context lasts, from any thread but the testbed's own."""
        stopped = self.filter_stopped()
        asyncio.run_coroutine_threadsafe(stopped.__aenter__(), self._loop).result()
        try:
            yield
        finally:
            end = stopped.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(end, self._loop).result()

    async def _origin_ports(
        self, stack: AsyncExitStack, server: NameServer, authority: Authority
    ) -> dict[int, int]:
        """Start the origin's servers; return their real ports by the usual ones."""
        zone_server, tunnel = self.zone_server, self.zone_server.tunnel
        assert tunnel is not None, "made with the zone server"
        origin = OriginServer(
            pages=tunnel.pages,
            certificates=authority,
            log=self.log,
            faults=self.faults,
            slow_delay=self._slow_delay,
            addresses=(ADDRESS, *self._further_addresses()),
            ech=self.zone_server.ech,
            dns=DnsOverWeb(answer=zone_server.answer),
        )
        await stack.enter_async_context(origin)
        protocols = ProtocolServers(key=tunnel.pages.key, log=self.log, addresses=origin.addresses)
        await stack.enter_async_context(protocols)
        controls = ControlServers(
            tunnel=tunnel,
            reply_to=lambda query: Reply(message=zone_server.answer(query)),
            certificates=authority,
        )
        await stack.enter_async_context(controls)
        if is_installed("aioquic"):
            from probes.range.quic_services import QuicServices  # noqa: PLC0415 - needs an extra

            quic = QuicServices(
                origin=origin,
                authority=authority,
                reply_to=lambda query: Reply(message=zone_server.answer(query)),
                doq_port=controls.ports[CONTROL_PORTS["dns-over-tls"]],
            )
            await stack.enter_async_context(quic)
        pages = partial(origin.connection, "http")
        tunnels = TunnelEnds(
            key=tunnel.pages.key, zone=ZONE, page_connection=pages, report=self._report
        )
        self._tunnels = await stack.enter_async_context(tunnels)
        origin.tunnels, server.take_question = tunnels, tunnels.take_question
        of_web = {80: origin.http_port, 443: origin.https_port}
        of_web |= {8080: origin.http_port, 8443: origin.https_port}
        return of_web | protocols.ports | controls.ports | tunnels.ports | {DNS: server.port}

    def _zone_server(self, key: bytes) -> ZoneServer:
        pages = Pages(key=key, texts=self._texts, contents=self._contents, change=self.change)
        return ZoneServer(
            log=self.log,
            faults=self.faults,
            dual_stack=self._is_dual_stack,
            several=self._several,
            aliases=hosts_of(ALIAS, self._contents),
            signers=signers_of(self._contents) if self._is_signed else (),
            mail_key=public_key_of(range_mail_key()),
            ech=OriginEch.of(key),
            tunnel=TunnelPages(pages=pages, log=self.log),
        )

    @cached_property
    def _authorities(self) -> GatewayAuthorities:
        """The authorities of the filter, made only where it opens TLS."""
        return GatewayAuthorities(own=Authority("Reference filter"), unknown=Authority("Somebody"))

    def _further_addresses(self) -> tuple[str, ...]:
        addresses: tuple[str, ...] = () if TWIN_ADDRESS == ADDRESS else (TWIN_ADDRESS,)
        addresses += (SHUT_ADDRESS, DROP_ADDRESS) if self._has_gateway else ()
        return (*addresses, ADDRESS_6) if self._is_dual_stack else addresses

    async def _proxies(self, stack: AsyncExitStack, upstream: Upstream) -> dict[str, str]:
        context_for = self._authorities.own.context if self._opens_tls else None

        def listener(profile: str) -> Listener:
            return Listener(lambda: ProxyConnection(self._filter, profile, upstream, context_for))

        return {
            profile: f"http://{ADDRESS}:{(await stack.enter_async_context(listener(profile))).port}"
            for profile in self._profiles
        }

    async def _user_proxy(
        self, stack: AsyncExitStack, users: UserDirectory, upstream: Upstream
    ) -> dict[str, str]:
        """Start the proxy at which users sign in; return its URL with the credentials of each."""
        listener = Listener(lambda: UserProxyConnection(self._filter, users, upstream))
        port = (await stack.enter_async_context(listener)).port
        return {
            name: f"http://{name}:{user.password}@{ADDRESS}:{port}"
            for name, user in users.users.items()
        }

    async def _resolvers(self, stack: AsyncExitStack, zone_server: ZoneServer) -> dict[str, str]:
        addresses = {}
        for profile in self._profiles:
            resolver = self._resolver(zone_server, profile)
            server = await stack.enter_async_context(NameServer(resolver.reply))
            addresses[profile] = server.address
        return addresses

    async def _encrypted(
        self, stack: AsyncExitStack, zone_server: ZoneServer, authority: Authority
    ) -> dict[str, dict[str, str]]:
        """Start the resolvers over TLS and HTTPS; return their URLs for lines, by profile."""
        urls: dict[str, dict[str, str]] = {"resolver_tls": {}, "resolver_https": {}}
        context = authority.context(ENCRYPTED_HOST)
        for profile in self._profiles:
            reply = self._resolver(zone_server, profile).reply
            over_tls = Listener(partial(DnsOverTls, reply, context))
            over_https = Listener(partial(DnsOverHttps, reply, context))
            tls_port = (await stack.enter_async_context(over_tls)).port
            https_port = (await stack.enter_async_context(over_https)).port
            urls["resolver_tls"][profile] = f"tls://{ENCRYPTED_HOST}:{tls_port}"
            url = f"https://{ENCRYPTED_HOST}:{https_port}{DNS_PATH}"
            urls["resolver_https"][profile] = url
        return urls

    def _resolver(self, zone_server: ZoneServer, profile: str) -> FilteringResolver:
        return FilteringResolver(zone_server=zone_server, filter=self._filter, profile=profile)


running = RangeTestbed.running
"""``with running(directory, policy=..., profiles=...) as testbed``: for synchronous code."""
