"""What became of the must-allow items that were tried beside an attempt, on the same line.

A line that answers nobody looks like one that drops an item without a word. What tells them
apart is a must-allow item of the same probe, begun after the item and answered before the wait
was over: a *heartbeat*.
"""

from __future__ import annotations

import msgspec


class Heartbeats(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many heartbeats began during a wait and were answered in time, or were late.

    ``slowest`` is the longest time that one took, ``allowed`` the time that each was given (a
    multiple of what it takes on the idle line); both in seconds. A heartbeat that failed, or
    that was overdue when the wait ended, is *late*.
    """

    answered: int = 0
    late: int = 0
    slowest: float | None = None
    allowed: float | None = None

    @property
    def shows_life(self) -> bool:
        """Whether the line answered during the wait: more heartbeats were in time than late."""
        return self.answered > self.late

    def __str__(self) -> str:
        took = f", the slowest in {self.slowest:.2f} s" if self.slowest is not None else ""
        given = f" (allowed: {self.allowed:.2f} s)" if self.allowed is not None else ""
        return f"heartbeats: {self.answered} answered in time, {self.late} late{took}{given}"
