"""The declaration of an origin on a host that the tester owns (``origin.yaml``).

``OriginSettings`` says which zones are served at which addresses, with which certificates; it opens
nothing.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from itertools import combinations
from typing import Annotated, NamedTuple, Self, cast

from pydantic import AfterValidator, Field, model_validator

from harness.model.declared import Declared, Time
from harness.model.origin_zone import OriginZone, is_in
from harness.model.protocol_case import ControlName, OwnPort
from probes.mail.sender_domains import check_public_key
from probes.range.visitor_limits import VisitorRules
from probes.range.zone import Served, ZoneNames

LONGEST_ZONE = 180
"""Characters of a zone, so that the longest names of items fit into 253."""

MOST_ZONES = 8
"""Zones of an origin, beside that of the plain twins."""

WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
"""Addresses to listen on that stand for all of a family."""

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


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


def _mail_key(text: str) -> str:
    """Return a public key as in a record of DKIM. Raises ValueError if it is none."""
    if text:
        check_public_key(text)
    return text


Domain = Annotated[str, AfterValidator(_domain)]
Address = Annotated[str, AfterValidator(_address)]
LocalAddress = Annotated[str, AfterValidator(_local_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


class OriginPorts(Declared):
    """The ports to listen on."""

    http: Port = 80
    https: Port = 443
    dns: Port = 53


class ZoneSettings(Declared):
    """A zone: its name, the published addresses of all its names, and its name servers."""

    zone: Domain
    addresses: Annotated[tuple[Address, ...], Field(min_length=1, max_length=8)]
    nameservers: Annotated[tuple[Domain, ...], Field(max_length=4)] = ()

    @property
    def published(self) -> OriginZone:
        """What is published of it; the name server is by default ``ns1`` in the zone."""
        servers = self.nameservers or (f"ns1.{self.zone}",)
        return OriginZone(zone=self.zone, addresses=self.addresses, nameservers=servers)


class TwinSettings(ZoneSettings):
    """The zone of the plain twins, which nothing connects with the others.

    ``listen`` are addresses of this machine for it alone. Its certificate is either a chain and
    its key, or issued by an ``authority`` of its own; without both it is served by HTTP alone.
    """

    listen: Annotated[tuple[LocalAddress, ...], Field(max_length=16)] = ()
    authority: str = ""
    certificate: str = ""
    certificate_key: str = ""
    challenge_alias: Domain | None = None


def _check_servers(zones: tuple[ZoneSettings, ...], twins: TwinSettings | None) -> None:
    """Raise ValueError for a name server that connects the plain twins with the other zones."""
    for zone in zones if twins else ():
        assert twins is not None
        shared = set(zone.nameservers) & set(twins.nameservers)
        shared |= {name for name in zone.nameservers if is_in(name, twins.zone)}
        shared |= {name for name in twins.nameservers if is_in(name, zone.zone)}
        if shared:
            msg = (
                f"the name server {min(shared)} connects the plain twins ({twins.zone}) with the "
                f"zone {zone.zone}; give each its own"
            )
            raise ValueError(msg)


def _check_wildcards(addresses: tuple[str, ...], *, are_twins_apart: bool) -> None:
    """Raise ValueError for a wildcard beside an address of its family: both cannot be bound."""
    for wildcard in addresses:
        for other in addresses:
            is_same_family = (":" in other) == (":" in wildcard)
            if wildcard in WILDCARDS and other != wildcard and is_same_family:
                msg = (
                    f"{wildcard} takes every address of this machine, also {other}; list the "
                    "addresses one by one"
                )
                if are_twins_apart:
                    msg += ", so that the twins have one of their own"
                raise ValueError(msg)


class Listening(NamedTuple):
    """Addresses of this machine, and what is served there."""

    names: ZoneNames
    addresses: tuple[str, ...]


class OriginSettings(Declared):
    """What ``origin.yaml`` declares. Names of files are relative to its folder.

    ``zones`` are for items, ``twins`` for plain twins alone. ``listen`` are addresses of this
    machine (default: the published ones); an address that is of the twins alone serves nothing
    else. ``protocols`` are the ports for protocols beside the web, ``controls`` those for
    control protocols (``probes.range.control_servers``). The certificate is either a
    chain and its key, or issued by the origin's own ``authority``. For ``challenge_alias`` see
    ``ZoneNames``. ``mail_key`` is the public key of mails that campaigns sign, as in its record
    (RFC 6376 section 3.6.1); without it there is no record. Pages whose content changes do so at
    ``content_changes_at``. ``log`` is a file, or ``-`` for standard output.
    """

    zones: Annotated[tuple[ZoneSettings, ...], Field(min_length=1, max_length=MOST_ZONES)]
    twins: TwinSettings | None = None
    listen: Annotated[tuple[LocalAddress, ...], Field(max_length=16)] = ()
    ports: OriginPorts = OriginPorts()
    protocols: dict[OwnPort, Port] = Field(default_factory=dict)
    controls: dict[ControlName, Port] = Field(default_factory=dict)
    key: str
    authority: str = ""
    certificate: str = ""
    certificate_key: str = ""
    challenge_alias: Domain | None = None
    content_seed: str = ""
    content_changes_at: Time | None = None
    mail_key: Annotated[str, Field(max_length=2000), AfterValidator(_mail_key)] = ""
    log: str = "-"
    limits: VisitorRules = VisitorRules()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        """Refuse zones that are not apart, incomplete certificates, and crossing addresses."""
        for one, other in combinations((part.zone for part in self.all_zones), 2):
            if is_in(one, other) or is_in(other, one):
                msg = f"the zones {one} and {other} must be apart; neither may be in the other"
                raise ValueError(msg)
        _check_servers(self.zones, self.twins)
        ports = [
            *self.ports.model_dump().values(),
            *self.protocols.values(),
            *self.controls.values(),
        ]
        if len({*ports}) < len(ports):
            msg = "http, https, dns and each of the protocols need a port of their own"
            raise ValueError(msg)
        for part in (self, self.twins) if self.twins else (self,):
            if bool(part.certificate) != bool(part.certificate_key):
                msg = "a certificate needs its key, and a key its certificate; name both files"
                raise ValueError(msg)
        if bool(self.certificate) == bool(self.authority) or (
            self.twins and self.twins.certificate and self.twins.authority
        ):
            msg = "name either a certificate with its key, or an authority of the origin's own"
            raise ValueError(msg)
        _check_wildcards(self.listening, are_twins_apart=len(self.listeners) > 1)
        return self

    @property
    def all_zones(self) -> tuple[ZoneSettings, ...]:
        """The zones for items, and last that of the plain twins."""
        return (*self.zones, self.twins) if self.twins else self.zones

    @property
    def names(self) -> ZoneNames:
        """The zones, their addresses and name servers."""
        return ZoneNames(
            zones=tuple(zone.published for zone in self.zones),
            twins=self.twins.published if self.twins else None,
            challenge_alias=self.challenge_alias or "",
            twin_challenge_alias=(self.twins.challenge_alias or "") if self.twins else "",
        )

    @property
    def listeners(self) -> tuple[Listening, ...]:
        """The addresses to listen on, each once, and what is served there."""
        published = tuple(address for zone in self.zones for address in zone.addresses)
        own = tuple(dict.fromkeys(self.listen or published))
        twins = self.twins
        asked = twins.listen or (() if self.listen else twins.addresses) if twins else ()
        apart = tuple(address for address in dict.fromkeys(asked) if address not in own)
        if not apart:
            return (Listening(self.names, own),)
        shared = tuple(address for address in own if address in asked)
        alone = tuple(address for address in own if address not in asked)
        parts = (("all", shared), ("zones", alone), ("twins", apart))
        return tuple(
            Listening(replace(self.names, served=cast("Served", served)), addresses)
            for served, addresses in parts
            if addresses
        )

    @property
    def listening(self) -> tuple[str, ...]:
        """All addresses to listen on."""
        return tuple(address for part in self.listeners for address in part.addresses)
