"""A read-only view of a journal with the labels that upheld appeals corrected.

The journal itself is never changed: an observation keeps the labels of its item at the time, and
the correction is applied when it is read. So one appeal changes the results of every campaign that
used the item, as soon as it is concluded again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from harness.model.corpus import Appeal, Item
from harness.model.observation import Observation
from harness.ports.storage import Journal
from harness.verdicts.journal_view import JournalView


def with_corrected_labels(journal: Journal, appeals: Iterable[Appeal]) -> Journal:
    """The journal with the labels of all upheld appeals that concern it; the latest appeal wins."""
    labels = {one.item: one.labels for one in appeals_that_concern(journal, appeals)}
    return CorrectedJournal(journal, labels) if labels else journal


def appeals_that_concern(journal: Journal, appeals: Iterable[Appeal]) -> tuple[Appeal, ...]:
    """The upheld appeals against items of the packs that a journal was measured with."""
    packs = {name.partition(" ")[0] for name in journal.header.corpora}
    return tuple(one for one in appeals if one.upheld and one.pack in packs)


def appeals_to_hand_over(journal: Journal, appeals: Iterable[Appeal]) -> tuple[Appeal, ...]:
    """What judging a journal again needs of the appeals that concern items it tried.

    Who appealed and why is left out: the same pack serves other suppliers, and they may appeal too.
    """
    concerned = appeals_that_concern(journal, appeals)
    named = {one.item for one in concerned}
    tried = {one.item.id for one in journal.observations() if one.item.id in named} if named else ()
    return tuple(
        msgspec.structs.replace(one, appellant="", reason="")
        for one in concerned
        if one.item in tried
    )


class CorrectedJournal(JournalView):
    """A journal with corrected labels."""

    def __init__(self, journal: Journal, labels: dict[str, tuple[str, ...]]) -> None:
        super().__init__(journal)
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

    def fingerprint(self) -> str:
        """Return a digest of the underlying journal's fingerprint and the corrected labels."""
        text = msgspec.json.encode([self._journal.fingerprint(), self._labels], order="sorted")
        return hashlib.sha256(text).hexdigest()

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
