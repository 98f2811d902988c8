"""A route says where a request really goes: straight to an address, or through a proxy."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.errors import UsageError
from probes.net.address import Address
from probes.net.local_binding import ANYWHERE, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """How a proxy is spoken to: by HTTP (RFC 9110), or SOCKS5 (RFC 1928).

    ``trust`` verifies the proxy itself, whose certificate must be for ``host``; without it the
    proxy is spoken to in the clear. The password is never shown.
    """

    kind: Literal["http", "socks5"] = "http"
    host: str = ""
    trust: ssl.SSLContext | None = None
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def authorization(self) -> str:
        """The value of Proxy-Authorization (RFC 7617), or nothing."""
        return basic_authorization(self.username, self.password) if self.username else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where to connect, from where, and whom to trust there.

    ``address`` is the far end's, or the proxy's where there is one; ``trust`` verifies the far
    end.
    """

    address: Address
    trust: ssl.SSLContext
    proxy: Proxy | None = None
    source: Source = ANYWHERE

    def hands_on(self, scheme: str) -> bool:
        """Whether the proxy is given the whole request, and not only asked for a way."""
        return self.proxy is not None and self.proxy.kind == "http" and scheme == "http"


def basic_authorization(username: str, password: str) -> str:
    """The value of a Basic authorisation header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def trusting(*authorities: str, spoken: Sequence[str] = ("http/1.1",)) -> ssl.SSLContext:
    """A context that trusts the system's authorities and those in the given files.

    ``spoken`` is what it offers to speak (ALPN).

    Raises UsageError if a file is missing or holds no certificate.
    """
    context = ssl.create_default_context()
    # A filter's certificates often lack what RFC 5280 asks beyond a valid chain (since 3.13
    # Python refuses them, browsers do not); a pupil's browser is what we stand for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(spoken)
    for authority in filter(None, authorities):
        if not Path(authority).is_file():
            raise UsageError(f"{authority}: no such file of certificate authorities")
        try:
            context.load_verify_locations(authority)
        except ssl.SSLError as error:
            raise UsageError(f"{authority}: holds no certificate in PEM form: {error}") from None
    return context


def accepting_any() -> ssl.SSLContext:
    """A context that accepts any certificate: to see what is shown, and what stands behind it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context
