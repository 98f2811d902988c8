"""Classify addresses and host names: public, private, or local to this machine.

A list, a redirect or a name server can name an address of the tester's own network, which must not
be fetched. Hosts are parsed as browsers do (WHATWG URL, section 3.5), so ``2130706433``,
``0x7f.1`` and ``%3127.0.0.1`` are 127.0.0.1.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import quote

import ada_url

PRIVATE_ADDRESS = "private_address"
"""Failure name of a fetch that was refused: its private address was not declared."""

Ip = IPv4Address | IPv6Address


class Reach(IntEnum):
    """From where an address can be reached.

    PRIVATE addresses are in an organisation's own network, which may host a block page. LOCAL is
    this machine, its link, a cloud's metadata service, or invalid; no block page can be there.
    """

    PUBLIC = 0
    PRIVATE = 1
    LOCAL = 2


_PRIVATE = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  # RFC 1918
        "100.64.0.0/10",  # RFC 6598: behind a carrier's NAT
        "198.18.0.0/15",  # RFC 2544: laboratories
        "fc00::/7",  # RFC 4193
        "fec0::/10",  # RFC 3879: site-local
    )
)  # fmt: skip
_LOCAL = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "127.0.0.0/8",  # RFC 1122: this host
        "169.254.0.0/16",  # RFC 3927: the link, and most clouds' metadata
        "192.0.0.0/24",  # RFC 6890; 192.0.0.192 is a cloud's metadata
        "224.0.0.0/4", "240.0.0.0/4",  # RFC 5771, RFC 1112: groups, reserved, broadcast
        "100.100.100.200/32", "168.63.129.16/32",  # metadata of two clouds
        "::/128", "::1/128", "fe80::/10", "ff00::/8",  # RFC 4291
        "64:ff9b:1::/48",  # RFC 8215: local translation
        "100::/64",  # RFC 6666: discarded
        "fd00:ec2::/32", "fd20:ce::254/128",  # metadata of two clouds
    )
)  # fmt: skip

_WITHIN = tuple(
    ip_network(text)
    for text in (
        "::/96",  # RFC 4291 section 2.5.5.1: IPv4-compatible
        "::ffff:0:0/96",  # RFC 4291 section 2.5.5.2: IPv4-mapped
        "::ffff:0:0:0/96",  # RFC 2765: IPv4-translated
        "64:ff9b::/96",  # RFC 6052: NAT64
    )
)
"""IPv6 networks whose last 32 bits are an IPv4 address."""

_SIX_TO_FOUR, _TEREDO = IPv6Network("2002::/16"), IPv6Network("2001::/32")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""The upper half of an interface identifier whose lower half is an IPv4 address (RFC 5214)."""
_LAST_32 = 0xFFFFFFFF

_LOCAL_NAMES = frozenset(
    {
        "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "broadcasthost",
        "metadata", "metadata.goog", "metadata.google.internal", "metadata.azure.internal",
        "metadata.tencentyun.com", "instance-data", "instance-data.ec2.internal",
    }
)  # fmt: skip
_LOCAL_ENDINGS = (".localhost", ".localdomain")
_PRIVATE_ENDINGS = (
    ".local",  # RFC 6762
    ".home.arpa",  # RFC 8375
    ".internal",  # reserved by ICANN for private use, 2024
    ".intranet", ".private", ".corp", ".home", ".lan",  # RFC 6762, appendix G
)  # fmt: skip

_OWN_ENDINGS = _LOCAL_ENDINGS + _PRIVATE_ENDINGS

_PLAIN_NAME = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*")
"""A host that is certainly a name with a dot: its last label begins with a letter."""
_LEADING_ZERO = re.compile(r"(?:^|\.)0[0-9]")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_BLANK = re.compile(r"[\s\x00-\x20\x7f-\xa0\u2028\u2029\u3000]")


def has_blank(text: str) -> bool:
    """Whether a URL contains white space or control characters, which RFC 3986 forbids."""
    return _BLANK.search(text) is not None


def without_blanks(url: str) -> str:
    """Percent-encode white space and control characters of a URL, as browsers do."""
    return _BLANK.sub(lambda found: quote(found.group()), url)


