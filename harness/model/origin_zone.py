"""The zones of an origin, and where in them a host of the shipped packs is.

The shipped packs name hosts below the zone of the test range. An origin with zones of its own has
the same hosts below its zones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

RANGE_ZONE = "accredit.test"
"""The zone of the test range (``.test`` is reserved: RFC 6761 section 6.2)."""


class OriginZone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A zone of an origin: the IP addresses of its names, and the names of its name servers."""

    zone: str
    addresses: tuple[str, ...]
    nameservers: tuple[str, ...] = ()


def is_in(name: str, zone: str) -> bool:
    """Whether a lower-case name without final dot is a zone or below it."""
    return name == zone or name.endswith("." + zone)


def home_of(host: str, zones: Sequence[str], key: bytes) -> str:
    """Return the host in ``zones`` for a host of the range's zone; others stay as they are.

    Several zones share the hosts by a keyed hash of the host's name (rendezvous hashing, Thaler and
    Ravishankar 1998), so that a zone that is added takes only its own share, and so that all
    campaigns and lists for one origin agree.
    """
    name = host.lower().rstrip(".")
    if not is_in(name, RANGE_ZONE):
        return host
    one, *others = zones
    zone = max(zones, key=lambda zone: _share(name, zone, key)) if others else one
    return name.removesuffix(RANGE_ZONE) + zone


def _share(name: str, zone: str, key: bytes) -> bytes:
    text = f"share\x1f{name}\x1f{zone}"
    return hashlib.blake2b(text.encode(), key=key[:64], digest_size=16).digest()


def with_host(value: str, host: str, other: str) -> str:
    """Return a host or URL with another host in the place of ``host``, in capitals or not."""
    before, found, _ = value.lower().partition(host.lower())
    if not found:
        return value
    return value[: len(before)] + other + value[len(before) + len(host) :]
