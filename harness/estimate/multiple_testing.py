"""Several categories at once: granting asks all of them, accusing any needs a correction."""

from __future__ import annotations

from collections.abc import Mapping

from scipy import special

from harness.model.family import holm

__all__ = ["failing", "holm"]


def failing(
    counts: Mapping[str, tuple[int, int]], threshold: float, alpha: float = 0.05
) -> tuple[str, ...]:
    """The categories whose rate is below ``threshold`` for certain, family-wise at alpha.

    ``counts`` are (blocked, tried); p = P[X <= blocked] at the threshold, then Holm.
    """
    p_values = {
        name: float(special.bdtr(blocked, tried, threshold))
        for name, (blocked, tried) in counts.items()
        if tried > 0
    }
    return tuple(name for name, p_value in holm(p_values).items() if p_value <= alpha)
