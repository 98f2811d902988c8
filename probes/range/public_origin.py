"""An origin on a host that the tester owns: its declaration (``origin.yaml``) and its servers.

It is the range's origin with a zone, addresses, ports and certificates of its own, and with limits
for strangers. ``OriginSettings`` is the declaration, ``PublicOrigin`` serves it.
"""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Self

import msgspec
from pydantic import AfterValidator, Field, model_validator

from harness.errors import UsageError
from harness.model.declared import Declared
from harness.untrusted.regular_file import read_bounded
from probes.range.authority import PEM_BYTES, Authority, CertificateFiles, Certificates
from probes.range.name_server import NameServer, Reply, bound_socket
from probes.range.origin import ArrivalLog, OriginServer
from probes.range.origin_pages import Page, Pages
from probes.range.resolver import ZoneServer
from probes.range.visitor_limits import VisitorLimits, VisitorRules
from probes.range.zone import ZONE, ZoneAddresses, ZoneNames

LONGEST_ZONE = 180
"""Characters of a zone, so that the longest names of items fit into 253."""

LONGEST_LOGGED = 1024
"""Characters of a path or host in the log, so that strangers cannot fill the disk fast."""

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_KEY = re.compile(r"[0-9a-f]{32,128}")
_SECRET_BYTES = 1024


def _domain(text: str) -> str:
    """Return a domain name in lower case. Raises ValueError if it is none."""
    name = text.lower().rstrip(".")
    labels = name.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():  # noqa: PLR2004 - a name in a domain
        msg = f"{text[:80]!r} is not a domain name; write one such as canary.example.org"
        raise ValueError(msg)
    if len(name) > LONGEST_ZONE:
        msg = f"{text[:80]!r}... is longer than {LONGEST_ZONE} characters; choose a shorter name"
        raise ValueError(msg)
    return name


def _local_address(text: str) -> str:
    """Return an IP address in its usual form. Raises ValueError if it is none."""
    try:
        return str(ipaddress.ip_address(text if "%" not in text else ""))
    except ValueError:
        msg = f"{text[:80]!r} is not an IP address; write one such as 192.0.2.10 or 2001:db8::10"
        raise ValueError(msg) from None


def _address(text: str) -> str:
    """Return an IP address that a host may have. Raises ValueError if it is none."""
    address = _local_address(text)
    parsed = ipaddress.ip_address(address)
    if parsed.is_unspecified or parsed.is_multicast:
        msg = f"{text[:80]!r} is not the address of a host; write the one that others reach it by"
        raise ValueError(msg)
    return address


