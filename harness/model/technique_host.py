"""Hosts of an origin for techniques: ``NAME.ways.ZONE``, all below them, and relays.

A relay (``ANY.relay.ways.ZONE``) is an allowed host that shows the pages of other hosts of the
origin, which the address names (``probes.range.relays``).
"""

from __future__ import annotations

from collections.abc import Iterable

PART = "ways"
"""The label below a zone that techniques have hosts in."""

RELAY = "relay"
"""The label below that part that relays have hosts in."""

ALLOWED = "open"
"""The label of the allowed host beside those of techniques."""

TWIN_SUFFIX = "-twin"
"""What the labels of harmless hosts of techniques end with."""

CODE = "MALW.BYPASS"
"""The category of the pages that techniques lead to, whose agreed marker they show."""


def home_of_technique(host: str, zones: Iterable[str]) -> str:
    """Return the host whose page is shown at a normalised host of techniques; else empty.

    Below ``x-1.ways.ZONE`` any name shows the page of ``x-1.ways.ZONE``, as under wildcard DNS.
    A relay is its own home.
    """
    for zone in zones:
        part = f".{PART}.{zone}"
        if host.endswith(part):
            label = host.removesuffix(part).rpartition(".")[2]
            return host if label == RELAY else label + part
    return ""


def code_of_technique(host: str, zones: Iterable[str]) -> str:
    """Return the category of the page at a normalised host of techniques; empty for other hosts.

    Twins, relays and the allowed host beside them are harmless.
    """
    for zone in zones:
        label = host.removesuffix(f".{PART}.{zone}")
        is_harmless = label in (host, ALLOWED, RELAY) or "." in label or label.endswith(TWIN_SUFFIX)
        if not is_harmless:
            return CODE
    return ""


def relay_labels(host: str, zones: Iterable[str]) -> str:
    """Return what precedes ``relay.ways.ZONE`` in the name of a relay; empty for other hosts."""
    for zone in zones:
        part = f".{RELAY}.{PART}.{zone}"
        if host.endswith(part):
            return host.removesuffix(part)
    return ""
