"""A clock for the commands that a test runs."""

from __future__ import annotations

from datetime import datetime


class SetClock:
    """A clock that stands still at ``at`` until the test sets it; no time passes on it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The time that was set, in UTC."""
        return self.at

    def monotonic(self) -> float:
        """Always 0."""
        return 0.0
