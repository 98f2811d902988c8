"""A TLS client above any byte stream, whose first flight can be cut before it is sent.

The handshake is OpenSSL's (``ssl.MemoryBIO``); only how its ClientHello is written is changed.
"""

from __future__ import annotations

import asyncio
import errno
import random
import ssl

from harness.model.facts import Certificate
from harness.ports.streams import ByteStream
from probes.net.first_flight import FlightShape, send_flight
from probes.net.tls_facts import read_certificate

READ_BYTES = 65536


class MemoryTls:
    """TLS above ``stream``; itself a byte stream once ``handshake`` has returned.

    ``hello`` is the ClientHello as OpenSSL wrote it, once the handshake has begun.
    ``name`` is what the ClientHello names (ASCII; empty: no name). The certificate is verified as
    ``context`` says. ``close`` closes the stream below. Raises ValueError for a name that OpenSSL
    cannot send.
    """

    def __init__(self, stream: ByteStream, context: ssl.SSLContext, name: str) -> None:
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._is_verified = context.verify_mode is ssl.CERT_REQUIRED
        # Bytes are sent as they are; text would be changed as an internationalised name.
        named = name.encode("ascii") if name else None
        self._engine = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_hostname=named,
        )
        self._lock = asyncio.Lock()
        self.hello = b""

    async def handshake(self, shape: FlightShape, draw: random.Random) -> bytes:
        """Perform the handshake; return the ClientHello as it was sent. Raises OSError."""
        sent = b""
        while True:
            try:
                self._engine.do_handshake()
            except ssl.SSLWantReadError:
                if sent:
                    await self._flush()
                else:
                    self.hello = self._outgoing.read()
                    sent = await send_flight(self._stream, self.hello, shape, draw)
                await self._receive()
            except ssl.SSLError:
                await self._send_alert()
                raise
            else:
                await self._flush()
                return sent

    def certificate(self) -> Certificate | None:
        """The chain that was shown; ``trusted`` is None if it was not verified."""
        return read_certificate(self._engine, trusted=True if self._is_verified else None)

    @property
    def leaf(self) -> bytes:
        """The server's certificate in DER. Raises ValueError if there is no connection any more."""
        return self._engine.getpeercert(binary_form=True) or b""

    @property
    def version(self) -> str:
        """The negotiated version, such as ``TLSv1.3``."""
        return self._engine.version() or ""

    @property
    def cipher(self) -> str:
        """The name of the negotiated cipher suite, as OpenSSL calls it."""
        chosen = self._engine.cipher()
        return chosen[0] if chosen else ""

    @property
    def alpn_protocol(self) -> str:
        """The protocol negotiated by ALPN (RFC 7301), or an empty string."""
        return self._engine.selected_alpn_protocol() or ""

    async def write(self, data: bytes) -> None:
        """Send all of the data. Raises OSError."""
        if data:
            self._engine.write(data)
            await self._flush()

    async def read(self) -> bytes:
        """Return received bytes, or b'' if the far end has closed. Raises OSError."""
        while True:
            try:
                return self._engine.read(READ_BYTES)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._receive()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    async def start_tls(self, trust: ssl.SSLContext, host: str) -> None:
        """Raise OSError: another ``MemoryTls`` above this stream does that."""
        del trust, host
        raise OSError(errno.EOPNOTSUPP, "this stream is encrypted already")

    def close(self) -> None:
        """Close the stream below, without a word."""
        self._stream.close()

    async def _receive(self) -> None:
        data = await self._stream.read()
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        async with self._lock:
            if due := self._outgoing.read():
                await self._stream.write(due)

    async def _send_alert(self) -> None:
        """Send the alert of a failed handshake, if the far end still takes it."""
        try:
            await self._flush()
        except OSError:
            return
