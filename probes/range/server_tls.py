"""What a connection of the range needs of the server side of TLS."""

from __future__ import annotations

from typing import Protocol


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
