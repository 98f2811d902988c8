"""A pool of connections to one name server (RFC 7766 section 6.2).

A question whose shared or previously idle connection is lost is asked again on a connection of its
own: a filter that resets the connection because of one name must not affect the results of others.
"""

from __future__ import annotations

import asyncio

from probes.net.dialling import connect
from probes.net.dns_server import HTTP_2, DnsServer
from probes.net.portable.dns_stream import ConnectionLostError, DnsStream, DnsTcp, DohHttp1
from probes.net.route import Address


class DnsPool:
    """Connections to one name server, opened when needed."""

    def __init__(self, server: DnsServer) -> None:
        self.server = server
        self._all: list[DnsStream] = []
        self._free: list[DnsStream] = []
        self._opening = asyncio.Lock()
        self._is_serial = False

    async def ask(self, without_id: bytes, *, own_connection: bool = False) -> bytes:
        """Ask a question, given without its id; ``own_connection`` uses a new connection for it.

        Raises OSError, ssl.SSLError, EOFError, StatusError, httptools.HttpParserError.
        """
        if not own_connection:
            stream = await self._get_stream()
            is_new = not stream.question_count
            try:
                return await self._ask(stream, without_id)
            except ConnectionLostError as lost:
                if is_new and stream.question_count == 1:
                    raise lost.cause from None
        stream = await self._connect()
        try:
            return await self._ask(stream, without_id)
        except ConnectionLostError as lost:
            raise lost.cause from None
        finally:
            stream.close()

    def close(self) -> None:
        """Close all connections."""
        for stream in self._all:
            stream.close()

    async def _ask(self, stream: DnsStream, without_id: bytes) -> bytes:
        try:
            answer = await stream.ask(without_id)
        except asyncio.CancelledError:
            # The cause of the silence may affect the whole connection.
            stream.end()
            raise
        if not stream.shared:
            self._free.append(stream)
        return answer

    async def _get_stream(self) -> DnsStream:
        """Return a connection for one more question; concurrent callers wait for the same one."""
        if (stream := self._find_free()) is not None:
            return stream
        if not self._is_serial:
            async with self._opening:
                stream = self._find_free()
                if stream is None and not self._is_serial:
                    stream = await self._connect()
                    self._is_serial = not stream.shared
                    if stream.shared:
                        self._free.append(stream)
                if stream is not None:
                    return stream
        return await self._connect()

    def _find_free(self) -> DnsStream | None:
        """Return a free connection or None; one that is not shared is removed from the list."""
        for index in reversed(range(len(self._free))):
            stream = self._free[index]
            if stream.is_ending or not stream.shared:
                del self._free[index]
            if stream.can_ask:
                return stream
        return None

    async def _connect(self) -> DnsStream:
        server = self.server
        stream = await connect(server.address, server.binding)
        try:
            if server.trust is not None:
                await stream.start_tls(server.trust, server.host)
            opened = await stream.switch_protocol(self._make_stream(stream.alpn_protocol))
        except BaseException:
            stream.close()
            raise
        self._all = [*(other for other in self._all if not other.is_ending), opened]
        return opened

    def _make_stream(self, alpn_protocol: str) -> DnsStream:
        server = self.server
        if server.transport != "https":
            return DnsTcp()
        host = str(Address(host=server.host, port=server.address.port))
        if alpn_protocol != HTTP_2:
            return DohHttp1(host, server.path)
        from probes.net.portable.doh_http2 import DohHttp2  # noqa: PLC0415 - an extra

        return DohHttp2(host, server.path)
