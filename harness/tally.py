"""Tallies a measurement while it runs, for the progress line: counts, never verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.model.batch import Batch
from harness.model.campaign import Campaign
from harness.model.observation import Observation
from harness.ports.keeping import Clock
from harness.ports.telling import Progress, Reporter


class Tally:
    """Counts attempts done and failed; ``rate`` looks at this run only, not at resumed batches."""

    def __init__(
        self,
        campaign: Campaign,
        batches: Sequence[Batch],
        held: frozenset[int],
        clock: Clock,
        reporter: Reporter,
    ) -> None:
        sentinels = 2 * (len(campaign.sentinels.must_allow) + len(campaign.sentinels.must_block))
        sizes = {
            batch.number: (len(batch.items) + sentinels) * (1 + len(batch.way.lines))
            for batch in batches
        }
        self._total = sum(sizes.values())
        self._resumed = sum(size for number, size in sizes.items() if number in held)
        self._done = self._resumed
        self._failures = 0
        self._clock = clock
        self._started = clock.monotonic()
        self._reporter = reporter
        self._tell()

    def count(self, observations: Iterable[Observation]) -> None:
        """Take one more batch into account and tell the reporter."""
        for observation in observations:
            self._done += 1
            self._failures += observation.failure is not None
        self._tell()

    def _tell(self) -> None:
        seconds = self._clock.monotonic() - self._started
        fresh = self._done - self._resumed
        self._reporter.on_progress(
            Progress(
                done=self._done,
                total=self._total,
                resumed=self._resumed,
                rate=fresh / seconds if seconds > 0 else 0.0,
                failures=self._failures,
            )
        )
