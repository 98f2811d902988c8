"""Protocols for storage: the journal of observations, the evidence store, and the clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import Protocol, runtime_checkable

from harness.model.campaign import Stop
from harness.model.instrument_record import ClockState, InstrumentRecord
from harness.model.journal_header import JournalHeader
from harness.model.observation import AttemptKey, Evidence, Observation


class Journal(Protocol):
    """The append-only observations of one campaign.

    ``header`` is what it was begun with. ``append`` writes one complete batch or nothing, and
    ignores keys that it already holds. ``sentinels`` are the observations of sentinels, heartbeats
    and retrials: all but those of items. ``fingerprint`` changes with every observation, and with
    the header. ``stops`` say what was not tried further; ``stop`` writes one.
    ``instrument_records`` say what it was measured with.
    """

    @property
    def header(self) -> JournalHeader: ...
    def batches(self) -> frozenset[int]: ...
    def keys(self) -> frozenset[AttemptKey]: ...
    def append(self, batch: int, observations: Iterable[Observation]) -> int: ...
    def observations(self) -> Iterator[Observation]: ...
    def sentinels(self) -> Iterator[Observation]: ...
    def stops(self) -> tuple[Stop, ...]: ...
    def instrument_records(self) -> tuple[InstrumentRecord, ...]: ...
    def stop(self, stop: Stop) -> None: ...
    def fingerprint(self) -> str: ...
    def seal(self) -> None: ...
    def close(self) -> None: ...


class EvidenceStore(Protocol):
    """Stores bytes by digest; storing the same bytes twice changes nothing."""

    def keep(self, evidence: Evidence) -> str: ...
    def read(self, digest: str) -> bytes: ...


class Clock(Protocol):
    """A source of time; injected, so that tests control it."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...


@runtime_checkable
class VouchedClock(Clock, Protocol):
    """A clock that says itself how exact it is, such as one that follows a hub's time."""

    def state(self) -> ClockState: ...


class WallClock:
    """The machine's own clock, in UTC."""

    def now(self) -> datetime:
        """The present time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start, for durations."""
        return perf_counter()
