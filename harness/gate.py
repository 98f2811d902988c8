"""A gate lets so many attempts through at once, first come, first served.

``room`` is for whoever feeds it: it waits until fewer attempts queue than may fly, so that the
gate never runs dry while batches wait for a long confirmation, and never hoards work either.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Gate:
    """At most ``width`` at once; an asynchronous context manager for each that passes."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._free = asyncio.Semaphore(width)
        self._queued = 0
        self._has_room = asyncio.Event()
        self._has_room.set()

    async def __aenter__(self) -> None:
        """Pass as soon as there is a place."""
        self._queued += 1
        if self._queued >= self._width:
            self._has_room.clear()
        try:
            await self._free.acquire()
        finally:
            self._queued -= 1
            if self._queued < self._width:
                self._has_room.set()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the place back."""
        self._free.release()

    async def room(self) -> None:
        """Wait until the queue is shorter than the gate is wide."""
        await self._has_room.wait()
