"""The canary zone: which names exist in it, and what the origin does for each.

The host name alone decides, so origin, name server and reference filter share no list.
``ZoneNames`` holds the names of any origin; ``RANGE`` those of the range, and the functions of this
module are about it. ``.test`` is reserved (RFC 6761 section 6.2): no such name exists on the
internet.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from harness.model.origin_zone import RANGE_ZONE, OriginZone, is_in
from harness.model.plain_twin import host_of_twin
from harness.model.technique_host import PART, RELAY
from harness.model.tls_check import PART as TLS_PART
from harness.model.transition_address import literals_of
from probes.mail.sender_domains import address_in, domain_of
from probes.net.local_binding import is_own_address

ZONE = RANGE_ZONE
"""The zone that the range serves; all other names are refused."""

TWIN_ZONE = "orchard-view.test"
"""The zone of the plain twins only (``harness.model.plain_twin``)."""

ADDRESS = "127.0.0.1"
"""The address of every name in the zone, except those that a gateway blocks by SYN."""

TWIN_ADDRESS = "127.0.0.8" if sys.platform == "linux" else ADDRESS
"""The address of the plain twins; other systems have only one loopback address."""

ADDRESS_6 = "::1"
"""The IPv6 address of every name in the zone, with ``dual_stack``."""

LANDING_ADDRESS = "127.0.0.5"
"""Address of a server that shows the block page to all clients, for DNS sinkholes."""

SHUT_ADDRESS, DROP_ADDRESS = "127.0.0.3", "127.0.0.4"
"""Addresses of hosts that a gateway blocks before it can know their names."""

RANGE_ADDRESSES = frozenset(
    {ADDRESS, TWIN_ADDRESS, LANDING_ADDRESS, SHUT_ADDRESS, DROP_ADDRESS}
    if sys.platform == "linux"
    else {ADDRESS}
)
"""The IPv4 addresses at which a range listens."""

BLOCK_HOST = f"blocked.filter.{ZONE}"
"""Target host of the reference filter's redirects: a page of the supplier, never of an item."""


PARTS_OF_ZONE = (
    "canary", "twin", "special", "filter", "overblock", "sites", PART, f"{RELAY}.{PART}", TLS_PART,
)  # fmt: skip
"""The labels below a zone that items have names in; a wildcard certificate needs each."""


class PageKind(StrEnum):
    """What the origin does for a host."""

    NEUTRAL = "neutral"
    CATEGORY = "category"
    TWIN = "twin"
    REDIRECT = "redirect"
    DEAD = "dead"
    SLOW = "slow"
    BLOCK = "block"


_SPECIAL = {"redirect": PageKind.REDIRECT, "dead": PageKind.DEAD, "slow": PageKind.SLOW}
_CANARY = re.compile(r"([a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*)-(\d+)")


