"""The canary zone: which names exist in it, and what the origin does for each.

The host name alone decides, so origin, name server and reference filter share no list.
``.test`` is reserved (RFC 6761 section 6.2): no such name exists on the internet.
"""

from __future__ import annotations

import re
import sys
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


def is_twin(host: str) -> bool:
    """Whether a host is in the zone of the plain twins."""
    return normalise(host).endswith("." + TWIN_ZONE)


@lru_cache(maxsize=4096)
def original_host(host: str) -> str:
    """Return the host whose page a host shows: for a plain twin its original, else itself."""
    name = normalise(host)
    return (host_of_twin(name, ZONE, TWIN_ZONE) or name) if is_twin(name) else name


def is_within(host: str) -> bool:
    """Whether a host belongs to the zone, or to that of the plain twins."""
    name = normalise(host)
    return name == ZONE or name.endswith("." + ZONE) or is_twin(name)


def exists(host: str) -> bool:
    """Whether a name exists: all in the zone except ``gone-*`` do, and their plain twins."""
    name = original_host(host)
    return is_within(name) and not is_twin(name) and not without_www(name).startswith("gone-")


def kind_of(host: str) -> PageKind:
    """Return what the origin does for a host of the zone, or for its plain twin."""
    host = original_host(host)
    label, _, parent = without_www(host).partition(".")
    if parent == f"special.{ZONE}":
        return _SPECIAL.get(label.partition("-")[0], PageKind.NEUTRAL)
    if parent == f"twin.{ZONE}":
        return PageKind.TWIN
    if parent == f"filter.{ZONE}":
        return PageKind.BLOCK
    return PageKind.CATEGORY if code_of(host) else PageKind.NEUTRAL


def code_of(host: str) -> str:
    """Return the taxonomy code in a canary's name (``porn-nude-017`` is PORN.NUDE), or ''."""
    label, _, parent = without_www(original_host(host)).partition(".")
    canary = _CANARY.fullmatch(label) if parent == f"canary.{ZONE}" else None
    return canary[1].replace("-", ".").upper() if canary else ""
