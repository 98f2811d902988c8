"""A stop is the fact that a campaign tried some categories no further, as it had declared."""

from __future__ import annotations

import msgspec


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Where one plan of a campaign's ``stopping`` came to rest for one profile.

    ``plan`` counts from 1. ``after`` is, by line, how many items its test had counted when it was
    decided; ``settled`` is the last batch that the decision rests on. Batches from ``batch`` on
    were planned without ``untried`` items of the plan's ``categories``, which saved ``attempts``.
    A stop holds no verdict: what the items show is concluded from their observations.
    """

    plan: int
    categories: tuple[str, ...]
    profile: str
    after: dict[str, int]
    settled: int
    batch: int
    untried: int
    attempts: int
