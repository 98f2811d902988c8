"""Several categories at once: granting asks all of them, accusing any needs a correction."""

from __future__ import annotations

from collections.abc import Mapping

from scipy import special


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values: each at most alpha means its claim stands, family-wise.

    Holm, Scandinavian J. Statistics 6 (1979) 65-70.
    """
    ordered = sorted(p_values.items(), key=lambda named: named[1])
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, (name, p_value) in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - rank) * p_value))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


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
