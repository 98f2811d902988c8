"""An appeal is a claim that an item of a corpus is labelled wrongly, and what was decided.

Corpora are never changed for it: an upheld appeal is laid over every journal that holds the
item whenever it is concluded again. ISO/IEC 17065, 7.13: who decides is not who appealed.
"""

from __future__ import annotations

import msgspec


class Appeal(msgspec.Struct, frozen=True, kw_only=True):
    """One decided appeal. ``before`` are the labels it was against, ``labels`` those it asked for.

    ``pack`` is the name of a corpus; the id of an item is never reused, so versions do not matter.
    """

    pack: str
    item: str
    before: tuple[str, ...]
    labels: tuple[str, ...]
    reason: str
    appellant: str
    upheld: bool
