"""The canary zone: which names exist in it, and what the origin does for each.

The host name alone decides, so origin, name server and reference filter share no list.
``ZoneNames`` holds the names of any zone; ``RANGE`` is the zone of the range, and the functions of
this module are about it. ``.test`` is reserved (RFC 6761 section 6.2): no such name exists on the
internet.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from harness.model.plain_twin import host_of_twin

ZONE = "accredit.test"
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

BLOCK_HOST = f"blocked.filter.{ZONE}"
"""Target host of the reference filter's redirects: a page of the supplier, never of an item."""


PARTS_OF_ZONE = ("canary", "twin", "special", "filter", "overblock", "sites")
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
    """Return a host name in lower case, without port and final dot."""
    return host.split(":", 1)[0].rstrip(".").lower()


def without_www(host: str) -> str:
    """Return a normalised host name without ``www.``: the range shows the same page at both."""
    return normalise(host).removeprefix("www.")


@lru_cache(maxsize=4096)
def _original(host: str, zone: str, twin_zone: str) -> str:
    """Return the host in ``zone`` whose plain twin a normalised host is; else the host."""
    return host_of_twin(host, zone, twin_zone) or host


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneNames:
    """The names of an origin: its zone, the zone of its plain twins, and its name servers.

    ``twin_zone`` is empty if the origin has no plain twins. ``nameservers`` are the names in the NS
    records of the zone, ``twin_nameservers`` those of the twins' zone. ``challenge_alias`` is the
    name where an authority finds the records of an ACME challenge (RFC 8555 section 8.4), if any.
    """

    zone: str
    twin_zone: str = ""
    nameservers: tuple[str, ...] = ()
    twin_nameservers: tuple[str, ...] = ()
    challenge_alias: str = ""

    def alias_of(self, host: str) -> str:
        """Return the name that a host is an alias of; empty if it is none."""
        return self.challenge_alias if host.startswith("_acme-challenge.") else ""

    @property
    def apexes(self) -> tuple[str, ...]:
        """The zones, without what is in them."""
        return (self.zone, self.twin_zone) if self.twin_zone else (self.zone,)

    def is_twin(self, host: str) -> bool:
        """Whether a host is in the zone of the plain twins."""
        return bool(self.twin_zone) and normalise(host).endswith("." + self.twin_zone)

    def original_host(self, host: str) -> str:
        """Return the host whose page a host shows: for a plain twin its original, else itself."""
        name = normalise(host)
        return _original(name, self.zone, self.twin_zone) if self.is_twin(name) else name

    def is_within(self, host: str) -> bool:
        """Whether a host belongs to the zone, or to that of the plain twins."""
        name = normalise(host)
        return name == self.zone or name.endswith("." + self.zone) or self.is_twin(name)

    def exists(self, host: str) -> bool:
        """Whether a name exists: all in the zone except ``gone-*`` do, and their plain twins."""
        name = self.original_host(host)
        if self.is_twin(name):
            return name in self.twin_nameservers
        return self.is_within(name) and not without_www(name).startswith("gone-")

    def kind_of(self, host: str) -> PageKind:
        """Return what the origin does for a host of the zone, or for its plain twin."""
        host = self.original_host(host)
        label, _, parent = without_www(host).partition(".")
        if parent == f"special.{self.zone}":
            return _SPECIAL.get(label.partition("-")[0], PageKind.NEUTRAL)
        if parent == f"twin.{self.zone}":
            return PageKind.TWIN
        if parent == f"filter.{self.zone}":
            return PageKind.BLOCK
        return PageKind.CATEGORY if self.code_of(host) else PageKind.NEUTRAL

    def code_of(self, host: str) -> str:
        """Return the taxonomy code in a canary's name (``porn-nude-017`` is PORN.NUDE), or ''."""
        label, _, parent = without_www(self.original_host(host)).partition(".")
        canary = _CANARY.fullmatch(label) if parent == f"canary.{self.zone}" else None
        return canary[1].replace("-", ".").upper() if canary else ""


RANGE = ZoneNames(zone=ZONE, twin_zone=TWIN_ZONE, nameservers=(f"ns.{ZONE}",))
"""The names of the range."""

original_host = RANGE.original_host
code_of = RANGE.code_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneAddresses:
    """The IP addresses of every name in the zone, and of the plain twins (default: the same)."""

    names: tuple[str, ...]
    twins: tuple[str, ...] = ()

    def of_family(self, version: int, *, is_twin: bool) -> list[str]:
        """Return the addresses of IPv4 (4) or IPv6 (6) of a name or of a plain twin."""
        addresses = (self.twins or self.names) if is_twin else self.names
        return [address for address in addresses if (6 if ":" in address else 4) == version]


RANGE_ADDRESSES = ZoneAddresses(names=(ADDRESS,), twins=(TWIN_ADDRESS,))
"""The addresses of the range, without ``dual_stack``."""
