"""Watches ourselves: an overloaded client invents timeouts, and blames the service.

A heartbeat asks the event loop for a beat every tenth of a second; how late it comes is the
lag. What timed out while the loop lagged, or failed for want of our own descriptors or ports,
says nothing of the service: it is tried again with fewer attempts in flight.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from harness.ports.storage import Clock

BEAT = 0.1
"""Seconds between heartbeats."""

TOLERATED = 0.5
"""Seconds of lag from which a timeout is our own doing."""

REMEMBERED = 3000
"""Beats kept: five minutes, longer than any attempt lasts."""


class Watch:
    """The lag of the event loop, remembered for as long as an attempt may last."""

    def __init__(self, clock: Clock, beat: float = BEAT) -> None:
        self._clock = clock
        self._beat = beat
        self._late: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)
        self._heart: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start the heart."""
        self._heart = asyncio.create_task(self._live())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        if self._heart is not None:
            self._heart.cancel()
            await asyncio.gather(self._heart, return_exceptions=True)

    def note(self, lag: float) -> None:
        """Remember how late the loop was just now, in seconds."""
        if lag > TOLERATED:
            self._late.append((self._clock.monotonic(), lag))

    def is_overloaded_since(self, moment: float) -> bool:
        """Whether the loop lagged too much at any time after ``moment`` (monotonic seconds)."""
        return any(at >= moment for at, _ in reversed(self._late))

    async def _live(self) -> None:
        while True:
            before = self._clock.monotonic()
            await asyncio.sleep(self._beat)
            self.note(self._clock.monotonic() - before - self._beat)
