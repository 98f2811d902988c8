"""Whom a network address stands for where requests are counted."""

from __future__ import annotations

import ipaddress

HOST_BITS_V6 = 64
"""A subscriber has as many IPv6 addresses as these bits give, so they count as one."""


def subscriber_of(address: str) -> str:
    """The address, or the /64 network of an IPv6 address; what is no address stays as it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(found), HOST_BITS_V6), strict=False))
        found = found.ipv4_mapped
    return str(found)
