"""Keeps connections to one name server, and opens others where they are gone (RFC 7766, 6.2).

A question that lost a connection which it shared, or which had been idle, is asked again on one of
its own before anything is concluded: a filter that cuts a connection off for one name must not be
heard in the answers of its neighbours.
"""

from __future__ import annotations

import asyncio

from probes.net.dns_server import HTTP_2, DnsServer
from probes.net.portable.dial import connect
from probes.net.portable.dns_stream import ConnectionLostError, DnsStream, DnsTcp, DohHttp1
from probes.net.route import Address


class DnsPool:
    """The connections to one server."""

    def __init__(self, server: DnsServer) -> None:
        self.server = server
        self._all: list[DnsStream] = []
        self._free: list[DnsStream] = []
        self._opening = asyncio.Lock()
        self._is_serial = False

    async def ask(self, rest: bytes, *, own_connection: bool = False) -> bytes:
        """The answer to a question without its id; ``own_connection``, on a connection of its own.

        Raises OSError, ssl.SSLError, EOFError, StatusError, httptools.HttpParserError.
        """
        if not own_connection:
            stream = await self._get_stream()
            is_new = not stream.question_count
            try:
                return await self._ask(stream, rest)
            except ConnectionLostError as lost:
                if is_new and stream.question_count == 1:
                    raise lost.cause from None
        stream = await self._connect()
        try:
            return await self._ask(stream, rest)
        except ConnectionLostError as lost:
            raise lost.cause from None
        finally:
            stream.close()

    def close(self) -> None:
        """Close all connections."""
        for stream in self._all:
            stream.close()

    async def _ask(self, stream: DnsStream, rest: bytes) -> bytes:
        try:
            answer = await stream.ask(rest)
        except asyncio.CancelledError:
            # Whatever silenced it may have silenced the whole connection.
            stream.end()
            raise
        if not stream.shared:
            self._free.append(stream)
        return answer

    async def _get_stream(self) -> DnsStream:
        """A connection that may carry one more; side by side all wait for the same one."""
        if (found := self._find_free()) is not None:
            return found
        if not self._is_serial:
            async with self._opening:
                found = self._find_free()
                if found is None and not self._is_serial:
                    found = await self._connect()
                    self._is_serial = not found.shared
                    if found.shared:
                        self._free.append(found)
                if found is not None:
                    return found
        return await self._connect()

    def _find_free(self) -> DnsStream | None:
        """One that is free; whoever carries one question at a time is taken out."""
        for place in reversed(range(len(self._free))):
            each = self._free[place]
            if each.is_ending or not each.shared:
                del self._free[place]
            if each.can_ask:
                return each
        return None

    async def _connect(self) -> DnsStream:
        server = self.server
        stream = await connect(server.address, server.binding)
        try:
            if server.trust is not None:
                await stream.start_tls(server.trust, server.host)
            made = await stream.switch_protocol(self._make_stream(stream.alpn_protocol))
        except BaseException:
            stream.close()
            raise
        self._all = [*(each for each in self._all if not each.is_ending), made]
        return made

    def _make_stream(self, alpn_protocol: str) -> DnsStream:
        server = self.server
        if server.transport != "https":
            return DnsTcp()
        host = str(Address(host=server.host, port=server.address.port))
        if alpn_protocol != HTTP_2:
            return DohHttp1(host, server.path)
        from probes.net.portable.dns_stream import DohHttp2  # noqa: PLC0415 - an extra

        return DohHttp2(host, server.path)
