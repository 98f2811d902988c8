"""Count the attempts of a running measurement for the progress line; no verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from harness.model.batch import ways
from harness.model.campaign import Campaign
from harness.model.observation import Observation
from harness.ports.storage import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a measurement is, in attempts; ``rate`` is attempts per second."""

    done: int
    total: int
    resumed: int
    rate: float


class Reporter(Protocol):
    """Receives the progress of a measurement, and never changes it."""

    def on_progress(self, progress: Progress) -> None:
        """Handle a change of progress."""


class NullReporter:
    """A reporter that does nothing."""

    def on_progress(self, progress: Progress) -> None:
        """Do nothing."""


class ProgressCounter:
    """Count attempts done; the rate is that of this run, without resumed batches."""

    def __init__(
        self,
        campaign: Campaign,
        items: int,
        held: frozenset[int],
        clock: Clock,
        reporter: Reporter | None = None,
    ) -> None:
        sizes = _sizes(campaign, items)
        self._total = sum(sizes)
        self._resumed = sum(sizes[number - 1] for number in held if number <= len(sizes))
        self._done = self._resumed
        self._clock = clock
        self._started = clock.monotonic()
        self._reporter = reporter or NullReporter()
        self._report()

    def count(self, observations: Iterable[Observation], spared: int = 0) -> None:
        """Add a batch, and report; ``spared`` attempts will not be made."""
        self._total -= spared
        self._done += sum(1 for _ in observations)
        self._total = max(self._total, self._done)
        self._report()

    def expect(self, attempts: int) -> None:
        """Add attempts that are to come beside those of the items, such as plain twins."""
        self._total += attempts
        self._report()

    def finish(self) -> None:
        """Report that no attempt is to come; some items may have fitted no probe."""
        self._total = self._done
        self._report()

    def _report(self) -> None:
        seconds = self._clock.monotonic() - self._started
        fresh = self._done - self._resumed
        self._reporter.on_progress(
            Progress(
                done=self._done,
                total=self._total,
                resumed=self._resumed,
                rate=fresh / seconds if seconds > 0 else 0.0,
            )
        )


def _sizes(campaign: Campaign, items: int) -> list[int]:
    """The number of attempts of each batch, by its number less one."""
    sentinels = 2 * (len(campaign.sentinels.must_allow) + len(campaign.sentinels.must_block))
    width = campaign.limits.batch
    return [
        (min(width, items - start) + sentinels) * (1 + len(way.lines))
        for start in range(0, items, width)
        for way in ways(campaign)
    ]
