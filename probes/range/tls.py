"""The server's side of TLS without a socket: bytes in, bytes out (RFC 8446).

asyncio's own TLS keeps 256 KiB a connection and leaves half-made handshakes behind at the
end; here the connection's owner holds everything, and may stop at any point.
"""

from __future__ import annotations

import ssl

from probes.range.authority import Authority
from probes.range.zone import ZONE, is_within, plain

CHUNK = 65536


def server_context(authority: Authority) -> ssl.SSLContext:
    """A context that shows each host of the zone its own certificate, and no other host any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    default = authority.context(ZONE)

    def choose(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        if name is None:
            tls.context = default
        elif is_within(name):
            tls.context = authority.context(plain(name))
        else:
            return int(ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
        return None

    context.sni_callback = choose
    return context


class Tls:
    """One connection's TLS. Raises ssl.SSLError when the peer breaks the protocol."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_open = False

    def receive(self, data: bytes) -> bytes:
        """Take what came from the socket; give what it says in the clear."""
        self._incoming.write(data)
        said = bytearray()
        try:
            if not self._is_open:
                self._tls.do_handshake()
                self._is_open = True
            while chunk := self._tls.read(CHUNK):
                said += chunk
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return bytes(said)

    def send(self, data: bytes) -> None:
        """Have ``data`` go out enciphered."""
        self._tls.write(data)

    def close(self) -> None:
        """Say goodbye (close_notify) without waiting for the peer's."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            return

    def outgoing(self) -> bytes:
        """What is due to go to the socket."""
        return self._outgoing.read()
