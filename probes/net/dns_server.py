"""A name server's address and transport: UDP, TCP, TLS (RFC 7858) or HTTPS (RFC 8484).

``udp`` falls back to TCP for a truncated answer (RFC 1035, RFC 7766). Also holds ``mix_case``, the
random letter case of DNS 0x20.
"""

from __future__ import annotations

import importlib.util
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from harness.errors import UsageError
from probes.net.local_binding import UNBOUND, LocalBinding
from probes.net.route import Address, parse_address

_BIT = 0x20
_LETTERS = bytes(
    _BIT if chr(octet).isascii() and chr(octet).isalpha() else 0 for octet in range(256)
)


def mix_case(name: bytes, draw: Callable[[int], bytes] = os.urandom) -> bytes:
    """Return a name with random letter case (DNS 0x20); ``draw`` returns random bytes.

    Works on wire form too: label lengths are at most 63, so none is the code of a letter.
    """
    size = len(name)
    drawn = int.from_bytes(draw(size), "big") & int.from_bytes(name.translate(_LETTERS), "big")
    return (int.from_bytes(name, "big") ^ drawn).to_bytes(size, "big")


Transport = Literal["udp", "tcp", "tls", "https"]

PORTS: dict[Transport, int] = {"udp": 53, "tcp": 53, "tls": 853, "https": 443}
HTTP_2 = "h2"
DNS_PATH = "/dns-query"
"""The path that most servers use (RFC 8484 section 4.1 does not fix it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsServer:
    """A name server. For ``tls`` and ``https`` its certificate must be for ``host``.

    ``mixed_case``: questions over UDP have random letter case (see ``mix_case``). Without ``edns``
    questions have no EDNS (RFC 6891), like those of pupils' devices.
    """

    address: Address
    transport: Transport = "udp"
    host: str = ""
    path: str = ""
    trust: ssl.SSLContext | None = None
    binding: LocalBinding = UNBOUND
    mixed_case: bool = False
    edns: bool = True

    @property
    def url(self) -> str:
        """The URL for DNS over HTTPS."""
        named = Address(host=self.host, port=self.address.port)
        return f"https://{named}{self.path}"

    def __str__(self) -> str:
        if self.transport == "https":
            return self.url
        return (
            str(self.address) if self.transport == "udp" else f"{self.transport}://{self.address}"
        )


def alpn_for(transport: Transport) -> tuple[str, ...]:
    """Return the protocols to offer by ALPN (RFC 7301), in order of preference.

    HTTP/2 needs h2 and costs more than HTTP/1.1, but some servers support nothing else.
    """
    if transport == "tls":
        return ("dot",)
    has_h2 = importlib.util.find_spec(HTTP_2) is not None
    return ("http/1.1", HTTP_2) if has_h2 else ("http/1.1",)


def parse_dns_server(text: str, what: str, at: str = "") -> DnsServer:
    """Parse ``192.0.2.1:53``, ``tcp://``, ``tls://name:853`` or ``https://name/dns-query``.

    ``at`` is the IP address of a server that is given by name. Raises UsageError; ``what`` names
    the option in its message.
    """
    scheme, separator, _ = text.partition("://")
    if not separator:
        return DnsServer(address=parse_address(at or text, what, PORTS["udp"]))
    transport = next((known for known in PORTS if known == scheme), None)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if transport is None or not host or (parts.path.strip("/") and transport != "https"):
        raise UsageError(
            f"{what}: {text!r} is not a name server; write 192.0.2.1:53, tcp://192.0.2.1:53, "
            "tls://dns.example:853 or https://dns.example/dns-query"
        )
    path = (parts.path.rstrip("/") or DNS_PATH) if transport == "https" else ""
    address = Address(host=at or host, port=port or PORTS[transport])
    return DnsServer(address=address, transport=transport, host=host, path=path)
