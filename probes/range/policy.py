"""What the reference filter was told to block: which category each host has, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from harness.model.corpus import Item
from probes.range.zone import ZONE, bare, code_of, meant, plain

MUST_ALLOW = frozenset({f"amber-lantern.{ZONE}", f"sentinel-allow.canary.{ZONE}"})
MUST_BLOCK = frozenset({f"copper-meadow.{ZONE}", f"sentinel-block.canary.{ZONE}"})
"""The sentinels: by the names that campaigns have unless they declare others, and by older ones."""


def blocks_all_categories(code: str, profile: str) -> bool:
    """Block every category but those that say what must be let through."""
    del profile
    return code.partition(".")[0] not in {"", "ALW", "CTRL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterPolicy:
    """Host to category, category and profile to blocked or allowed.

    ``categories`` are the hosts that the supplier was told of, ``own`` those that the filter
    knows by its own categorisation. A host that neither names has the category in its canary
    name, if any. With ``reads_pages`` what passes in the clear is analysed as well.
    ``must_allow`` and ``must_block`` are the sentinels; they go before all else.
    """

    categories: Mapping[str, str] = field(default_factory=dict)
    blocks: Callable[[str, str], bool] = blocks_all_categories
    must_allow: frozenset[str] = MUST_ALLOW
    must_block: frozenset[str] = MUST_BLOCK
    own: Mapping[str, str] = field(default_factory=dict)
    reads_pages: bool = True

    @classmethod
    def from_items(
        cls,
        items: Iterable[Item],
        blocks: Callable[[str, str], bool] = blocks_all_categories,
        *,
        must_allow: Iterable[str] = MUST_ALLOW,
        must_block: Iterable[str] = MUST_BLOCK,
        own: Mapping[str, str] | None = None,
    ) -> Self:
        """The policy of a supplier who knows exactly these items."""
        return cls(
            categories={item.host: item.category for item in items},
            blocks=blocks,
            must_allow=frozenset(map(plain, must_allow)),
            must_block=frozenset(map(plain, must_block)),
            own=own or {},
        )

    def category_of(self, host: str) -> str:
        """The taxonomy code that the filter has for a host; empty if it has none."""
        name = meant(host)
        listed = self.categories.get(name) or self.categories.get(bare(name))
        return listed or self.own.get(name) or self.own.get(bare(name)) or code_of(name)

    def is_blocked(self, host: str, profile: str) -> bool:
        """Whether that profile's users may not see the host; a twin is listed like its host."""
        name = meant(host)
        if name in self.must_allow:
            return False
        return name in self.must_block or self.blocks(self.category_of(name), profile)
