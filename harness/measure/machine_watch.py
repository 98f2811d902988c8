"""Watch the measuring machine beside a batch: its load becomes a record of that batch.

The record comes before the observations of its batch, so that who reads the journal in order knows
it first. Without a reader of the machine there is no record, and nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from harness.measure.event_loop import INTERVAL
from harness.measure.measurement_context import MeasurementContext
from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.machine_facts import FEWEST_TICKS, LATE, Beside, MachineFacts, MachineReading
from harness.model.observation import CONTROL, AttemptKey, Observation
from harness.model.order_statistic import order_statistic

PROBE = "machine"
"""What stands for a probe in the keys of these records."""


class MachineWatch:
    """Watches from the moment it is made until ``recorded``; in the thread of the event loop."""

    def __init__(self, context: MeasurementContext, beside: Beside) -> None:
        self._context, self._beside = context, beside
        self._started = context.clock.now()
        self._before = context.read_machine() if context.read_machine is not None else None
        self._ticks = context.lag_monitor.begin_ticks()

    def recorded(
        self, campaign: Campaign, batch: int, profile: str, seen: Iterable[Observation]
    ) -> list[Observation]:
        """Return the observations of a batch with the record in front, and watch no longer."""
        observations = list(seen)
        self._context.lag_monitor.end_ticks(self._ticks)
        if self._before is None or self._context.read_machine is None:
            return observations
        after, name = self._context.read_machine(), f"{PROBE}@{batch}"
        key = AttemptKey(
            campaign=campaign.campaign, item=name, probe=PROBE, line=CONTROL, profile=profile
        )
        record = Observation(
            key=key,
            item=Item(id=name, value=self._beside, labels=("CTRL",)),
            started=self._started,
            batch=batch,
            role="machine",
            facts=self._facts(self._before, after, observations),
        )
        return [record, *observations]

    def _facts(
        self, before: MachineReading, after: MachineReading, seen: Iterable[Observation]
    ) -> MachineFacts:
        seconds = max(after.at - before.at, 1e-6)
        lags = [lag for lag, _ in self._ticks]
        own = [min(lag, max(0.0, computed - INTERVAL)) for lag, computed in self._ticks]
        late = sum(lag - computed > LATE for lag, computed in self._ticks)
        on_control = [
            one.timings.first_byte
            for one in seen
            if one.key.line == CONTROL and one.timings.first_byte is not None
        ]
        shares = {
            name: max(0.0, end - before.stalls[name]) / seconds
            for name, end in after.stalls.items()
            if name in before.stalls
        }
        stolen = _since(before.stolen, after.stolen)
        return MachineFacts(
            beside=self._beside,
            seconds=seconds,
            waited=_waited(before, after),
            late=late / len(lags) if len(lags) >= FEWEST_TICKS else None,
            lag=max(lags, default=None),
            lag_high=_high(lags),
            lag_own=_high(own),
            stolen=None if stolen is None else stolen / seconds / (after.processors or 1),
            stalls=shares,
            dropped={
                name: end - before.dropped[name]
                for name, end in after.dropped.items()
                if end > before.dropped.get(name, end)
            },
            control=median(on_control) if on_control else None,
            load_average=None if after.stalls else after.load_average,
            processors=after.processors,
        )


LEAST_WORK = 0.01
"""Seconds of work from which on it is known how much of the time our thread waited."""


def _high(lags: list[float]) -> float | None:
    """The 99 % quantile of enough lags."""
    if len(lags) < FEWEST_TICKS:
        return None
    return order_statistic(sorted(lags), 0.99)


def _since(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else max(0.0, after - before)


def _waited(before: MachineReading, after: MachineReading) -> float | None:
    """The share of the time with work in which our thread had no processor."""
    ran, waited = _since(before.ran, after.ran), _since(before.waited, after.waited)
    if ran is None or waited is None or ran + waited < LEAST_WORK:
        return None
    return waited / (ran + waited)
