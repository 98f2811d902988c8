"""A byte stream that is joined in memory with the server side of TLS."""

from __future__ import annotations

import ssl

from probes.range.server_tls import ServerTls


class Joined:
    """A stream whose far end is ``server``, which answers each text with the same in capitals."""

    def __init__(self, server: ServerTls, *, piece: int = 1 << 20) -> None:
        self.server, self._piece = server, piece
        self.writes: list[bytes] = []
        self.errors: list[ssl.SSLError] = []
        self.received = b""
        self.is_closed = False
        self._due = b""

    async def write(self, data: bytes) -> None:
        self.writes.append(data)
        try:
            plain = self.server.receive(data)
        except ssl.SSLError as error:
            self.errors.append(error)
            self._due += self.server.outgoing()
            return
        self.received += plain
        if plain:
            self.server.send(plain.upper())
        self._due += self.server.outgoing()

    async def read(self) -> bytes:
        """Some of what is due; nothing at the end."""
        part, self._due = self._due[: self._piece], self._due[self._piece :]
        return part

    async def start_tls(self, trust: ssl.SSLContext, host: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.is_closed = True
