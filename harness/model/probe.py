"""Probe declarations: what a probe needs, records and sees, and whether its verdicts count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from harness.model.corpus import NAMED, Item, Layer

Need = Literal["fetch", "fetch_over", "ask", "dial", "datagrams", "connection"]
"""What a probe needs of a line: the method of that name."""

ALL_LAYERS: frozenset[Layer] = frozenset(("any", "dns", "sni", "url", "content"))
NAME_LAYERS: frozenset[Layer] = frozenset(("any", "dns"))
"""Layers that a name server can see: no path and no content."""


class ProbeDeclaration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the stages know of a probe.

    ``needs`` is the method it needs of a line; ``facts`` is the tag of its facts, which selects the
    rules. ``sees`` are the layers of items that it can see, ``kinds`` the kinds of items that it
    can try; ``only_scheme`` is the only URL scheme it tries, empty for any. Without ``counts`` its
    verdicts are recorded but not counted. ``has_twins``: it tries plain twins too.
    ``mixes_sentinels``: sentinels are tried between the items too, at places drawn in each run.
    ``over_ipv4`` is the probe that does over IPv4 what this one does over IPv6.
    """

    needs: Need
    facts: str
    sees: frozenset[Layer] = ALL_LAYERS
    kinds: frozenset[str] = NAMED
    only_scheme: str = ""
    counts: bool = True
    has_twins: bool = False
    mixes_sentinels: bool = False
    over_ipv4: str = ""

    def can_see(self, item: Item) -> bool:
        """Whether the layer that an item is about is one that the probe sees."""
        return item.applies_to in self.sees

    def can_try(self, item: Item) -> bool:
        """Whether the item has a value, is of a kind that the probe tries, and of its scheme."""
        is_its_scheme = not self.only_scheme or item.scheme in ("", self.only_scheme)
        return bool(item.value) and item.kind in self.kinds and is_its_scheme


Declarations = Mapping[str, ProbeDeclaration]
"""What each probe of a campaign declares, by its name."""

_NAMES = ProbeDeclaration(needs="ask", facts="dns", sees=NAME_LAYERS)
OTHER = ProbeDeclaration(needs="fetch", facts="web")
"""The declaration assumed for a probe that a journal does not declare."""

EARLIER: Declarations = {
    "dns": msgspec.structs.replace(_NAMES, has_twins=True),
    "dns_aaaa": msgspec.structs.replace(_NAMES, over_ipv4="dns"),
    "dns_queries": _NAMES,
    "dns_https": msgspec.structs.replace(_NAMES, sees=ALL_LAYERS, counts=False),
    "web": msgspec.structs.replace(OTHER, has_twins=True),
    "web_https": msgspec.structs.replace(OTHER, has_twins=True),
}
"""Declarations of probes in journals from before declarations were recorded."""


def declared(probes: Declarations, name: str) -> ProbeDeclaration:
    """Return the declaration of a probe, also for journals that do not record it."""
    return probes.get(name) or EARLIER.get(name, OTHER)