Domain = Annotated[str, AfterValidator(_domain)]
Address = Annotated[str, AfterValidator(_address)]
LocalAddress = Annotated[str, AfterValidator(_local_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


class OriginPorts(Declared):
    """The ports to listen on."""

    http: Port = 80
    https: Port = 443
    dns: Port = 53


class OriginSettings(Declared):
    """What ``origin.yaml`` declares. Names of files are relative to its folder.

    ``addresses`` are published for all names of the zone, ``twin_addresses`` for the plain twins.
    ``listen`` are addresses of this machine (default: the published ones). The certificate is
    either a chain and its key, or issued by the origin's own ``authority``. For
    ``challenge_alias`` see ``ZoneNames``. ``log`` is a file, or ``-`` for standard output.
    """

    zone: Domain
    twin_zone: Domain | None = None
    addresses: Annotated[tuple[Address, ...], Field(min_length=1, max_length=8)]
    twin_addresses: Annotated[tuple[Address, ...], Field(max_length=8)] = ()
    nameservers: Annotated[tuple[Domain, ...], Field(max_length=4)] = ()
    twin_nameservers: Annotated[tuple[Domain, ...], Field(max_length=4)] = ()
    listen: Annotated[tuple[LocalAddress, ...], Field(max_length=16)] = ()
    ports: OriginPorts = OriginPorts()
    key: str
    authority: str = ""
    certificate: str = ""
    certificate_key: str = ""
    challenge_alias: Domain | None = None
    content_seed: str = ""
    log: str = "-"
    limits: VisitorRules = VisitorRules()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        """Refuse zones that are not apart, and incomplete certificates."""
        if self.twin_zone is not None:
            zone, twins = f".{self.zone}", f".{self.twin_zone}"
            if zone.endswith(twins) or twins.endswith(zone):
                msg = (
                    f"the zone of the plain twins ({self.twin_zone}) and the zone ({self.zone}) "
                    "must be apart; neither may be in the other"
                )
                raise ValueError(msg)
        if len({*self.ports.model_dump().values()}) < len(self.ports.model_dump()):
            msg = "http, https and dns need three different ports"
            raise ValueError(msg)
        if bool(self.certificate) != bool(self.certificate_key):
            msg = "a certificate needs its key, and a key its certificate; name both files"
            raise ValueError(msg)
        if bool(self.certificate) == bool(self.authority):
            msg = "name either a certificate with its key, or an authority of the origin's own"
            raise ValueError(msg)
        return self

    @property
    def names(self) -> ZoneNames:
        """The zones and their name servers; by default ``ns1`` in each zone."""
        twin_zone = self.twin_zone or ""
        return ZoneNames(
            zone=self.zone,
            twin_zone=twin_zone,
            nameservers=self.nameservers or (f"ns1.{self.zone}",),
            twin_nameservers=self.twin_nameservers or ((f"ns1.{twin_zone}",) if twin_zone else ()),
            challenge_alias=self.challenge_alias or "",
        )

    @property
    def zone_addresses(self) -> ZoneAddresses:
        """The published addresses."""
        return ZoneAddresses(names=self.addresses, twins=self.twin_addresses)

    @property
    def listening(self) -> tuple[str, ...]:
        """The addresses to listen on, each once."""
        return tuple(dict.fromkeys(self.listen or (*self.addresses, *self.twin_addresses)))


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
        contents: Mapping[str, str],
        report: Callable[[str], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self._now = now
        self._stack = AsyncExitStack()
        self.certificates: Certificates = (
            given_certificate(
                folder / settings.certificate, folder / settings.certificate_key, report
            )
            if settings.certificate
            else _own_authority(folder / settings.authority, now)
        )
        self._pages = Pages(
            key=_key(folder / settings.key),
            texts={self._own(host): text for host, text in texts.items()},
            contents={self._own(host): code for host, code in contents.items()},
            names=settings.names,
        )
        self._log_path = Path("-") if settings.log == "-" else folder / settings.log
        self._report = report
        self.log = ArrivalLog(max_kept=0)

    def _own(self, host: str) -> str:
        """Return the name in the own zone for a name in the range's."""
        return host.removesuffix(f".{ZONE}") + f".{self.settings.zone}"

    async def __aenter__(self) -> Self:
        settings, limits = self.settings, VisitorLimits(rules=self.settings.limits)
        check_ports(settings)
        try:
            self.log = ArrivalLog(
                self._log_path, max_kept=0, longest=LONGEST_LOGGED, report=self._report
            )
        except OSError as error:
            msg = f"{self._log_path}: the log cannot be written: {error.strerror}"
            raise UsageError(msg) from None
        zones = ZoneServer(
            log=self.log,
            names=settings.names,
            addresses=settings.zone_addresses,
            is_resolver=False,
        )
        async with AsyncExitStack() as stack:
            stack.callback(self.log.close)
            servers = NameServer(
                lambda query: Reply(message=zones.answer(query)),
                settings.listening,
                settings.ports.dns,
                limits,
            )
            origin = OriginServer(
                pages=self._pages,
                certificates=self.certificates,
                log=self.log,
                addresses=settings.listening,
                http_port=settings.ports.http,
                https_port=settings.ports.https,
                limits=limits,
                health=self.health,
            )
            await stack.enter_async_context(servers)
            await stack.enter_async_context(origin)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def reload(self) -> None:
        """Read the certificate again if its files changed, and open the log again."""
        if isinstance(self.certificates, CertificateFiles):
            self.certificates.refresh()
        self.log.reopen()

    def health(self) -> Page:
        """Return the health page: status 200, or 503 with what is wrong."""
        if isinstance(self.certificates, CertificateFiles):
            self.certificates.refresh()
        now, ends = self._now(), self.certificates.ends
        faults = ["the certificate has expired"] if ends <= now else []
        faults += ["the log cannot be written"] if self.log.is_failing else []
        document = {
            "status": "degraded" if faults else "ok",
            "faults": faults,
            "zone": self.settings.zone,
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


def _key(path: Path) -> bytes:
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


def check_ports(settings: OriginSettings) -> None:
    """Raise UsageError for the first address and port that cannot be bound, with the remedy."""
    ports = settings.ports
    for address in settings.listening:
        for kind, port in (
            (socket.SOCK_STREAM, ports.http),
            (socket.SOCK_STREAM, ports.https),
            (socket.SOCK_STREAM, ports.dns),
            (socket.SOCK_DGRAM, ports.dns),
        ):
            try:
                bound_socket(kind, address, port).close()
            except OSError as error:
                named = "TCP" if kind is socket.SOCK_STREAM else "UDP"
                remedy = _REMEDIES.get(error.errno or 0, "choose another address or port")
                msg = f"cannot listen on {address}, {named} port {port}: {error.strerror}; {remedy}"
                raise UsageError(msg) from None
