"""Says how one version of a pack differs from another, item by item.

An id is never used again for something else, so a changed value under an old id is a mistake
that is shown, not hidden in the additions.
"""

from __future__ import annotations

from dataclasses import dataclass

from corpora.pack_reader import Pack
from harness.model.corpus import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Ids of items, in the order of their files. An item may be in several of the last three."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    relabelled: tuple[str, ...]
    revalued: tuple[str, ...]
    otherwise: tuple[str, ...]

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.relabelled, self.revalued, self.otherwise))


def compare(old: Pack, new: Pack) -> Difference:
    """What became of the items of ``old`` in ``new``."""
    before = {item.id: item for item in old.items()}
    added, relabelled, revalued, otherwise = [], [], [], []
    kept = set()
    for item in new.items():
        was = before.get(item.id)
        if was is None:
            added.append(item.id)
            continue
        kept.add(item.id)
        if item.labels != was.labels:
            relabelled.append(item.id)
        if _value(item) != _value(was):
            revalued.append(item.id)
        if item != was and item.labels == was.labels and _value(item) == _value(was):
            otherwise.append(item.id)
    return Difference(
        added=tuple(added),
        removed=tuple(identity for identity in before if identity not in kept),
        relabelled=tuple(relabelled),
        revalued=tuple(revalued),
        otherwise=tuple(otherwise),
    )


def _value(item: Item) -> tuple[str, str, str]:
    return item.kind, item.value, item.value_hmac
