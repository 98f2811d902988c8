"""The canary zone: which names exist in it, and what page each of them shows.

The host name alone decides, so origin, name server and reference filter need no common list.
``.test`` is reserved (RFC 6761 section 6.2): no name of it can reach the internet.
"""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from functools import lru_cache

from harness.model.plain_twin import host_of_twin

ZONE = "accredit.test"
"""The zone that the range serves; everything outside it is refused."""

TWIN_ZONE = "orchard-view.test"
"""The zone of the plain twins (``harness.model.plain_twin``), which serves nothing else."""

ADDRESS = "127.0.0.1"
"""The address of every name in the zone, but for those that a gateway cuts off."""

TWIN_ADDRESS = "127.0.0.8" if sys.platform == "linux" else ADDRESS
"""The address of the plain twins; elsewhere loopback has one address alone."""

ADDRESS_6 = "::1"
"""The IPv6 address of every name in the zone, where the range speaks it."""

LANDING_ADDRESS = "127.0.0.5"
"""Where a server shows the block page to everybody whom a sinkhole leads there."""

SHUT_ADDRESS, DROP_ADDRESS = "127.0.0.3", "127.0.0.4"
"""Where hosts are that a gateway cuts off before it can know their names."""

BLOCK_HOST = f"blocked.filter.{ZONE}"
"""Where the reference filter's redirects lead: a page of the supplier, never of an item."""


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
    """A host name in lower case, without port and final dot."""
    return host.split(":", 1)[0].rstrip(".").lower()


def without_www(host: str) -> str:
    """A plain host name without ``www.``: the range shows the same at both."""
    return normalise(host).removeprefix("www.")


def is_twin(host: str) -> bool:
    """Whether a host is in the zone of the plain twins."""
    return normalise(host).endswith("." + TWIN_ZONE)


@lru_cache(maxsize=4096)
def original_host(host: str) -> str:
    """The plain host name whose page a host shows: of a plain twin, that of its twin."""
    name = normalise(host)
    return (host_of_twin(name, ZONE, TWIN_ZONE) or name) if is_twin(name) else name


def is_within(host: str) -> bool:
    """Whether a host belongs to the zone, or to that of the plain twins."""
    name = normalise(host)
    return name == ZONE or name.endswith("." + ZONE) or is_twin(name)


def exists(host: str) -> bool:
    """Whether the zones have that name: all but ``gone-*`` exist, and every twin of one."""
    name = original_host(host)
    return is_within(name) and not is_twin(name) and not without_www(name).startswith("gone-")


def kind_of(host: str) -> PageKind:
    """What the origin does for a host of the zone, or for a plain twin of it."""
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
    """The taxonomy code in a canary's name (``porn-nude-017`` is PORN.NUDE), or nothing."""
    label, _, parent = without_www(original_host(host)).partition(".")
    found = _CANARY.fullmatch(label) if parent == f"canary.{ZONE}" else None
    return found[1].replace("-", ".").upper() if found else ""
