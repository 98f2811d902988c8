"""An origin on a host that the tester owns: its servers.

It is the range's origin with zones, addresses, ports and certificates of its own, and with limits
for strangers. ``OriginSettings`` declares it, ``PublicOrigin`` serves it.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec

from harness.errors import UsageError, lacking
from harness.model.content_form import PageContent
from harness.model.protocol_case import CONTROL_TRANSPORTS
from harness.model.query_case import ALIAS
from harness.untrusted.regular_file import read_bounded
from probes.range.arrival_log import ArrivalLog
from probes.range.authority import (
    PEM_BYTES,
    Authority,
    CertificateFiles,
    Certificates,
    SeparateCertificates,
)
from probes.range.bound_socket import bound_socket
from probes.range.control_servers import ControlServers
from probes.range.dns_over_web import DnsOverWeb
from probes.range.ech_server import OriginEch
from probes.range.name_server import NameServer, Reply
from probes.range.origin import OriginServer
from probes.range.origin_pages import ContentChange, Page, Pages
from probes.range.origin_settings import Listening, OriginSettings, TwinSettings
from probes.range.protocol_server import ProtocolServers
from probes.range.resolver import ZoneServer
from probes.range.server_chain import CurrentChain
from probes.range.tunnel_pages import TunnelPages
from probes.range.visitor_limits import VisitorLimits
from probes.range.zone import ZONE
from probes.range.zone_signing import hosts_of

LONGEST_LOGGED = 1024
"""Characters of a path or host in the log, so that strangers cannot fill the disk fast."""

MAX_KEPT = 100_000
"""Arrivals with a nonce that are kept in memory for those who ask with the key."""

_KEY = re.compile(r"[0-9a-f]{32,128}")
_SECRET_BYTES = 1024


class PublicOrigin:
    """Serves the declared origin while its asynchronous context lasts.

    ``folder`` is the one of ``origin.yaml``. ``texts`` and ``contents`` are as for ``Pages``, with
    hosts of the range's zone. ``report`` gets one sentence for each event that the operator must
    know. Raises UsageError if a file cannot be read or a port cannot be bound.
    """

    def __init__(
        self,
        settings: OriginSettings,
        folder: Path,
        *,
        texts: Mapping[str, str],
        contents: Mapping[str, PageContent],
        report: Callable[[str], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self._now = now
        self._stack = AsyncExitStack()
        self._zone_certificates = self._certificates_of(settings, folder, report)
        twins = settings.twins
        self._twin_certificates = self._certificates_of(twins, folder, report) if twins else None
        self._pages = Pages(
            key=read_key(folder / settings.key),
            texts={own: text for host, text in texts.items() for own in self._own(host)},
            contents={
                own: content for host, content in contents.items() for own in self._own(host)
            },
            names=settings.names,
            change=ContentChange(settings.content_changes_at, now),
        )
        self._log_path = Path("-") if settings.log == "-" else folder / settings.log
        self._report = report
        self.log = ArrivalLog(max_kept=0)

    def _own(self, host: str) -> list[str]:
        """Return the names in the own zones for a name in the range's."""
        return [host.removesuffix(ZONE) + zone.zone for zone in self.settings.zones]

    def _certificates_of(
        self, part: OriginSettings | TwinSettings, folder: Path, report: Callable[[str], None]
    ) -> Certificates | None:
        """Return the certificates of a part of the origin; None if it has none."""
        if part.certificate:
            files = folder / part.certificate, folder / part.certificate_key
            return given_certificate(*files, report)
        return _own_authority(folder / part.authority, self._now) if part.authority else None

    async def __aenter__(self) -> Self:
        settings, limits = self.settings, VisitorLimits(rules=self.settings.limits)
        check_ports(settings)
        try:
            self.log = ArrivalLog(
                self._log_path,
                max_kept=MAX_KEPT,
                longest=LONGEST_LOGGED,
                report=self._report,
                only_marked=True,
            )
        except OSError as error:
            msg = f"{self._log_path}: the log cannot be written: {error.strerror}"
            raise UsageError(msg) from None
        async with AsyncExitStack() as stack:
            stack.callback(self.log.close)
            for listening in settings.listeners:
                try:
                    await self._listen(stack, listening, limits)
                except OSError as error:
                    raise _unbound(", ".join(listening.addresses), error) from None
            self._stack = stack.pop_all()
        return self

    async def _listen(
        self, stack: AsyncExitStack, listening: Listening, limits: VisitorLimits
    ) -> None:
        """Start the name server and the web server, with HTTP/3, at some addresses."""
        names, ports = listening.names, self.settings.ports
        ech = OriginEch.of(self._pages.key, names)
        tunnel = TunnelPages(pages=replace(self._pages, names=names), log=self.log)
        zones = ZoneServer(
            log=self.log,
            names=names,
            tunnel=tunnel,
            is_resolver=False,
            aliases=hosts_of(ALIAS, self._pages.contents),
            mail_key=self.settings.mail_key,
            ech=ech,
        )
        servers = NameServer(
            lambda query: Reply(message=zones.answer(query)),
            listening.addresses,
            ports.dns,
            limits,
        )
        assert self._zone_certificates is not None
        certificates = SeparateCertificates(
            names=names, zones=self._zone_certificates, twins=self._twin_certificates
        )
        origin = OriginServer(
            pages=tunnel.pages,
            certificates=certificates,
            log=self.log,
            addresses=listening.addresses,
            http_port=ports.http,
            https_port=ports.https,
            limits=limits,
            health=self.health,
            ech=ech,
            dns=DnsOverWeb(answer=zones.answer) if names.served != "twins" else None,
        )
        await stack.enter_async_context(servers)
        await stack.enter_async_context(origin)
        if names.served != "twins":
            # Of the zones alone: the certificate connects no twin with them.
            chain = CurrentChain(certificates, *replace(names, served="zones").certificate_names)
            if (absent := lacking("aioquic")) is not None:
                self._report(f"no HTTP/3 is served: {': '.join(absent)}")
            else:
                from probes.range.h3_server import h3_listener  # noqa: PLC0415 - needs an extra

                await stack.enter_async_context(h3_listener(origin, chain, ports.https))
            await self._listen_beside(stack, listening.addresses, limits, zones, certificates)

    async def _listen_beside(
        self,
        stack: AsyncExitStack,
        addresses: tuple[str, ...],
        limits: VisitorLimits,
        zones: ZoneServer,
        certificates: Certificates,
    ) -> None:
        """Start the servers for protocols beside the web at some addresses."""
        protocols = ProtocolServers(
            key=self._pages.key,
            log=self.log,
            addresses=addresses,
            protocols=self.settings.protocols,
            limits=limits,
        )
        await stack.enter_async_context(protocols)
        assert zones.tunnel is not None, "given in _listen"
        controls = ControlServers(
            tunnel=zones.tunnel,
            reply_to=lambda query: Reply(message=zones.answer(query)),
            certificates=certificates,
            addresses=addresses,
            servers=self.settings.controls,
            limits=limits,
        )
        await stack.enter_async_context(controls)

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def reload(self) -> None:
        """Read the certificates again if their files changed, and open the log again."""
        self._refresh()
        self.log.reopen()

    def _refresh(self) -> None:
        for certificates in (self._zone_certificates, self._twin_certificates):
            if isinstance(certificates, CertificateFiles):
                certificates.refresh()

    def health(self, zone: str) -> Page:
        """Return the health page of a zone: status 200, or 503 with what is wrong."""
        self._refresh()
        assert self._zone_certificates is not None
        now, ends = self._now(), self._zone_certificates.ends
        faults = ["the certificate has expired"] if ends <= now else []
        faults += ["the log cannot be written"] if self.log.is_failing else []
        document = {
            "status": "degraded" if faults else "ok",
            "faults": faults,
            "zone": zone,
            "certificate_ends": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
            "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        }
        return Page(
            status=503 if faults else 200,
            body=msgspec.json.encode(document) + b"\n",
            content_type="application/json",
        )


def given_certificate(chain: Path, key: Path, report: Callable[[str], None]) -> CertificateFiles:
    """Return a certificate in files. Raises UsageError if they cannot be used."""
    try:
        return CertificateFiles(chain, key, report)
    except (OSError, ValueError) as error:
        raise _unusable(f"{chain} and {key}", error) from None


def _own_authority(path: Path, now: Callable[[], datetime]) -> Authority:
    try:
        return Authority.from_pem(read_bounded(path, PEM_BYTES), now)
    except (OSError, ValueError) as error:
        raise _unusable(str(path), error) from None


def _unusable(names: str, error: Exception) -> UsageError:
    reason = getattr(error, "strerror", None) or error
    return UsageError(f"{names}: no usable certificate and key: {reason}")


def read_key(path: Path) -> bytes:
    """Return the key of the markers. Raises UsageError."""
    text = read_secret(path, "the key")
    if not _KEY.fullmatch(text):
        msg = f"{path}: not a key of 32 to 128 hexadecimal digits"
        raise UsageError(msg)
    return bytes.fromhex(text)


def read_secret(path: Path, what: str) -> str:
    """Return the text of a small file. Raises UsageError if it cannot be read, or is empty."""
    try:
        text = read_bounded(path, _SECRET_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: {what} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UsageError(msg) from None
    if not text:
        msg = f"{path}: {what} is empty"
        raise UsageError(msg)
    return text


_REMEDIES = {
    errno.EACCES: (
        "this process may not use a port below 1024; start it as a service with the capability "
        "CAP_NET_BIND_SERVICE (accredit-origin.service has it), or set higher 'ports'"
    ),
    errno.EADDRINUSE: (
        "another program uses it; stop that program, or list under 'listen' only addresses that "
        "are free"
    ),
    errno.EADDRNOTAVAIL: (
        "this machine has no such address; list its own addresses under 'listen' (0.0.0.0 and :: "
        "for all)"
    ),
}


_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def check_ports(settings: OriginSettings) -> None:
    """Raise UsageError for the first address and port that cannot be bound, with the remedy."""
    for listening in settings.listeners:
        for address in listening.addresses:
            for kind, port in _ports_at(settings, listening):
                try:
                    bound_socket(kind, address, port).close()
                except OSError as error:
                    named = "TCP" if kind is socket.SOCK_STREAM else "UDP"
                    raise _unbound(f"{address}, {named} port {port}", error) from None


def _ports_at(
    settings: OriginSettings, listening: Listening
) -> Iterator[tuple[socket.SocketKind, int]]:
    """Yield the ports to listen on at addresses; those of the twins alone have no others."""
    ports = settings.ports
    yield socket.SOCK_STREAM, ports.http
    yield socket.SOCK_STREAM, ports.https
    yield socket.SOCK_STREAM, ports.dns
    yield socket.SOCK_DGRAM, ports.dns
    if listening.names.served == "twins":
        return
    yield socket.SOCK_DGRAM, ports.https  # HTTP/3
    for port in settings.protocols.values():
        yield socket.SOCK_STREAM, port
    for name, port in settings.controls.items():
        for transport in CONTROL_TRANSPORTS[name]:
            yield _KINDS[transport], port


def _unbound(where: str, error: OSError) -> UsageError:
    """Return what is said of a place that cannot be listened on, with the remedy."""
    number = error.errno or 0
    reason = os.strerror(number) if number else str(error)
    remedy = _REMEDIES.get(number, "choose another address or port")
    return UsageError(f"cannot listen on {where}: {reason}; {remedy}")
