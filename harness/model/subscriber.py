"""Whom a network address stands for where requests are counted."""

from __future__ import annotations

import ipaddress

BITS_V6 = 64
"""All IPv6 addresses of a subscriber begin with the same bits, so they count as one."""


def subscriber_of(address: str, bits_v4: int | None = None) -> str:
    """The /64 network of an IPv6 address; of an IPv4 one the network of so many bits, or itself.

    What is no address stays as it is.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return str(ipaddress.ip_network((found, BITS_V6), strict=False))
        found = found.ipv4_mapped
    return str(found if bits_v4 is None else ipaddress.ip_network((found, bits_v4), strict=False))
