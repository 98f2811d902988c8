"""Keeps connections to one name server, and opens others where they are gone (RFC 7766, 6.2).

A question that lost a connection which it shared, or which had been idle, is asked again on one of
its own before anything is concluded: a filter that cuts a connection off for one name must not be
heard in the answers of its neighbours.
"""

from __future__ import annotations

import asyncio

from probes.net.dns_server import HTTP_2, Server
from probes.net.portable.dial import connect
from probes.net.portable.dns_stream import Conversation, LostError, Pipeline, Posting
from probes.net.route import Address


class Kept:
    """The connections to one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._all: list[Conversation] = []
        self._free: list[Conversation] = []
        self._opening = asyncio.Lock()
        self._one_by_one = False

    async def ask(self, rest: bytes, *, alone: bool = False) -> bytes:
        """The answer to a question without its id; ``alone``, on a connection of its own.

        Raises OSError, ssl.SSLError, EOFError, StatusError, httptools.HttpParserError.
        """
        if not alone:
            conversation = await self._with_room()
            is_its_own = not conversation.carried
            try:
                return await self._ask(conversation, rest)
            except LostError as lost:
                if is_its_own and conversation.carried == 1:
                    raise lost.cause from None
        conversation = await self._connect()
        try:
            return await self._ask(conversation, rest)
        except LostError as lost:
            raise lost.cause from None
        finally:
            conversation.close()

    def close(self) -> None:
        """Close all connections."""
        for conversation in self._all:
            conversation.close()

    async def _ask(self, conversation: Conversation, rest: bytes) -> bytes:
        try:
            answer = await conversation.ask(rest)
        except asyncio.CancelledError:
            # Whatever silenced it may have silenced the whole connection.
            conversation.end()
            raise
        if not conversation.shared:
            self._free.append(conversation)
        return answer

    async def _with_room(self) -> Conversation:
        """A connection that may carry one more; side by side all wait for the same one."""
        if (found := self._found()) is not None:
            return found
        if not self._one_by_one:
            async with self._opening:
                found = self._found()
                if found is None and not self._one_by_one:
                    found = await self._connect()
                    self._one_by_one = not found.shared
                    if found.shared:
                        self._free.append(found)
                if found is not None:
                    return found
        return await self._connect()

    def _found(self) -> Conversation | None:
        """One that is free; whoever carries one question at a time is taken out."""
        for place in reversed(range(len(self._free))):
            each = self._free[place]
            if each.is_over or not each.shared:
                del self._free[place]
            if each.has_room:
                return each
        return None

    async def _connect(self) -> Conversation:
        server = self.server
        stream = await connect(server.address, server.source)
        try:
            if server.trust is not None:
                await stream.seal(server.trust, server.host)
            made = await stream.hand_to(self._made(stream.spoken))
        except BaseException:
            stream.close()
            raise
        self._all = [*(each for each in self._all if not each.is_over), made]
        return made

    def _made(self, spoken: str) -> Conversation:
        server = self.server
        if server.transport != "https":
            return Pipeline()
        host = str(Address(host=server.host, port=server.address.port))
        if spoken != HTTP_2:
            return Posting(host, server.path)
        from probes.net.portable.dns_stream import Multiplex  # noqa: PLC0415 - an extra

        return Multiplex(host, server.path)
