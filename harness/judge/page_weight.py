"""Weigh what a page says: its signs and its statement, by place and length, less its talk.

All weights are on the scale of ``signatures.ENOUGH_ALONE`` and ``signatures.ENOUGH_BESIDE``.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

from harness.judge.statements import Statement

SHARES = ((1300, 1.0), (2600, 0.7), (5000, 0.4))
"""Share of a weight that counts, by the characters of the text: articles are long."""
LEAST_SHARE = 0.2
FIRST, FIRST_SHARE, STATED_SHARE = 200, 0.5, 0.9
"""A notice laid over a long page stands within so many characters; what a sign, and what a
statement, count for there."""
MOST_SAID = 5.0
"""Most that signs in title and opening weigh together, however often a page says it."""
LEAST_SIGNS, LEAST_STATEMENT, MOST_UNSAID = 2.0, 2.5, 2.0
"""From which weights a page says that it is stopped, and what its words weigh at most if not."""
TALK_FIRST, TALK, MOST_TALK = 0.5, 2.0, 2.0
"""Weight taken off for the first and for each further mark of a text that blocks nothing, and
the most taken off where the title speaks to the reader: portals put their menus around it."""
WHOLE_WEIGHT = frozenset({"address", "header", "bare"})
"""Places whose signs count whole, however long the text is."""


def length_share(length: int) -> float:
    """The share of a weight that counts in a text of ``length`` characters, 0 to 1."""
    return next((share for most, share in SHARES if length <= most), LEAST_SHARE)


def sign_share(place: str, share: float, start: int) -> float:
    """How much of a sign counts, 0 to 1: less in a long text, unless it stands at the start.

    ``start`` counts characters from the end of the title.
    """
    if place in WHOLE_WEIGHT:
        return 1.0
    return max(share, FIRST_SHARE) if place != "text" and start <= FIRST else share


def word_weight(weighed: Mapping[str, float], stated: Statement, share: float, start: int) -> float:
    """What the words of a page weigh: enough to stand alone only if they say that it is stopped.

    ``weighed`` has the weight of the signs by place. Of the signs of title and opening and the
    statement the stronger counts, for they say the same.
    """
    signs = weighed["title"] + weighed["opening"]
    statement = stated.weight * (STATED_SHARE if start <= FIRST and share < 1 else sqrt(share))
    weight = max(min(signs + weighed["grounds"], MOST_SAID), statement) + weighed["text"]
    says_so = signs >= LEAST_SIGNS or (stated.speaks and statement >= LEAST_STATEMENT)
    return weight if says_so else min(weight, MOST_UNSAID)


def talk_weight(marks: int, stated: Statement) -> float:
    """The weight to take off for so many different marks of talk."""
    talked = TALK_FIRST + TALK * (marks - 1) if marks else 0.0
    return min(talked, MOST_TALK) if stated.leads else talked
