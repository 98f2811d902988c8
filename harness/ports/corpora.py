"""Protocols for corpora: opening a pack, and the items of a campaign."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Protocol, runtime_checkable

from harness.model.corpus import CorpusReference, Item


class Items(Protocol):
    """The items of a campaign in the order of trial; ``starting_at(0)`` yields all."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Item]: ...
    def starting_at(self, place: int) -> Iterator[Item]: ...


class CorpusOpener(Protocol):
    """Opens a pack by the name of a shipped one or the path of its folder.

    ``checked`` are packs whose rows were checked before, each as ``name version sha256``. Raises
    UsageError, FaultyDocument.
    """

    def __call__(self, name_or_path: str, /, *, checked: Collection[str] = ()) -> Corpus: ...


@runtime_checkable
class Corpus(Protocol):
    """A categorised list of ``size`` items; ``items(start)`` streams them from a position on."""

    @property
    def reference(self) -> CorpusReference: ...
    @property
    def size(self) -> int: ...
    def items(self, start: int = 0) -> Iterator[Item]: ...