def normalise(host: str) -> str:
    """Return a host name in lower case, without port and final dot; an IPv6 address in brackets."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.split(":", 1)[0].rstrip(".").lower()


def literal_in(host: str) -> str:
    """Return the IPv6 address in brackets that leads to ADDRESS on this machine; else nothing."""
    address = host.strip("[]")
    return address if address in literals_of((ADDRESS,)) and is_own_address(address) else ""


def without_www(host: str) -> str:
    """Return a normalised host name without ``www.``: the range shows the same page at both."""
    return normalise(host).removeprefix("www.")


@lru_cache(maxsize=4096)
def _original(host: str, zones: tuple[str, ...], twin_zone: str) -> str:
    """Return the host in ``zones`` whose plain twin a normalised host is; else the host."""
    first, *further = zones
    return host_of_twin(host, first, twin_zone, *further) or host


Served = Literal["all", "zones", "twins"]
"""What an address of an origin answers for: everything, or the plain twins or all but them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneNames:
    """The names of an origin: its zones, and that of its plain twins if it has any.

    Each zone has the addresses of its names, and the name servers in its NS records.
    ``challenge_alias`` is the name where an authority finds the records of an ACME challenge (RFC
    8555 section 8.4), if any; the twins have one of their own. ``served`` is the part that is
    answered for.
    """

    zones: tuple[OriginZone, ...]
    twins: OriginZone | None = None
    challenge_alias: str = ""
    twin_challenge_alias: str = ""
    served: Served = "all"

    def alias_of(self, host: str) -> str:
        """Return the name that a host is an alias of; empty if it is none."""
        if not host.startswith("_acme-challenge."):
            return ""
        return self.twin_challenge_alias if self.is_twin(host) else self.challenge_alias

    @property
    def all_zones(self) -> tuple[OriginZone, ...]:
        """Its ``zones``, and last that of the plain twins."""
        return (*self.zones, self.twins) if self.twins else self.zones

    @property
    def twin_zone(self) -> str:
        """The name of the zone of the plain twins; empty if there is none."""
        return self.twins.zone if self.twins else ""

    @property
    def apexes(self) -> tuple[str, ...]:
        """The zones that are answered for, without what is in them."""
        own = tuple(one.zone for one in self.zones) if self.served != "twins" else ()
        return (*own, self.twin_zone) if self.twins and self.served != "zones" else own

    @property
    def certificate_names(self) -> list[str]:
        """The names that one certificate for all of its pages must be valid for."""
        parts = ("", *(f"{part}." for part in PARTS_OF_ZONE))
        wanted = list[str]()
        for apex in self.apexes:
            if apex == self.twin_zone:
                wanted.append(f"*.{apex}")
            else:
                wanted += (apex, *(f"*.{part}{apex}" for part in parts))
        return wanted

    def is_twin(self, host: str) -> bool:
        """Whether a host is in the zone of the plain twins."""
        return bool(self.twins) and normalise(host).endswith("." + self.twin_zone)

    def original_host(self, host: str) -> str:
        """Return the host whose page a host shows: for a plain twin its original, else itself."""
        name = normalise(host)
        if not self.is_twin(name):
            return name
        return _original(name, tuple(one.zone for one in self.zones), self.twin_zone)

    def zone_of(self, host: str) -> OriginZone | None:
        """Return the zone that a host is in, or None; it may be one that is not answered for."""
        name = normalise(host)
        return next((one for one in self.all_zones if is_in(name, one.zone)), None)

    def is_within(self, host: str) -> bool:
        """Whether a host belongs to the zones, or to that of the plain twins, and is served."""
        zone = self.zone_of(host)
        is_bare = zone is not None and zone is self.twins and normalise(host) == zone.zone
        return zone is not None and not is_bare and zone.zone in self.apexes

    def certified_host(self, name: str) -> str:
        """Return the host whose certificate is shown to a TLS client that names ``name``.

        Clients that name nothing, or a host outside of all zones, see that of the first zone, as at
        many servers. Raises LookupError for a name in a zone that is not served.
        """
        if not name or self.zone_of(name) is None:
            return self.apexes[0]
        if not self.is_within(name):
            raise LookupError(name)
        return normalise(name)

    def exists(self, host: str) -> bool:
        """Whether a name exists: all in the zones except ``gone-*`` do, and their plain twins.

        So do domains of senders of mail directly below the zone of the plain twins.
        """
        if not self.is_within(host):
            return False
        name = self.original_host(host)
        if self.is_twin(name):
            is_of_mail = domain_of(name).partition(".")[2] == self.twin_zone
            return is_of_mail or (self.twins is not None and name in self.twins.nameservers)
        return not without_www(name).startswith("gone-")

    def kind_of(self, host: str) -> PageKind:
        """Return what the origin does for a host of the zones, or for its plain twin."""
        label, part = self._label_and_part(host)
        if part == "special":
            return _SPECIAL.get(label.partition("-")[0], PageKind.NEUTRAL)
        if part == "twin":
            return PageKind.TWIN
        if part == "filter":
            return PageKind.BLOCK
        return PageKind.CATEGORY if self.code_of(host) else PageKind.NEUTRAL

    def code_of(self, host: str) -> str:
        """Return the taxonomy code in a canary's name (``porn-nude-017`` is PORN.NUDE), or ''."""
        label, part = self._label_and_part(host)
        is_canary = part == "canary" and not address_in(label)
        canary = _CANARY.fullmatch(label) if is_canary else None
        return canary[1].replace("-", ".").upper() if canary else ""

    def _label_and_part(self, host: str) -> tuple[str, str]:
        """Return the first label of a host, and the label of the part of the zone it is in."""
        label, _, parent = without_www(self.original_host(host)).partition(".")
        part, _, zone = parent.partition(".")
        is_own = any(zone == one.zone for one in self.zones)
        return (label, part) if is_own else ("", "")

    def addresses_of(self, host: str, version: int) -> list[str]:
        """Return the addresses of IPv4 (4) or IPv6 (6) that a name has."""
        zone = self.zone_of(host)
        addresses = zone.addresses if zone else ()
        return [address for address in addresses if (6 if ":" in address else 4) == version]


RANGE = ZoneNames(
    zones=(OriginZone(zone=ZONE, addresses=(ADDRESS,), nameservers=(f"ns.{ZONE}",)),),
    twins=OriginZone(zone=TWIN_ZONE, addresses=(TWIN_ADDRESS,), nameservers=(f"ns.{ZONE}",)),
)
"""The names of the range, without the addresses of ``dual_stack``."""

original_host = RANGE.original_host
code_of = RANGE.code_of
