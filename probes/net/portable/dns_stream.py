"""A connection to a name server that carries one question after another.

What the loop's turn brings is written at once, for TLS takes its toll of each record. Where the
connection ends, so does every question on it: whose fault it was is for its keeper to find out.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, cast


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
