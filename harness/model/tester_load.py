"""When the tester was overloaded, so that its times say nothing about the service.

These limits are the only ones (``docs/reference/instrument.md``). What other programs do to our
machine is no work of the service, so what was timed meanwhile is left out, whichever way it points.
Our own program can be kept busy by a service, such as by large pages. That counts only where the
control was late as well, and then nothing favourable follows from what is left.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from harness.model.machine_facts import Beside, MachineFacts

MOST_WAITED = 0.25
"""The share of the time with work in which our thread may wait for a processor.

On a machine with two processors it waited 3 to 8 % beside nothing else, 35 to 45 % beside one busy
process, and 60 to 80 % beside four. Up to 45 % no outcome about time was seen to change.
"""
MOST_STALLED = 0.1
"""The share of the time in which all programs of the machine may wait for memory at once."""
MOST_LATE = 0.1
"""The share of unexplained lags of the event loop, where it is not known how long it waited."""
MOST_LAG, MOST_RISE = 0.5, 0.05
"""Seconds of the loop's lag by our own computing (99 % quantile), and of the control's delay over
its quiet batches, that together show our own program to be overloaded."""
QUIETEST = 0.25
"""The quantile of the control's times that stands for its quiet batches."""
FEWEST = 4
"""So many batches tell what the control's quiet time is."""

TIMED: dict[str, Beside] = {
    "availability": "checks",
    "bandwidth_reached": "speed",
    "delay_variation": "speed",
    "failed_transactions": "speed",
    "failover_leaks": "checks",
    "fault_leaks": "checks",
    "first_byte_overhead": "items",
    "first_byte_overhead_share": "items",
    "load_deviation": "speed",
    "moment_leaks": "checks",
    "peak_block_rate_loss": "speed",
    "resolver_latency": "items",
    "responsiveness": "speed",
    "throughput_loss": "speed",
}
"""Metrics about time, by what they are measured with."""


class BatchLoad(NamedTuple):
    """The machine during one batch. ``rise``: seconds by which the control was later than quiet."""

    batch: int
    facts: MachineFacts
    rise: float | None = None

    @property
    def is_pressed(self) -> bool:
        """Whether others kept our program from running."""
        return self._is_kept_waiting or self._stalled > MOST_STALLED

    @property
    def _is_kept_waiting(self) -> bool:
        waited = self.facts.waited
        return (self.facts.late or 0.0) > MOST_LATE if waited is None else waited > MOST_WAITED

    @property
    def _stalled(self) -> float:
        return self.facts.stalls.get("memory full", 0.0)

    @property
    def is_too_slow(self) -> bool:
        """Whether our own program was overloaded, so that the control was late as well."""
        lag, rise = self.facts.lag_own or 0.0, self.rise or 0.0
        return not self.is_pressed and lag > MOST_LAG and rise > MOST_RISE

    @property
    def is_overloaded(self) -> bool:
        """Whether what was timed in it says nothing about the service."""
        return self.is_pressed or self.is_too_slow

    @property
    def words(self) -> str:
        """The figures that are judged, with their limits."""
        facts, found = self.facts, list[str]()
        if facts.waited is not None:
            found.append(
                f"waited {_percent(facts.waited)} of its time for a processor (limit "
                f"{_percent(MOST_WAITED)})"
            )
        elif facts.late is not None:
            found.append(
                f"was late {_percent(facts.late)} of the time (limit {_percent(MOST_LATE)})"
            )
        if self._stalled > MOST_STALLED:
            found.append(
                f"waited {_percent(self._stalled)} of the time for memory (limit "
                f"{_percent(MOST_STALLED)})"
            )
        if self.is_too_slow:
            found.append(
                f"lagged {facts.lag_own:.2f} s by its own computing (limit {MOST_LAG:g} s), and "
                f"the control {self.rise:.2f} s (limit {MOST_RISE:g} s)"
            )
        return ", ".join(found) or "showed no figure that is judged"


class TesterLoad(msgspec.Struct, frozen=True, kw_only=True):
    """The load of the machine in the batches of a journal; empty where nothing is known."""

    batches: tuple[BatchLoad, ...] = ()

    @property
    def overloaded(self) -> frozenset[int]:
        """The numbers of the batches in which the tester was overloaded."""
        return frozenset(one.batch for one in self.batches if one.is_overloaded)

    def beside(self, kind: Beside) -> TesterLoad:
        """Return what belongs to one kind of batches."""
        return TesterLoad(batches=tuple(one for one in self.batches if one.facts.beside == kind))

    @property
    def worst(self) -> BatchLoad | None:
        """The batch with the highest load; overloaded ones first."""
        return max(
            self.batches,
            key=lambda one: (one.is_overloaded, one.facts.waited or 0.0, one.facts.late or 0.0),
            default=None,
        )

    @property
    def summary(self) -> LoadSummary | None:
        """The load over all batches, and in the worst one; ``None`` if nothing is known."""
        worst = self.worst
        if worst is None:
            return None
        seconds = [one.facts for one in self.batches if one.facts.waited is not None]
        whole = sum(one.seconds for one in seconds)
        waited = sum((one.waited or 0.0) * one.seconds for one in seconds)
        return LoadSummary(
            batches=len(self.batches),
            overloaded=len(self.overloaded),
            waited=waited / whole if whole else None,
            worst_batch=worst.batch,
            worst=worst.facts,
            worst_words=worst.words,
        )


class LoadSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How loaded the tester's machine was: the worst batch, and the mean ``waited`` over all."""

    batches: int
    overloaded: int
    waited: float | None
    worst_batch: int
    worst: MachineFacts
    worst_words: str

    @property
    def words(self) -> str:
        """All of it in one sentence."""
        overall = "" if self.waited is None else f"; {_percent(self.waited)} over all"
        return (
            f"The tester's machine {self.worst_words} in its worst batch ({self.worst_batch})"
            f"{overall}; overloaded in {self.overloaded} of {self.batches} batches"
        )


def load_of(facts: dict[int, MachineFacts]) -> TesterLoad:
    """Return the load of batches by number, each with the control's delay over quiet batches."""
    quiet: dict[str, float] = {}
    for kind in {one.beside for one in facts.values()}:
        times = sorted(
            one.control for one in facts.values() if one.beside == kind and one.control is not None
        )
        if len(times) >= FEWEST:
            quiet[kind] = times[int(QUIETEST * len(times))]
    return TesterLoad(
        batches=tuple(
            BatchLoad(batch, one, _rise(one.control, quiet.get(one.beside)))
            for batch, one in sorted(facts.items())
        )
    )


def _rise(control: float | None, quiet: float | None) -> float | None:
    return None if control is None or quiet is None else max(0.0, control - quiet)


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
