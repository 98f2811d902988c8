"""Ports for telling people how a campaign goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a measurement is; counts are attempts.

    ``blocked`` is, by category, (canaries whose token did not arrive, canaries tried); ``rate``
    is attempts per second.
    """

    done: int
    total: int
    resumed: int
    rate: float
    failures: int
    blocked: dict[str, tuple[int, int]] = field(default_factory=dict)
    note: str = ""


class Reporter(Protocol):
    """Listens to a measurement; it never changes it."""

    def on_progress(self, progress: Progress) -> None: ...


class Silence:
    """A reporter that says nothing."""

    def on_progress(self, progress: Progress) -> None:
        """Hear, and keep quiet."""
