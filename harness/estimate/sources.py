"""Which source each item came from, and on which of them a requirement rests.

A rate of categories rests on hidden real items, because whatever a supplier was told beforehand
shows only that the list is enforced. Known items must hold as well, but without hidden ones a
favourable outcome is limited: "agreed list only".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.model.corpus import KNOWN_TO_SUPPLIERS, Item, PackKind, covers, frame_of
from harness.model.metric import Source

AGREED = Source("agreed", is_hidden=False)
AGREED_ONLY = "agreed list only"
KNOWN_ONLY = "known items only"

Packs = Mapping[str, Mapping[str, str]]
"""Name, audience, design and kind of each pack, by its mark on items, as a journal's header has
them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a favourable outcome rests on: these sources, and within what limit.

    ``kind`` is empty where an outcome is about no kind of items.
    """

    sources: tuple[Source, ...] = ()
    kind: PackKind | Literal[""] = ""
    qualifier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The sources of a campaign's items by the mark of their pack.

    A pack that says no kind, or that nobody knows, holds ``agreed`` items: these show the least.
    ``items`` is what the campaign declares its rates of categories to rest on.
    """

    packs: Packs = field(default_factory=dict)
    items: PackKind = "real"

    def of(self, mark: str) -> Source:
        """Where items with this mark come from; without a mark, from the campaign's one pack."""
        pack = self.packs.get(mark)
        if pack is None and not mark and len(self.packs) == 1:
            pack = next(iter(self.packs.values()))
        return AGREED if pack is None else source_of(pack)

    def place_of(self, item: Item, codes: Collection[str]) -> tuple[str, Source, str]:
        """What must be tested apart: frame, source, and which of ``codes`` an item falls under."""
        code = next((each for each in codes if covers(item.category, each)), "")
        return frame_of(item.pack), self.of(item.pack), code

    def basis(self, rests_on: PackKind | None, present: Collection[Source]) -> Basis:
        """What a requirement rests on, of the sources that are ``present``."""
        if rests_on is None:
            return Basis()
        if rests_on == "agreed":
            others = tuple(sorted(source for source in present if source != AGREED))
            sources = (AGREED,) if AGREED in present or not others else others
            return Basis(sources=sources, kind=sources[0].kind)
        hidden = Source(rests_on, is_hidden=True)
        known = tuple(sorted(source for source in present if not source.is_hidden))
        wants_hidden = self.items != "agreed" or not known
        if not present or (hidden in present and wants_hidden):
            return Basis(sources=(hidden,), kind=rests_on)
        if not known:  # hidden items of another kind say nothing of what is asked
            return Basis(sources=(hidden,), kind=rests_on)
        if AGREED in known:
            return Basis(sources=known, kind="agreed", qualifier=AGREED_ONLY)
        return Basis(sources=known, kind=rests_on, qualifier=KNOWN_ONLY)


def source_of(pack: Mapping[str, Any]) -> Source:
    """The source that a journal's header tells of a pack. Agreed items are never hidden."""
    kind = pack.get("kind", "agreed")
    if kind not in ("content", "real"):
        return AGREED
    return Source(kind, is_hidden=pack.get("audience", "public") not in KNOWN_TO_SUPPLIERS)


def bears_on(source: Source, rests_on: PackKind | None) -> bool:
    """Whether items of a source count for a requirement that rests on a kind.

    What a page says is asked of content items alone, and of no other requirement; a name that
    is agreed or real counts for all others, if only against the service.
    """
    if rests_on is None:
        return True
    return (source.kind == "content") == (rests_on == "content")
