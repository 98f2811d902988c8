"""Routes: the address to connect to, the proxy in between, the local binding, and TLS trust.

Also holds ``Address`` and predicates on IP addresses, and the client's TLS contexts.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from harness.errors import UsageError
from probes.net.local_binding import UNBOUND, LocalBinding

HIGHEST_PORT = 65535

Family = Literal["any", "ipv4", "ipv6"]
"""Address families that a line uses."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """An IP address (or, for a proxy, a host name) with a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, what: str, default_port: int | None = None) -> Address:
    """Parse ``1.2.3.4:53`` or ``[::1]:53``. Raises UsageError; ``what`` names the option."""
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
        raise UsageError(
            f"{what}: {text!r} is not an address; write it as 192.0.2.1:53 or [::1]:53"
        )
    return Address(host=host, port=port)


@lru_cache(maxsize=4096)
def is_literal(host: str) -> bool:
    """Whether a host is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_in_family(family: Family, address: str) -> bool:
    """Whether an IP address belongs to a family."""
    return family == "any" or (":" in address) == (family == "ipv6")


@lru_cache(maxsize=4096)
def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own (RFC 1122 section 3.2.1.3, RFC 4291)."""
    return ipaddress.ip_address(address).is_loopback


def is_unspecified(host: str) -> bool:
    """Whether an IP address is unspecified (``::`` or 0.0.0.0/8, RFC 6890).

    Linux connects 0.0.0.0 to the local machine, so that a sinkhole would look reachable.
    """
    address = ipaddress.ip_address(host)
    return address.is_unspecified or (address.version == 4 and host.startswith("0."))  # noqa: PLR2004 - IP version 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy's protocol, HTTP (RFC 9110) or SOCKS5 (RFC 1928), and credentials.

    ``trust`` verifies the proxy's own certificate, which must be for ``host``; without it the
    connection to the proxy is not encrypted. The password is not part of the repr.
    """

    kind: Literal["http", "socks5"] = "http"
    host: str = ""
    trust: ssl.SSLContext | None = None
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def authorization(self) -> str:
        """The value of Proxy-Authorization (RFC 7617), or an empty string."""
        return basic_authorization(self.username, self.password) if self.username else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How to reach a server.

    ``address`` is the address to connect to: the server's, or the proxy's if there is one.
    ``trust`` verifies the server's certificate.
    """

    address: Address
    trust: ssl.SSLContext
    proxy: Proxy | None = None
    binding: LocalBinding = UNBOUND

    def uses_absolute_form(self, scheme: str) -> bool:
        """Whether requests go to the proxy in absolute form (RFC 9112, 3.2.2), without a tunnel."""
        return self.proxy is not None and self.proxy.kind == "http" and scheme == "http"


def basic_authorization(username: str, password: str) -> str:
    """Return the value of a Basic authorisation header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def client_tls_context(*authorities: str, alpn: Sequence[str] = ("http/1.1",)) -> ssl.SSLContext:
    """Return a TLS context that trusts the system's authorities and those in the given files.

    ``alpn`` are the protocols to offer. Raises UsageError if a file is missing or holds no
    certificate.
    """
    context = ssl.create_default_context()
    # Filters' certificates often violate details of RFC 5280. Browsers accept them; Python does
    # not since 3.13. The measurement represents a pupil's browser.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(alpn)
    for authority in filter(None, authorities):
        if not Path(authority).is_file():
            raise UsageError(f"{authority}: no such file of certificate authorities")
        try:
            context.load_verify_locations(authority)
        except ssl.SSLError as error:
            raise UsageError(f"{authority}: contains no certificate in PEM form: {error}") from None
    return context


def shared_tls_context(
    *authorities: str, alpn: Sequence[str] = ("http/1.1",), ciphers: str = ""
) -> ssl.SSLContext:
    """Return ``client_tls_context``, made once while its files stay the same.

    Nobody may change it, as httpcore does with a context. To load the system's authorities takes
    nine milliseconds. ``ciphers`` are OpenSSL's, of TLS 1.2; the lowest version is 1.2. Raises
    UsageError.
    """
    stamps = tuple((each, _stamp(each)) for each in authorities if each)
    system = tuple(os.environ.get(name, "") for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    return _made_once(stamps, system, tuple(alpn), ciphers)


def _stamp(path: str) -> tuple[int, int, int]:
    try:
        stat = Path(path).stat()
    except OSError:
        return (0, 0, 0)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _made_once(
    stamps: tuple[tuple[str, tuple[int, int, int]], ...],
    _system: tuple[str, ...],
    alpn: tuple[str, ...],
    ciphers: str,
) -> ssl.SSLContext:
    context = client_tls_context(*(path for path, _ in stamps), alpn=alpn)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ciphers:
        context.set_ciphers(ciphers)
    return context


def unverified_tls_context(alpn: Sequence[str] = ("http/1.1",)) -> ssl.SSLContext:
    """Return a TLS context that accepts any certificate, to record it and the page behind it.

    ``alpn`` are the protocols to offer.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(alpn)
    return context
