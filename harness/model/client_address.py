"""Network addresses of clients: the network that one counts as, and whether it is in some."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Network = IPv4Network | IPv6Network

SUBSCRIBER_BITS = 64
"""A subscriber has all IPv6 addresses that begin with the same bits (RFC 6177): they count as one.
"""


def network_of(address: str) -> str:
    """The network that an address counts as, as text; a text that is no address is returned."""
    found = parsed(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, SUBSCRIBER_BITS), strict=False))
    return address if found is None else str(found)


def is_in(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address is in one of the networks."""
    found = parsed(address)
    return found is not None and any(found in network for network in networks)


def parsed(address: str) -> IPv4Address | IPv6Address | None:
    """An address, of a mapped one (``::ffff:192.0.2.1``) that of IPv4; ``None``: it is none."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
