"""IPv6 addresses that embed an IPv4 address: the transition mechanisms of IP6-02.

A network that carries a mechanism takes packets for such an address to the IPv4 address in it. A
page is requested by the address alone, so that neither the URL nor the Host header names its host;
the path tells the origin which of its pages is meant.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network, NetmaskValueError
from typing import Annotated

from pydantic import AfterValidator

LOCAL_PREFIX = "64:ff9b:1::/96"
"""Prefix of a network's own NAT64 where a campaign declares none (RFC 8215)."""

MAPPED = "transition:mapped"
TRANSITIONS = {
    "transition:nat64": "by NAT64 under the well-known prefix 64:ff9b::/96",
    "transition:nat64-own": "by NAT64 under a network's own prefix",
    "transition:6to4": "by 6to4",
    "transition:teredo": "by Teredo",
    MAPPED: "by an IPv4-mapped address, which only a proxy takes",
}
"""The mechanisms, in words.

An IPv4-mapped address (RFC 4291 section 2.5.5.2) leads over IPv4 if a client connects to it itself.
"""

PREFIX_LENGTHS = (32, 40, 48, 56, 64, 96)
"""The lengths that a NAT64 prefix may have (RFC 6052 section 2.2)."""

_RESERVED_OCTET = 8
"""The octet of an address that is zero after a prefix of up to 64 bits (RFC 6052 section 2.2)."""
_WELL_KNOWN = IPv6Network("64:ff9b::/96")
_TEREDO_PORT = 3544
_PAGE = "/at/"
_CODED = re.compile(r"/at/([A-Za-z2-7]+)(?:[/?#]|\Z)")


def _nat64_prefix(text: str) -> str:
    """Return a NAT64 prefix as ``ipaddress`` writes it; raises ValueError if it is none."""
    try:
        network = IPv6Network(text)
    except (AddressValueError, NetmaskValueError, ValueError):
        network = None
    if network is None or network.prefixlen not in PREFIX_LENGTHS:
        lengths = ", ".join(f"/{length}" for length in PREFIX_LENGTHS)
        msg = f"{text!r} is no NAT64 prefix; write it as 2001:db8:64::/96, with one of {lengths}"
        raise ValueError(msg)
    return str(network)


Nat64Prefix = Annotated[str, AfterValidator(_nat64_prefix)]
"""The prefix of a network's own NAT64 (RFC 6052)."""


def literal_of(case: str, address: str, prefix: str = LOCAL_PREFIX) -> str:
    """Return the IPv6 address by which a mechanism leads to an IPv4 address.

    ``prefix`` is that of the network's own NAT64. Raises ValueError if ``address`` is no IPv4
    address, KeyError for an unknown case.
    """
    inner = IPv4Address(address)
    match case:
        case "transition:nat64":
            return _translated(_WELL_KNOWN, inner)
        case "transition:nat64-own":
            return _translated(IPv6Network(prefix), inner)
        case "transition:6to4":  # RFC 3056 section 2; the first host of the first subnet
            return str(IPv6Address(0x2002 << 112 | int(inner) << 80 | 1))
        case "transition:teredo":  # RFC 4380 section 4; the origin is server and client in one
            turned = (_TEREDO_PORT ^ 0xFFFF) << 32 | (int(inner) ^ 0xFFFFFFFF)
            return str(IPv6Address(0x20010000 << 96 | int(inner) << 64 | turned))
    if case != MAPPED:
        raise KeyError(case)
    return str(IPv6Address(0xFFFF << 32 | int(inner)))


def _translated(prefix: IPv6Network, inner: IPv4Address) -> str:
    """Return the IPv4-embedded address under a NAT64 prefix (RFC 6052 section 2.2)."""
    octets = prefix.network_address.packed[: prefix.prefixlen // 8] + inner.packed
    if prefix.prefixlen <= 8 * _RESERVED_OCTET:
        octets = octets[:_RESERVED_OCTET] + b"\0" + octets[_RESERVED_OCTET:]
    return str(IPv6Address(octets.ljust(16, b"\0")))


@lru_cache(maxsize=64)
def literals_of(addresses: tuple[str, ...], prefix: str = LOCAL_PREFIX) -> frozenset[str]:
    """Return the addresses by which the mechanisms lead to an origin at ``addresses``."""
    ipv4 = [address for address in addresses if ":" not in address]
    return frozenset(literal_of(case, address, prefix) for case in TRANSITIONS for address in ipv4)


def page_path(host: str) -> str:
    """Return the path at which an origin shows the page of a host to those who ask by address.

    It does not name the host in clear, so that no filter recognises the name in it.
    """
    return _PAGE + base64.b32encode(host.encode()).decode().rstrip("=").lower()


def host_in(path: str) -> str:
    """Return the host whose page a path asks for (``page_path``); empty for any other path.

    More may follow it: ``/``, such as before a nonce, or a query.
    """
    found = _CODED.match(path)
    if found is None:
        return ""
    coded = found[1]
    try:
        return base64.b32decode(coded.upper() + "=" * (-len(coded) % 8)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""
