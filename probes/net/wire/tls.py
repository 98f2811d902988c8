"""TLS over a stream (TCP, or TLS to a proxy), by the standard library's engine in memory.

``ssl.MemoryBIO`` makes it independent of what lies below.

The bytes stay ours: whether the far end sent an alert, a reset, or just closed is seen here.
"""

from __future__ import annotations

import ssl
from functools import lru_cache

from probes.net.wire.http1 import Stream
from probes.net.wire.reactor import Steps
from probes.net.wire.tcp import READ_BYTES


class Tls:
    """A stream inside TLS; ``arrived`` is when the last bytes came."""

    def __init__(self, below: Stream, context: ssl.SSLContext, host: str) -> None:
        self._below = below
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.engine = context.wrap_bio(self._in, self._out, server_hostname=_server_name(host))

    @property
    def arrived(self) -> float:
        """When the last bytes came."""
        return self._below.arrived

    def handshake(self) -> Steps[None]:
        """Shake hands; raises ssl.SSLError, OSError, or EOFError if the far end just closed.

        Where our own part comes last (RFC 8446 section 2) it goes with what is written next,
        which spares a packet.
        """
        while True:
            try:
                self.engine.do_handshake()
            except ssl.SSLWantReadError:
                yield from self._flush()
                received = yield from self._below.read()
                if not received:
                    raise EOFError("the far end closed inside the handshake") from None
                self._in.write(received)
            except ssl.SSLError:
                # Our own alert tells the far end why we go (RFC 8446 section 6).
                yield from self._flush()
                raise
            else:
                return

    def read(self) -> Steps[bytes]:
        """The next bytes, or nothing when the far end closed, in order or not."""
        while True:
            try:
                return self.engine.read(READ_BYTES)
            except ssl.SSLWantReadError:
                yield from self._flush()
                received = yield from self._below.read()
                if not received:
                    return b""
                self._in.write(received)
            except ssl.SSLZeroReturnError:
                return b""

    def write(self, data: bytes) -> Steps[None]:
        """Send all of it."""
        self.engine.write(data)
        yield from self._flush()

    def _flush(self) -> Steps[None]:
        if self._out.pending:
            yield from self._below.write(self._out.read())


@lru_cache(maxsize=4096)
def _server_name(host: str) -> bytes:
    """A host as SNI has it; in bytes, for the standard library codes texts anew each time."""
    return host.encode("idna")
