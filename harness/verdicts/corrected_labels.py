"""A read-only view of a journal with the labels that upheld appeals corrected.

The journal itself is never changed: an observation keeps the labels of its item at the time, and
the correction is applied when it is read. So one appeal changes the results of every campaign that
used the item, as soon as it is concluded again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NoReturn

import msgspec

from harness.model.campaign import Stop
from harness.model.corpus import Appeal, Item
from harness.model.instrument_record import InstrumentRecord
from harness.model.observation import AttemptKey, Observation
from harness.ports.storage import Journal

ONLY_READ = "a journal seen through appeals is only read"


def with_corrected_labels(journal: Journal, appeals: Iterable[Appeal]) -> Journal:
    """The journal with the labels of all upheld appeals that concern it; the latest appeal wins."""
    labels = {one.item: one.labels for one in appeals_that_concern(journal, appeals)}
    return CorrectedJournal(journal, labels) if labels else journal


def appeals_that_concern(journal: Journal, appeals: Iterable[Appeal]) -> tuple[Appeal, ...]:
    """The upheld appeals against items of the packs that a journal was measured with."""
    packs = {name.partition(" ")[0] for name in journal.header.corpora}
    return tuple(one for one in appeals if one.upheld and one.pack in packs)


class CorrectedJournal:
    """A journal with corrected labels. Satisfies ``harness.ports.storage.Journal``; read-only."""

    def __init__(self, journal: Journal, labels: dict[str, tuple[str, ...]]) -> None:
        self._journal = journal
        self._labels = labels
        changed, corpora = self._changed(), journal.header.corpora
        if changed:
            note = f"with {len(changed)} labels corrected on appeal: {', '.join(sorted(changed))}"
            corpora = (*corpora, note)
        frames = self._frames(changed)
        self.header = msgspec.structs.replace(journal.header, frames=frames, corpora=corpora)

    def observations(self) -> Iterator[Observation]:
        """Yield all observations, each with its item's corrected labels."""
        return map(self._corrected, self._journal.observations())

    def sentinels(self) -> Iterator[Observation]:
        """Yield the observations of sentinels, whose labels are never corrected."""
        return self._journal.sentinels()

    def fingerprint(self) -> str:
        """Return a digest of the underlying journal's fingerprint and the corrected labels."""
        text = msgspec.json.encode([self._journal.fingerprint(), self._labels], order="sorted")
        return hashlib.sha256(text).hexdigest()

    def batches(self) -> frozenset[int]:
        """Return the numbers of the batches in the journal."""
        return self._journal.batches()

    def keys(self) -> frozenset[AttemptKey]:
        """Return the keys of all observations."""
        return self._journal.keys()

    def stops(self) -> tuple[Stop, ...]:
        """Return what was stopped early; labels do not matter."""
        return self._journal.stops()

    def instrument_records(self) -> tuple[InstrumentRecord, ...]:
        """Return the records of the instrument; labels do not matter."""
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

    def _changed(self) -> dict[str, Item]:
        """The items that were measured with other labels, by id, as they were."""
        return {
            one.item.id: one.item
            for one in self._journal.observations()
            if one.item.id in self._labels and one.item.labels != self._labels[one.item.id]
        }

    def _frames(self, changed: dict[str, Item]) -> dict[str, int]:
        """How many items of each category there are with corrected labels, if they were counted."""
        frames = Counter(self._journal.header.frames)
        for name, item in changed.items() if frames else ():
            frames[item.category] -= 1
            frames[self._labels[name][0]] += 1
        return dict(frames)

    def _corrected(self, one: Observation) -> Observation:
        labels = self._labels.get(one.item.id)
        if labels is None or one.role != "item" or labels == one.item.labels:
            return one
        item = one.item
        stratum = labels[0] if item.stratum == item.category else item.stratum
        corrected = msgspec.structs.replace(item, labels=labels, stratum=stratum)
        return msgspec.structs.replace(one, item=corrected)
