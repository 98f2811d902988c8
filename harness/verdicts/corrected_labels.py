"""A journal as upheld appeals left the labels of its items.

The journal itself is never touched: an observation keeps what was said of its item then, and
the correction is laid over it on the way to the judge. So one appeal re-scores every campaign
that used the item, as soon as it is concluded again.
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
    """The journal with the labels of all upheld appeals that concern it; the latest one holds."""
    labels = {one.item: one.labels for one in appeals_that_concern(journal, appeals)}
    return CorrectedJournal(journal, labels) if labels else journal


def appeals_that_concern(journal: Journal, appeals: Iterable[Appeal]) -> tuple[Appeal, ...]:
    """The upheld appeals against items of the packs that a journal was measured with."""
    packs = {name.partition(" ")[0] for name in journal.header.corpora}
    return tuple(one for one in appeals if one.upheld and one.pack in packs)


class CorrectedJournal:
    """Satisfies ``harness.ports.storage.Journal``, but is only read."""

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
        """All observations, each with its item as it is labelled now."""
        return map(self._corrected, self._journal.observations())

    def sentinels(self) -> Iterator[Observation]:
        """The observations of sentinels; nobody appeals against those."""
        return self._journal.sentinels()

    def fingerprint(self) -> str:
        """That of the journal below, with the labels that are laid over it."""
        text = msgspec.json.encode([self._journal.fingerprint(), self._labels], order="sorted")
        return hashlib.sha256(text).hexdigest()

    def batches(self) -> frozenset[int]:
        """The numbers of the batches that are held."""
        return self._journal.batches()

    def keys(self) -> frozenset[AttemptKey]:
        """The keys of all observations."""
        return self._journal.keys()

    def stops(self) -> tuple[Stop, ...]:
        """What was tried no further: a fact, whatever became of the labels."""
        return self._journal.stops()

    def instrument_records(self) -> tuple[InstrumentRecord, ...]:
        """What was measured with, whatever became of the labels."""
        return self._journal.instrument_records()

    def append(self, batch: int, observations: Iterable[Observation]) -> NoReturn:
        """Never: what is measured goes into the journal itself."""
        del batch, observations
        raise TypeError(ONLY_READ)

    def stop(self, stop: Stop) -> NoReturn:
        """Never, as with ``append``."""
        del stop
        raise TypeError(ONLY_READ)

    def seal(self) -> None:
        """Nothing: there is nothing to seal."""

    def close(self) -> None:
        """Let go of the journal below."""
        self._journal.close()

    def _changed(self) -> dict[str, Item]:
        """The items that were measured under other labels, by id, as they were."""
        return {
            one.item.id: one.item
            for one in self._journal.observations()
            if one.item.id in self._labels and one.item.labels != self._labels[one.item.id]
        }

    def _frames(self, changed: dict[str, Item]) -> dict[str, int]:
        """How many items of each category there are now, if it was counted at all."""
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
