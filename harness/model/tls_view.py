"""What a TLS handshake shows: the offer in a ClientHello, and what a client saw of a connection."""

from __future__ import annotations

from typing import Literal

import msgspec


class TlsOffer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client offers in its ClientHello (RFC 8446 section 4.1.2).

    ``digest`` is the SHA-256 of the message, so that two can be compared. Versions and groups have
    their usual names, cipher suites those of OpenSSL; what has no name here is a number
    (``0x00ff``). Random values (GREASE, RFC 8701) are left out.
    """

    digest: str
    size: int = 0
    versions: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    alpn: tuple[str, ...] = ()
    extensions: tuple[int, ...] = ()


ClientKind = Literal["strict", "lenient", "protocols"]
"""The client of a connection.

*strict* offers what current browsers offer, and verifies the certificate as they do. *lenient*
accepts everything, to see what stands behind a refusal. *protocols* is strict, and offers HTTP/2 as
well; it requests nothing.
"""


class TlsView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one client saw of one connection.

    ``failure``, ``stage`` and ``detail`` say how it failed; empty if it did not. ``key`` is the
    SHA-256 of the public key in the certificate that was shown, ``chain`` the number of
    certificates. ``title`` and ``text`` are those of a page other than the origin's, ``has_token``
    says that the origin's page came.
    """

    client: ClientKind
    offer: TlsOffer | None = None
    failure: str = ""
    stage: str = ""
    detail: str = ""
    key: str = ""
    issuer: str = ""
    subject: str = ""
    chain: int = 0
    version: str = ""
    cipher: str = ""
    alpn: str = ""
    status: int | None = None
    title: str = ""
    text: str = ""
    has_token: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the handshake succeeded."""
        return bool(self.version)


SECRET_EXCHANGES = ("ECDHE", "DHE", "TLS_")
"""Beginnings of names of cipher suites with forward secrecy (those of TLS 1.3 always have it)."""


def has_forward_secrecy(cipher: str) -> bool:
    """Whether a cipher suite, by its name in OpenSSL, has forward secrecy."""
    return cipher.startswith(SECRET_EXCHANGES)


VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
"""Versions, the weakest first."""
