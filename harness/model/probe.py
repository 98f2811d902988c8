"""A probe declares what it needs, which facts it leaves, what it can see and whether it counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from harness.model.corpus import NAMED, Item, Layer

Need = Literal["fetch", "ask", "dial", "datagrams"]
"""What a probe needs of a line: a method of that name."""

ALL_LAYERS: frozenset[Layer] = frozenset(("any", "dns", "sni", "url", "content"))
NAME_LAYERS: frozenset[Layer] = frozenset(("any", "dns"))
"""What a name server can see: no path, and nothing of a page."""


class ProbeDeclaration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stages know of a probe; they read it instead of the probe's name.

    ``needs`` is what it needs of a line; ``facts`` the tag of the facts that it leaves, by whose
    rules it is judged. ``sees`` are the layers of items that it can see, ``kinds`` the kinds of
    items that it can try; ``only_scheme`` is the scheme of URLs that are its to try, empty for any.
    Without ``counts`` its verdicts are recorded, and count neither for nor against anybody.
    ``has_twins``: plain twins are tried by it too.
    """

    needs: Need
    facts: str
    sees: frozenset[Layer] = ALL_LAYERS
    kinds: frozenset[str] = NAMED
    only_scheme: str = ""
    counts: bool = True
    has_twins: bool = False

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
"""What is taken to hold for a probe of a journal that does not say what its probes declared."""

EARLIER: Declarations = {
    "dns": msgspec.structs.replace(_NAMES, has_twins=True),
    "dns_aaaa": _NAMES,
    "dns_https": msgspec.structs.replace(_NAMES, sees=ALL_LAYERS, counts=False),
    "web": msgspec.structs.replace(OTHER, has_twins=True),
    "web_https": msgspec.structs.replace(OTHER, has_twins=True),
}
"""What probes declared before journals said so: for journals of that time."""


def declared(probes: Declarations, name: str) -> ProbeDeclaration:
    """Return what a probe declared, in a journal of any time."""
    return probes.get(name) or EARLIER.get(name, OTHER)
