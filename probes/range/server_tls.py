"""The server side of TLS: contexts that select a certificate by SNI, and ``Tls`` without I/O."""

from __future__ import annotations

import ssl
from typing import Protocol

from probes.range.authority import CIPHERS, HTTP_1, Alpn, Certificates
from probes.range.zone import RANGE, ZoneNames

CHUNK = 65536


def server_context(
    certificates: Certificates, names: ZoneNames = RANGE, alpn: Alpn = HTTP_1
) -> ssl.SSLContext:
    """Return a context that selects each host's certificate by SNI (``ZoneNames.certified_host``).

    ``alpn`` are the protocols that the server accepts; those of the selected context count.
    It accepts versions from TLS 1.0 on, and weak ciphers, because techniques that use them need a
    server that answers them.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(alpn)
    context.set_ciphers(CIPHERS)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED

    def choose(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        try:
            tls.context = certificates.context(names.certified_host(name or ""), alpn)
        except LookupError:
            return int(ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
        return None

    context.sni_callback = choose
    return context


class ServerTls(Protocol):
    """The server side of one TLS connection, without I/O. Its methods raise ssl.SSLError."""

    def receive(self, data: bytes) -> bytes:
        """Process bytes from the socket; return the decrypted data."""

    def send(self, data: bytes) -> None:
        """Encrypt data for sending."""

    def close(self) -> None:
        """Send close_notify without waiting for the peer's."""

    def outgoing(self) -> bytes:
        """Return the bytes to write to the socket."""


class Tls:
    """The server side of one TLS connection, without I/O. Raises ssl.SSLError."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_open = False

    def receive(self, data: bytes) -> bytes:
        """Process bytes from the socket; return the decrypted data."""
        self._incoming.write(data)
        plaintext = bytearray()
        try:
            if not self._is_open:
                self._tls.do_handshake()
                self._is_open = True
            while chunk := self._tls.read(CHUNK):
                plaintext += chunk
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return bytes(plaintext)

    def send(self, data: bytes) -> None:
        """Encrypt data for sending."""
        self._tls.write(data)

    def close(self) -> None:
        """Send close_notify without waiting for the peer's."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            return

    def outgoing(self) -> bytes:
        """Return the bytes to write to the socket."""
        return self._outgoing.read()
