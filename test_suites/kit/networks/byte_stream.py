"""A connection of a client as a byte stream, in the clear or inside TLS of our own."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct

from probes.range.connection import Request, parse_request
from probes.range.server_tls import Tls

NO_LINGER = struct.pack("ii", 1, 0)
PIECE = 16 * 1024
"""Bytes that are handed to TLS at a time."""


class ByteStream:
    """Reads and writes one connection; from ``begin_tls`` on what is inside TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._tls: Tls | None = None
        self._unread = b""
        self.client = str(writer.get_extra_info("peername")[0])

    @property
    def is_gone(self) -> bool:
        """Whether the client has closed its side, or the connection is lost."""
        return self._reader.at_eof() or self._writer.is_closing()

    async def read(self) -> bytes:
        """The next bytes, or none at the end. Raises ConnectionError, ssl.SSLError."""
        if self._unread:
            data, self._unread = self._unread, b""
            return data
        while data := await self._reader.read(64 * 1024):
            said = self._decipher(data)
            if said:
                return said
        return b""

    async def request(self) -> Request | None:
        """The next whole request, or None if none comes. Raises Unreadable."""
        received = bytearray()
        while data := await self.read():
            received += data
            request = parse_request(received)
            if request is not None:
                return request
        return None

    async def hello(self) -> bytes:
        """The first record of a TLS client whole, without answering it."""
        received = b""
        while data := await self._reader.read(64 * 1024):
            received += data
            if len(received) >= 5 + int.from_bytes(received[3:5], "big"):
                break
        return received

    def begin_tls(self, context: ssl.SSLContext, hello: bytes) -> None:
        """Answer a TLS client that said ``hello`` as a server. Raises ssl.SSLError."""
        self._tls = Tls(context)
        self._unread = self._decipher(hello)

    async def send(self, data: bytes) -> None:
        """Send bytes, as fast as the client takes them. Raises ConnectionError."""
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            if self._tls is None:
                self._writer.write(piece)
            else:
                self._tls.send(piece)
                self._writer.write(self._tls.outgoing())
            await self._writer.drain()

    def close(self) -> None:
        """End in good order, after what was sent."""
        if self._tls is not None:
            self._tls.close()
            self._writer.write(self._tls.outgoing())
        self._writer.close()

    def cut(self) -> None:
        """End the TCP connection after what was sent, without a word in TLS."""
        self._writer.close()

    def reset(self) -> None:
        """End with a TCP reset (RFC 9293 section 3.10.5)."""
        opened: socket.socket = self._writer.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self._writer.transport.abort()

    async def relay(self, host: str, port: int, first: bytes = b"") -> None:
        """Pass everything on to another server and back, until either side ends."""
        reader, writer = await asyncio.open_connection(host, port)
        try:
            if first:
                writer.write(first)
            pumps = (_pump(self._reader, writer), _pump(reader, self._writer))
            tasks = [asyncio.create_task(pump) for pump in pumps]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            writer.close()
            self._writer.close()

    def _decipher(self, data: bytes) -> bytes:
        if self._tls is None:
            return data
        try:
            return self._tls.receive(data)
        finally:
            self._writer.write(self._tls.outgoing())


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(64 * 1024):
        writer.write(data)
        await writer.drain()
