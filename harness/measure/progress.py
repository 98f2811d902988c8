"""Count the attempts of a running measurement for the progress line; no verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from harness.model.batch import ways
from harness.model.campaign import Campaign
from harness.model.facts import DnsFacts, WebFacts
from harness.model.observation import CONTROL, Observation
from harness.ports.storage import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a measurement is; counts are attempts.

    ``blocked`` maps categories to (items whose token did not arrive, items tried), of items on our
    own origin; ``rate`` is attempts per second.
    """

    done: int
    total: int
    resumed: int
    rate: float
    failures: int
    blocked: dict[str, tuple[int, int]] = field(default_factory=dict)


class Reporter(Protocol):
    """Receives the progress of a measurement, and never changes it."""

    def on_progress(self, progress: Progress) -> None:
        """Handle a change of progress."""


class NullReporter:
    """A reporter that does nothing."""

    def on_progress(self, progress: Progress) -> None:
        """Do nothing."""


class ProgressCounter:
    """Count attempts done and failed; the rate is that of this run, without resumed batches."""

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
        self._failures = 0
        self._stopped: Counter[str] = Counter()
        self._tried: Counter[str] = Counter()
        self._clock = clock
        self._started = clock.monotonic()
        self._reporter = reporter or NullReporter()
        self._report()

    def count(self, observations: Iterable[Observation], spared: int = 0) -> None:
        """Add a batch, and report; ``spared`` attempts will not be made."""
        self._total -= spared
        for observation in observations:
            self._done += 1
            self._failures += observation.failure is not None
            if _shows_arrival(observation):
                self._tried[observation.item.category] += 1
                self._stopped[observation.item.category] += not _arrived(observation)
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
                failures=self._failures,
                blocked={
                    category: (self._stopped[category], tried)
                    for category, tried in sorted(self._tried.items())
                },
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


def _shows_arrival(observation: Observation) -> bool:
    """Whether this is an item on our own origin, tried through the service."""
    is_service = observation.role == "item" and observation.key.line != CONTROL
    return is_service and bool(observation.nonce) and not isinstance(observation.facts, DnsFacts)


def _arrived(observation: Observation) -> bool:
    return isinstance(observation.facts, WebFacts) and observation.facts.canary == "seen"
