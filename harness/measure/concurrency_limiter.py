"""A gate lets so many attempts through at once, first come, first served.

Whoever feeds it announces what will come, and waits for ``room`` before announcing more: so
batches follow each other closely without being stretched over the whole campaign, and the gate
does not run dry while a batch waits for a silence to be confirmed. Its width follows what the
line and this machine bear: halved at a sign of strain, one more after each width's worth of
good answers (additive increase, multiplicative decrease: Chiu and Jain, 1989).
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType


class Gate:
    """At most ``width`` at once, ``most`` at best; a context manager for each that passes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.width = most
        self._aloft = 0
        self._good = 0
        self._coming = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._has_room = asyncio.Event()
        self._has_room.set()

    def announce(self, number: int) -> None:
        """Say that so many more will come."""
        self._coming += number
        self._mind_room()

    async def room(self) -> None:
        """Wait until fewer are still to come than the gate is wide."""
        await self._has_room.wait()

    def narrow(self, *, in_use: bool = False) -> None:
        """Let half as many through from now on (or half of those ``in_use``), at least one."""
        wide = min(self.width, self._aloft) if in_use and self._aloft else self.width
        self.width = max(1, wide // 2)
        self._good = 0
        self._mind_room()

    def praise(self) -> None:
        """Count a good answer; enough of them widen the gate by one."""
        self._good += 1
        if self._good >= self.width and self.width < self.most:
            self.width += 1
            self._good = 0
            self._let_through()

    def widen(self) -> None:
        """Let as many through as at best."""
        self.width = self.most
        self._let_through()
        self._mind_room()

    async def __aenter__(self) -> None:
        """Pass as soon as there is a place."""
        try:
            if self._aloft < self.width and not self._queue:
                self._aloft += 1
                return
            place = asyncio.get_running_loop().create_future()
            self._queue.append(place)
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self._leave()
                raise
        finally:
            self._coming = max(0, self._coming - 1)
            self._mind_room()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the place back."""
        self._leave()

    def _leave(self) -> None:
        self._aloft -= 1
        self._let_through()

    def _let_through(self) -> None:
        while self._queue and self._aloft < self.width:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                self._aloft += 1

    def _mind_room(self) -> None:
        if self._coming < self.width:
            self._has_room.set()
        else:
            self._has_room.clear()
