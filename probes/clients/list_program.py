"""Run the sealed list program of a campaign: one process, JSON lines over its input and output.

Nothing that the program writes is kept: an answer that is not exactly of the agreed form is dropped
whole, and a fixed sentence says so. Its standard error is discarded. Credentials go to its input,
never to its command line. It runs in a process group of its own, which is ended with the campaign.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from harness.errors import UsageError
from harness.model.sealed_list import SealedList
from harness.ports.list_program import VERSION, ListAnswer, ListQuery

LINE_BYTES = 4096
"""No line of the program is longer; an answer needs a tenth of it."""

START = 30.0
"""Seconds in which the program must say that it is ready."""

GRACE = 4.0
"""Seconds beyond the timeout of a question in which its answer must come."""

MOST_UNANSWERED = 3
"""Questions in a row without an answer after which the program is ended."""

END = 2.0
"""Seconds in which the program must end by itself, and again after SIGTERM."""

KILLED = 10.0
"""Seconds to wait for the end of a program that was killed."""

NOT_STARTED = "the sealed list program could not be started"
NOT_READY = "the sealed list program did not say that it is ready"
ENDED = "the sealed list program ended before the campaign did"
TOO_LONG = "the sealed list program wrote a line of more than 4,096 bytes"
SILENT = "the sealed list program did not answer in time"
OTHER_FORM = "an answer of the sealed list program was not of the agreed form"
STRAY = "the sealed list program wrote something that answers no question"

_NUMBERS = 2**53


class _Ready(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The program's first line."""

    ready: str


class _Numbered(msgspec.Struct, frozen=True):
    """The number of an answer whose other fields are wrong."""

    number: int


T = TypeVar("T")

_ANSWER = msgspec.json.Decoder(ListAnswer)
_READY = msgspec.json.Decoder(_Ready)
_NUMBER = msgspec.json.Decoder(_Numbered)


def read_answer(line: bytes) -> ListAnswer | None:
    """Return the answer in a line; None if it is not exactly of the agreed form."""
    return _decoded(_ANSWER, line)


def _decoded(decoder: msgspec.json.Decoder[T], line: bytes) -> T | None:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def command_of(declared: SealedList, folder: Path) -> tuple[str, ...]:
    """Return the command of a program that is declared in a campaign file in ``folder``.

    Raises UsageError if there is no such program, or it may not be executed.
    """
    path = folder / declared.program
    if not path.is_file():
        raise UsageError(f"there is no program {path}; give the path of the sealed list program")
    if not os.access(path, os.X_OK):
        raise UsageError(f"{path} may not be executed; allow it, for example with chmod u+x")
    return (str(path.absolute()), *declared.arguments)


class SealedListProgram:
    """The program, which runs while the context lasts, and may be run again.

    ``start`` is how many seconds it may take until it is ready, ``end`` until it ends by itself.
    """

    def __init__(
        self, declared: SealedList, folder: Path, *, start: float = START, end: float = END
    ) -> None:
        self._command, self._folder = command_of(declared, folder), folder
        self._start, self._end_patience = start, end
        self._reset()

    def _reset(self) -> None:
        """Forget what was known of a process that ran before."""
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._pending: dict[int, asyncio.Future[ListAnswer | str]] = {}
        self._unanswered: set[int] = set()
        self._in_a_row = 0
        self._checks: dict[str, str] = {}
        self.trouble = ""

    async def __aenter__(self) -> Self:
        self._reset()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                limit=LINE_BYTES,
                cwd=self._folder,
                start_new_session=True,
            )
        except OSError:
            self._give_up(NOT_STARTED)
            return self
        try:
            async with asyncio.timeout(self._start):
                ready = _decoded(_READY, await self._line())
        except (TimeoutError, ValueError):
            ready = None
        except asyncio.CancelledError:
            await self.__aexit__()
            raise
        if ready is None or ready.ready != VERSION:
            self._give_up(NOT_READY)
        else:
            self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End the program and its whole group: by the end of its input, SIGTERM, then SIGKILL."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._process is not None:
            discarding = asyncio.create_task(self._discard())
            try:
                await self._end(self._process)
            finally:
                self._kill()
                discarding.cancel()

    async def _end(self, process: Process) -> None:
        """Give the program time to end by itself, after SIGTERM, and after SIGKILL."""
        assert process.stdin is not None
        process.stdin.close()
        patience = self._end_patience
        for sign, seconds in ((0, patience), (signal.SIGTERM, patience), (signal.SIGKILL, KILLED)):
            self._send(sign)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await process.wait()
                return

    async def _discard(self) -> None:
        """Read what is left of the output, without which the end of the program is not noticed."""
        assert self._process is not None
        assert self._process.stdout is not None
        with suppress(OSError):
            while await self._process.stdout.read(LINE_BYTES):
                pass

    async def ask(self, query: ListQuery) -> ListAnswer | str:
        """Return the answer to a question, or a sentence that says why there is none."""
        if self.trouble:
            return self.trouble
        number = secrets.randbelow(_NUMBERS)  # so that no answer is taken for another's
        answer: asyncio.Future[ListAnswer | str] = asyncio.get_running_loop().create_future()
        self._pending[number] = answer
        try:
            async with asyncio.timeout(query.timeout + GRACE):
                await self._write(query, number)
                return await answer
        except TimeoutError:
            return self._note_unanswered(number)
        except OSError:
            self._give_up(ENDED)
            return self.trouble
        finally:
            self._pending.pop(number, None)

    async def _write(self, query: ListQuery, number: int) -> None:
        """Write a question; a check entry is introduced before it is asked for."""
        entry = query.entry
        if query.check:
            entry = self._checks.get(query.check, "")
            if not entry:
                entry = self._checks[query.check] = secrets.token_hex(32)
                await self._write_line({"check": entry, "host": query.check})
        await self._write_line(
            {
                "number": number,
                "id": entry,
                "scheme": query.scheme,
                "headers": query.headers,
                "timeout": query.timeout,
                "connection": query.connection,
            }
        )

    async def _write_line(self, message: Mapping[str, object]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(message) + b"\n")
        await self._process.stdin.drain()

    def _note_unanswered(self, number: int) -> str:
        self._unanswered.add(number)
        self._in_a_row += 1
        if self._in_a_row >= MOST_UNANSWERED:
            self._give_up(SILENT)
        return SILENT

    async def _line(self) -> bytes:
        """Read one line; empty at the end of the output.

        Raises ValueError for a line of more than ``LINE_BYTES``.
        """
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            return await self._process.stdout.readline()
        except OSError:
            return b""

    async def _read(self) -> None:
        while not self.trouble:
            try:
                line = await self._line()
            except ValueError:
                reason = TOO_LONG
            else:
                reason = self._take(line) if line else ENDED
            if reason:
                self._give_up(reason)

    def _take(self, line: bytes) -> str:
        """Hand an answer to the question that waits for it.

        Return why the program must be ended, or an empty text.
        """
        answer = read_answer(line)
        numbered: ListAnswer | _Numbered | None = answer or _decoded(_NUMBER, line)
        if numbered is None:
            return STRAY
        waiting = self._pending.pop(numbered.number, None)
        if waiting is None or waiting.done():
            return "" if numbered.number in self._unanswered else STRAY
        self._in_a_row = 0
        waiting.set_result(OTHER_FORM if answer is None else answer)
        return ""

    def _give_up(self, reason: str) -> None:
        """Ask no more, for a reason, and kill the program."""
        self.trouble = self.trouble or reason
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_result(self.trouble)
        self._kill()

    def _kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, sign: int) -> None:
        """Send a signal (0: none) to the group of the program, which may have ended already."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, sign)
