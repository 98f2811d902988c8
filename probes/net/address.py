"""An address is where a packet goes: an IP address and a port."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Literal

import msgspec

from harness.errors import UsageError

HIGHEST_PORT = 65535

Family = Literal["any", "ipv4", "ipv6"]
"""Which addresses a line takes: those of one family alone, or whichever there are."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """An IP address (or, for a proxy, a host name) with a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, what: str, default_port: int | None = None) -> Address:
    """Read ``1.2.3.4:53`` or ``[::1]:53``; raises UsageError saying ``what`` it was for."""
    host, port_text = text, ""
    if text.startswith("[") and "]" in text:
        host, _, rest = text[1:].partition("]")
        port_text = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port_text = text.partition(":")
    port = int(port_text) if port_text.isascii() and port_text.isdigit() else default_port
    if port_text and not port_text.isdigit():
        port = None
    if not host or port is None or not 0 < port <= HIGHEST_PORT:
        raise UsageError(f"{what}: {text!r} is no address; write it as 192.0.2.1:53 or [::1]:53")
    return Address(host=host, port=port)


@lru_cache(maxsize=4096)
def is_literal(host: str) -> bool:
    """Whether a host is an IP address, so that no name needs resolving."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_of(family: Family, address: str) -> bool:
    """Whether an IP address is of that family."""
    return family == "any" or (":" in address) == (family == "ipv6")


@lru_cache(maxsize=4096)
def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own (RFC 1122 section 3.2.1.3, RFC 4291)."""
    return ipaddress.ip_address(address).is_loopback


def is_unspecified(host: str) -> bool:
    """Whether an address means "nowhere" (RFC 6890).

    Linux would connect 0.0.0.0 to this machine itself, and a sinkhole would look alive.
    """
    address = ipaddress.ip_address(host)
    return address.is_unspecified or (address.version == 4 and host.startswith("0."))  # noqa: PLR2004 - IP version 4
