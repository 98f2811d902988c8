"""Host names that tell a filter what an item is, so that it need not look.

Of an agreed list the supplier knows every name anyway. Hidden items are worth something only as
long as nothing about them says what they are for.
"""

from __future__ import annotations

import re
from functools import cache

from corpora.taxonomy import shipped

ROLES = frozenset(
    {"canary", "sentinel", "twin", "block", "blocked", "allow", "allowed", "special", "filter"}
)
"""Labels that tell what the test is up to."""

SHORTEST, LONG = 3, 5
"""Letters of the shortest word that tells, and of one that is looked for inside others too."""

NEUTRAL = frozenset({"site", "sites", "page", "pages", "online", "services", "other"})
"""Words of category names that tell nothing by themselves."""

_LETTERS = re.compile(r"[a-z]+")


def telling_word(host: str, zone: str) -> str:
    """The word in a host name of ``zone`` that tells of a category or role, or nothing.

    Names outside the zone are what they are.
    """
    name = host.lower().rstrip(".")
    if name != zone and not name.endswith("." + zone):
        return ""
    parts: list[str] = _LETTERS.findall(name.removesuffix(zone))
    words = _words()
    for part in parts:
        if part in words:
            return part
    joined = "".join(parts)
    return next((word for word in sorted(words) if len(word) >= LONG and word in joined), "")


@cache
def _words() -> frozenset[str]:
    """The parts of all codes, and the words of all categories' names."""
    codes = {part for each in shipped() for part in _LETTERS.findall(each.code.lower())}
    names = {word for each in shipped() for word in _LETTERS.findall(each.name.lower())}
    told = {word for word in codes | names if len(word) >= SHORTEST}
    return frozenset((told - NEUTRAL) | ROLES)
