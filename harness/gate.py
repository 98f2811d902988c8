"""A gate lets so many attempts through at once, first come, first served.

Whoever feeds it announces what will come, and waits for ``room`` before announcing more: so
batches follow each other closely without being stretched over the whole campaign, and the gate
does not run dry while a batch waits for a silence to be confirmed.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Gate:
    """At most ``width`` at once; an asynchronous context manager for each that passes."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._free = asyncio.Semaphore(width)
        self._coming = 0
        self._has_room = asyncio.Event()
        self._has_room.set()

    def announce(self, number: int) -> None:
        """Say that so many more will come."""
        self._coming += number
        self._mind()

    async def room(self) -> None:
        """Wait until fewer are still to come than the gate is wide."""
        await self._has_room.wait()

    async def __aenter__(self) -> None:
        """Pass as soon as there is a place."""
        try:
            await self._free.acquire()
        finally:
            self._coming = max(0, self._coming - 1)
            self._mind()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the place back."""
        self._free.release()

    def _mind(self) -> None:
        if self._coming < self._width:
            self._has_room.set()
        else:
            self._has_room.clear()
