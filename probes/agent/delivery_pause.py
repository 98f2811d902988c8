"""How long an agent waits after a delivery that failed: longer each time, and never exactly so.

The pause is drawn between half of and the whole of 30 seconds, doubled after each failure up to an
hour, so that the agents of many schools do not all come back at once after an outage.
"""

from __future__ import annotations

from collections.abc import Callable

FIRST_SECONDS = 30.0
LONGEST_SECONDS = 3600.0
MOST_DOUBLINGS = 12


class DeliveryPause:
    """The pause after failures. ``chance`` returns a number from 0 to 1."""

    def __init__(self, monotonic: Callable[[], float], chance: Callable[[], float]) -> None:
        self._monotonic, self._chance = monotonic, chance
        self._failures = 0
        self._until = 0.0
        self._trouble = ""

    def note(self, trouble: str) -> None:
        """Note how a delivery ended; an empty ``trouble`` ends all pauses."""
        self._trouble = trouble
        if not trouble:
            self._failures = 0
            return
        longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(self._failures, MOST_DOUBLINGS))
        self._failures += 1
        self._until = self._monotonic() + longest * (0.5 + self._chance() / 2)

    def remaining(self) -> float:
        """Seconds until the next delivery may be tried."""
        return max(0.0, self._until - self._monotonic()) if self._trouble else 0.0

    def reason(self) -> str:
        """Why nothing is sent now; empty if something may be."""
        left = self.remaining()
        return f"{self._trouble}; tried again in {left:.0f} seconds" if left > 0 else ""
