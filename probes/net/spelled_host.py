"""Read the host of a URL as clients do, however it is spelled.

An IPv4 address may be one number, in octal or hexadecimal, or short (``inet_aton``, and the host
parser of the WHATWG URL Standard); an IPv6 address is in brackets, with a zone id (RFC 6874). A
name is percent-decoded and mapped by UTS 46. Names of ASCII letters keep letter case and dots.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import idna

_NUMBER = re.compile(r"0[xX]([0-9A-Fa-f]*)|([0-9]+)")
_JOINERS = dict.fromkeys((0x200C, 0x200D))
"""The zero-width joiners, which transitional processing of UTS 46 drops."""

MAX_PARTS = 4
_ZONE = re.compile(r"%(?:25)?(.+)")


class SpelledHost(NamedTuple):
    """A host as it is read: a name for a DNS question, or an IP address; the other is empty."""

    name: str = ""
    address: str = ""

    def __str__(self) -> str:
        return self.name or self.address


def read_host(text: str) -> SpelledHost:
    """Read a host without port and user information. Raises ValueError if it is none."""
    if text.startswith("["):
        return SpelledHost(address=_read_ipv6(text))
    name = mapped_name(unquote_to_bytes(text).decode())
    if not name.strip("."):
        msg = f"no host is named in {text[:40]!r}"
        raise ValueError(msg)
    address = read_ipv4(name)
    return SpelledHost(address=address) if address else SpelledHost(name=name)


def mapped_name(name: str) -> str:
    """Return a name in ASCII letters; mapped by UTS 46 if it has others. Raises ValueError."""
    if name.isascii():
        return name
    mapped = idna.uts46_remap(name.translate(_JOINERS), std3_rules=False)
    if mapped.isascii():
        return mapped
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode()
        for label in mapped.split(".")
    )


def read_ipv4(text: str) -> str:
    """Return the IPv4 address that a text spells (``inet_aton``); empty if it spells none."""
    parts = text.removesuffix(".").split(".")
    numbers = [_number(part) for part in parts]
    if len(parts) > MAX_PARTS or None in numbers:
        return ""
    *octets, last = (number for number in numbers if number is not None)
    rest = MAX_PARTS - len(octets)
    if any(octet not in range(256) for octet in octets) or last >= 256**rest:
        return ""
    return str(IPv4Address(bytes(octets) + last.to_bytes(rest)))


def _number(part: str) -> int | None:
    found = _NUMBER.fullmatch(part) if part.isascii() else None
    if found is None:
        return None
    hexadecimal, digits = found.groups()
    if hexadecimal is not None:
        return int(hexadecimal or "0", 16)
    is_octal = len(digits) > 1 and digits.startswith("0")
    if is_octal and not set(digits) <= set("01234567"):
        return None
    return int(digits, 8 if is_octal else 10)


def _read_ipv6(text: str) -> str:
    """Return the address in brackets; a zone id is kept where the address needs it."""
    inner, end, rest = text[1:].partition("]")
    if not end or rest:
        msg = f"{text[:60]!r} is no IPv6 address in brackets"
        raise ValueError(msg)
    written, percent, zone = inner.partition("%")
    address = IPv6Address(written)
    found = _ZONE.fullmatch(percent + zone)
    return f"{address}%{found[1]}" if found and address.is_link_local else str(address)
