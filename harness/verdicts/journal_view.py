"""Read-only views of a journal, which leave something out or correct it before it is judged."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from typing import NoReturn

import msgspec

from harness.model.campaign import Stop
from harness.model.instrument_record import InstrumentRecord
from harness.model.observation import AttemptKey, Observation
from harness.ports.storage import Journal

ONLY_READ = "a view of a journal is only read"


class JournalView:
    """A journal as it is. Satisfies ``harness.ports.storage.Journal``; read-only."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.header = journal.header

    def observations(self) -> Iterator[Observation]:
        """Yield all observations."""
        return self._journal.observations()

    def sentinels(self) -> Iterator[Observation]:
        """Yield the observations of sentinels."""
        return self._journal.sentinels()

    def fingerprint(self) -> str:
        """Return a digest of what is read."""
        return self._journal.fingerprint()

    def batches(self) -> frozenset[int]:
        """Return the numbers of the batches in the journal."""
        return self._journal.batches()

    def keys(self) -> frozenset[AttemptKey]:
        """Return the keys of all observations of the journal."""
        return self._journal.keys()

    def stops(self) -> tuple[Stop, ...]:
        """Return what was stopped early."""
        return self._journal.stops()

    def instrument_records(self) -> tuple[InstrumentRecord, ...]:
        """Return the records of the instrument."""
        return self._journal.instrument_records()

    def append(self, batch: int, observations: Iterable[Observation]) -> NoReturn:
        """Raise TypeError: the view is read-only."""
        del batch, observations
        raise TypeError(ONLY_READ)

    def stop(self, stop: Stop) -> NoReturn:
        """Raise TypeError: the view is read-only."""
        del stop
        raise TypeError(ONLY_READ)

    def seal(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Close the underlying journal."""
        self._journal.close()


class JournalWithout(JournalView):
    """A journal without the trials of some items, probes and packs, which proved wrong.

    Sentinels of those probes are left out as well: they show nothing then. Packs are named.
    """

    def __init__(
        self,
        journal: Journal,
        items: Collection[str] = (),
        probes: Collection[str] = (),
        packs: Collection[str] = (),
    ) -> None:
        super().__init__(journal)
        self._items, self._probes = frozenset(items), frozenset(probes)
        marks = {mark for mark, note in journal.header.packs.items() if note.name in packs}
        is_only = len(journal.header.packs) == 1
        self._packs = frozenset({*marks, ""} if is_only and marks else marks)

    def observations(self) -> Iterator[Observation]:
        """Yield the observations that are left."""
        return filter(self._is_left, self._journal.observations())

    def sentinels(self) -> Iterator[Observation]:
        """Yield the observations of sentinels that are left."""
        return filter(self._is_left, self._journal.sentinels())

    def fingerprint(self) -> str:
        """Return a digest of the underlying journal's fingerprint and what is left out."""
        left_out = [sorted(each) for each in (self._items, self._probes, self._packs)]
        parts = [self._journal.fingerprint(), *left_out]
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()

    def _is_left(self, one: Observation) -> bool:
        if one.role == "item" and one.item.pack in self._packs:
            return False
        return one.item.id not in self._items and one.key.probe not in self._probes