@lru_cache(maxsize=16384)
def reach_of(host: str) -> Reach:
    """Return the reach of a URL's host: an IP address in any notation, or a name.

    A public name may still resolve to a private address. A host that ends in a number and is no
    address is LOCAL, because programs differ in how they read it.
    """
    name = host.strip("[]").lower()
    if _PLAIN_NAME.fullmatch(name):
        return _reach_of_name(name)
    address = literal(host)
    if address is not None:
        return max(_reach_of_address(address), _reach_in_decimals(name))
    name = canonical(host)
    if not name or _NUMBER.fullmatch(name.rpartition(".")[2]):
        return Reach.LOCAL
    return _reach_of_name(name)


def is_public(host: str) -> bool:
    """Whether a host may be visited, unless its name resolves to a private address."""
    if _PLAIN_NAME.fullmatch(host):  # nearly every line of a long list; the cache would not last
        return host not in _LOCAL_NAMES and not host.endswith(_OWN_ENDINGS)
    return reach_of(host) is Reach.PUBLIC


def is_public_network(network: str) -> bool:
    """Whether the first and last address of a network, such as ``192.0.2.0/24``, are public.

    Raises ValueError if the text is no network.
    """
    found = ip_network(network, strict=False)
    return is_public(str(found.network_address)) and is_public(str(found.broadcast_address))


@lru_cache(maxsize=16384)
def canonical(host: str) -> str:
    """The one form of a host: an address as ``ipaddress`` writes it, a name in small letters."""
    address = literal(host)
    if address is not None:
        return str(address)
    return (_read(host) or host.lower()).strip("[]").rstrip(".")


@lru_cache(maxsize=16384)
def literal(host: str) -> Ip | None:
    """Return the IP address of a host in any notation that browsers accept; None for a name."""
    name = host.strip("[]").partition("%")[0] if ":" in host else host
    for text in (name, _read(host)):
        try:
            return ip_address(text.strip("[]").rstrip("."))
        except ValueError:
            continue
    return None


def _read(host: str) -> str:
    """Return a host as browsers parse it; empty if they refuse it."""
    try:
        return ada_url.URL(f"http://{host}/").hostname
    except (ValueError, UnicodeError):
        return ""


def _reach_of_name(name: str) -> Reach:
    if name in _LOCAL_NAMES or name.endswith(_LOCAL_ENDINGS):
        return Reach.LOCAL
    is_own = name.endswith(_PRIVATE_ENDINGS) or "." not in name
    return Reach.PRIVATE if is_own else Reach.PUBLIC


def _reach_in_decimals(name: str) -> Reach:
    """Return the reach of ``010.0.0.1`` read as 10.0.0.1; browsers read it as 8.0.0.1."""
    if not _LEADING_ZERO.search(name):
        return Reach.PUBLIC
    try:
        labels = [str(int(label)) for label in name.rstrip(".").split(".")]
        return _reach_of_address(IPv4Address(".".join(labels)))
    except ValueError:
        return Reach.PUBLIC


def _reach_of_address(address: Ip) -> Reach:
    if _is_in(address, _LOCAL):
        return Reach.LOCAL
    if _is_in(address, _PRIVATE):
        return Reach.PRIVATE
    if isinstance(address, IPv6Address):
        return max(map(_reach_of_address, _embedded(address)), default=Reach.PUBLIC)
    return Reach.PUBLIC


def _is_in(address: Ip, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _embedded(address: IPv6Address) -> list[IPv4Address]:
    """Return IPv4 addresses embedded in an IPv6 address, to which packets may be translated."""
    whole = int(address)
    if _is_in(address, _WITHIN):
        return [IPv4Address(whole & _LAST_32)]
    if address in _SIX_TO_FOUR:  # RFC 3056
        return [IPv4Address(whole >> 80 & _LAST_32)]
    if address in _TEREDO:  # RFC 4380: the server, and the client with its bits turned
        return [IPv4Address(whole >> 64 & _LAST_32), IPv4Address(~whole & _LAST_32)]
    if whole >> 32 & _LAST_32 in _ISATAP:
        return [IPv4Address(whole & _LAST_32)]
    return []
