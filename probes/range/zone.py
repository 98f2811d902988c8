"""The canary zone: which names exist in it, and what page each of them shows.

The host name alone decides, so origin, name server and reference filter need no common list.
``.test`` is reserved (RFC 6761 section 6.2): no name of it can reach the internet.
"""

from __future__ import annotations

import re
from enum import StrEnum

ZONE = "accredit.test"
"""The zone that the range serves; everything outside it is refused."""

ADDRESS = "127.0.0.1"
"""The address of every name in the zone, but for those that a gateway cuts off."""

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


def plain(host: str) -> str:
    """A host name in lower case, without port and final dot."""
    return host.split(":", 1)[0].rstrip(".").lower()


def bare(host: str) -> str:
    """A plain host name without ``www.``: the range shows the same at both."""
    return plain(host).removeprefix("www.")


def is_within(host: str) -> bool:
    """Whether a host belongs to the zone."""
    name = plain(host)
    return name == ZONE or name.endswith("." + ZONE)


def exists(host: str) -> bool:
    """Whether the zone has that name: all but ``gone-*`` exist."""
    return is_within(host) and not bare(host).startswith("gone-")


def kind_of(host: str) -> PageKind:
    """What the origin does for a host of the zone."""
    label, _, parent = bare(host).partition(".")
    if parent == f"special.{ZONE}":
        return _SPECIAL.get(label.partition("-")[0], PageKind.NEUTRAL)
    if parent == f"twin.{ZONE}":
        return PageKind.TWIN
    if parent == f"filter.{ZONE}":
        return PageKind.BLOCK
    return PageKind.CATEGORY if code_of(host) else PageKind.NEUTRAL


def code_of(host: str) -> str:
    """The taxonomy code in a canary's name (``porn-nude-017`` is PORN.NUDE), or nothing."""
    label, _, parent = bare(host).partition(".")
    found = _CANARY.fullmatch(label) if parent == f"canary.{ZONE}" else None
    return found[1].replace("-", ".").upper() if found else ""
