"""A family is what is claimed together: accusing any of many needs a correction.

A service that just meets each of thirteen requirements is accused of something in half of all
campaigns, if each is tested at 5 % by itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accusation:
    """How sure it is that a row is not met, among ``rows`` that are looked at together.

    ``p_value`` is corrected for their number; it is held against ``alpha``, the row's level.
    """

    rows: int
    p_value: float
    alpha: float

    @property
    def stands(self) -> bool:
        """Whether the row may be accused."""
        return self.p_value <= self.alpha * (1 + 1e-12)  # a rounding error accuses nobody less

    @property
    def told(self) -> str:
        """The test, in words."""
        return f"Holm over {self.rows} rows, adjusted p {self.p_value:.2g}"


def accusations(family: Mapping[Name, tuple[float, float]]) -> dict[Name, Accusation]:
    """Each row of a family (its p-value and its level), corrected over all of them by Holm.

    Where levels differ, p-values are taken relative to them, so that the strictest row needs as
    much more certainty as its own level asks. At the loosest level all hold together.
    """
    loosest = max((alpha for _, alpha in family.values()), default=1.0)
    adjusted = holm({name: p_value / alpha * loosest for name, (p_value, alpha) in family.items()})
    return {
        name: Accusation(rows=len(family), p_value=adjusted[name] / loosest * alpha, alpha=alpha)
        for name, (_, alpha) in family.items()
    }


def holm(p_values: Mapping[Name, float]) -> dict[Name, float]:
    """Adjusted p-values: each at most alpha means its claim stands, family-wise.

    Holm, Scandinavian J. Statistics 6 (1979) 65-70.
    """
    ordered = sorted(p_values.items(), key=lambda named: named[1])
    adjusted: dict[Name, float] = {}
    largest = 0.0
    for rank, (name, p_value) in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - rank) * p_value))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}
