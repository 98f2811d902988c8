"""Keeps connections to one name server, and opens others where they are gone (RFC 7766, 6.2).

A question that lost a connection which it shared, or which had been idle, is asked again on one of
its own before anything is concluded: a filter that cuts a connection off for one name must not be
heard in the answers of its neighbours.
"""

from __future__ import annotations

import asyncio
import os
from typing import ClassVar, cast

from probes.net.dns_server import HTTP_2, Server
from probes.net.portable.dial import connect
from probes.net.portable.doh import Posting
from probes.net.route import Address


class LostError(Exception):
    """The connection ended before the answer came; ``cause`` says how."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Conversation(asyncio.Protocol):
    """One connection. ``carried`` questions were asked on it; ``shared`` ones go side by side."""

    shared: ClassVar[bool]

    def __init__(self) -> None:
        self.carried = 0
        self.is_over = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._outbox: list[bytes] = []
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}

    @property
    def has_room(self) -> bool:
        """Whether another question may be asked on it."""
        return not self.is_over and (self.shared or not self._waiting)

    def ask(self, rest: bytes) -> asyncio.Future[bytes]:
        """Send a question, whole but for its id. Its answer may be LostError."""
        raise NotImplementedError

    def end(self) -> None:
        """Take no more questions, and close when the last is answered."""
        self.is_over = True
        self._close_if_idle()

    def close(self) -> None:
        """Close at once; whoever still waits is told."""
        self.is_over = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open, or was: what came before we had it, we are not told."""
        self._transport = cast("asyncio.Transport", transport)
        if self._transport.is_closing():
            self._loop.call_soon(self.connection_lost, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whomever."""
        self.break_off(exc or EOFError("the server closed before it answered"))
        self._transport = None

    def break_off(self, cause: Exception) -> None:
        """Nothing sensible can come any more."""
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(LostError(cause))
        self.close()

    def _expect(self, id_: bytes, message: bytes) -> asyncio.Future[bytes]:
        """Send a message, and wait for the answer of that id."""
        self.carried += 1
        self._write(message)
        answer = self._waiting[id_] = self._loop.create_future()
        answer.add_done_callback(lambda _: self._forget(id_, answer))
        return answer

    def _write(self, data: bytes) -> None:
        """Write with all else that this turn of the loop brings."""
        if not self._outbox:
            self._loop.call_soon(self._send_all)
        self._outbox.append(data)

    def _answer(self, id_: bytes, message: bytes) -> None:
        """An answer came, perhaps to a question that nobody asks any more."""
        answer = self._waiting.get(id_)
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _forget(self, id_: bytes, answer: asyncio.Future[bytes]) -> None:
        if self._waiting.get(id_) is answer:
            del self._waiting[id_]
        self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self.is_over and not self._waiting:
            self.close()

    def _send_all(self) -> None:
        outbox, self._outbox = self._outbox, []
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(outbox))


LENGTH = 2
"""Octets of a message's length (RFC 1035, 4.2.2)."""


class Pipeline(Conversation):
    """One connection with any number of questions under way."""

    shared: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._received = bytearray()

    def ask(self, rest: bytes) -> asyncio.Future[bytes]:
        """Send a question, whole but for its id. Its answer may be LostError."""
        id_ = os.urandom(2)
        while id_ in self._waiting:
            id_ = os.urandom(2)
        length = (len(rest) + len(id_)).to_bytes(LENGTH, "big")
        return self._expect(id_, length + id_ + rest)

    def data_received(self, data: bytes) -> None:
        """Give each whole message to whoever waits for it."""
        received = self._received
        received += data
        place = 0
        while len(received) >= (start := place + LENGTH):
            end = start + int.from_bytes(received[place:start], "big")
            if len(received) < end:
                break
            self._answer(bytes(received[start : start + 2]), bytes(received[start:end]))
            place = end
        del received[:place]


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
        from probes.net.portable.doh import Multiplex  # noqa: PLC0415 - an extra

        return Multiplex(host, server.path)
