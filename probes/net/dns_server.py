"""A name server, and how it is asked: over UDP or TCP in the clear, TLS, or HTTPS.

``udp`` turns to TCP where an answer is cut (RFC 1035, RFC 7766); ``tls`` is RFC 7858, ``https``
RFC 8484.
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
    """The name with the case of each ASCII letter drawn anew; ``draw`` gives random bytes.

    Lengths of labels in wire form are no letters, for none is longer than 63.
    """
    size = len(name)
    drawn = int.from_bytes(draw(size), "big") & int.from_bytes(name.translate(_LETTERS), "big")
    return (int.from_bytes(name, "big") ^ drawn).to_bytes(size, "big")


Transport = Literal["udp", "tcp", "tls", "https"]

PORTS: dict[Transport, int] = {"udp": 53, "tcp": 53, "tls": 853, "https": 443}
HTTP_2 = "h2"
DNS_PATH = "/dns-query"
"""Where most servers answer (RFC 8484 section 4.1 leaves it to them)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsServer:
    """Where a name server is. For ``tls`` and ``https`` its certificate is for ``host``.

    ``mixed_case``: over UDP it is asked in mixed letter case (see ``letter_case``). Without
    ``edns`` it is asked as pupils' devices do, without EDNS (RFC 6891).
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
        """The URL of a server that is asked over HTTPS."""
        named = Address(host=self.host, port=self.address.port)
        return f"https://{named}{self.path}"

    def __str__(self) -> str:
        if self.transport == "https":
            return self.url
        return (
            str(self.address) if self.transport == "udp" else f"{self.transport}://{self.address}"
        )


def alpn_for(transport: Transport) -> tuple[str, ...]:
    """What is offered in a TLS handshake (ALPN, RFC 7301), the best liked first.

    HTTP/2 needs h2, an extra, and costs more than HTTP/1.1; but some servers speak nothing else.
    """
    if transport == "tls":
        return ("dot",)
    has_h2 = importlib.util.find_spec(HTTP_2) is not None
    return ("http/1.1", HTTP_2) if has_h2 else ("http/1.1",)


def parse_dns_server(text: str, what: str, at: str = "") -> DnsServer:
    """Read ``192.0.2.1:53``, ``tcp://``, ``tls://name:853`` or ``https://name/dns-query``.

    ``at`` is the IP address of a server that is named. Raises UsageError saying ``what`` it
    was for.
    """
    scheme, separator, _ = text.partition("://")
    if not separator:
        return DnsServer(address=parse_address(at or text, what, PORTS["udp"]))
    transport = next((each for each in PORTS if each == scheme), None)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if transport is None or not host or (parts.path.strip("/") and transport != "https"):
        raise UsageError(
            f"{what}: {text!r} is no name server; write 192.0.2.1:53, tcp://192.0.2.1:53, "
            "tls://dns.example:853 or https://dns.example/dns-query"
        )
    path = (parts.path.rstrip("/") or DNS_PATH) if transport == "https" else ""
    address = Address(host=at or host, port=port or PORTS[transport])
    return DnsServer(address=address, transport=transport, host=host, path=path)
