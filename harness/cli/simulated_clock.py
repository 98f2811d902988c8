"""A clock that stands still but in pauses: a month of checks takes as long as its requests."""

from __future__ import annotations

from datetime import datetime, timedelta
from time import perf_counter


class SimulatedClock:
    """A clock at ``at`` (aware UTC), which ``pause`` sets forward; durations are real."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The simulated time."""
        return self.at

    def monotonic(self) -> float:
        """Seconds of real time, for durations and timeouts."""
        return perf_counter()

    async def pause(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        self.at += timedelta(seconds=seconds)
