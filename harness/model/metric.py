"""A metric is a number with everything needed to doubt it."""

from __future__ import annotations

from dataclasses import dataclass, field

NOT_IMPLEMENTED = "not implemented"
"""The method of a metric that a scheme names and this version cannot take yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A measured quantity of one requirement, profile and line.

    ``value`` is ``None`` when nothing was counted: a rate with n = 0 is not 0.
    For rates ``k`` of ``n`` items counted; ``indeterminate`` items are outside ``n`` and
    are taken as worst case on either side when ``lower`` and ``upper`` are formed.
    ``lower`` and ``upper`` are one-sided bounds at level ``alpha`` each.
    ``left_out`` counts items excluded symmetrically (dead on the control), by reason.
    ``frame`` is how many entries the whole list has, where it is finite and known: a census
    that tried fewer is none.
    """

    name: str
    unit: str
    value: float | None
    k: int
    n: int
    indeterminate: int
    lower: float | None
    upper: float | None
    method: str
    alpha: float
    witnesses: tuple[str, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    mechanisms: dict[str, int] = field(default_factory=dict)
    frame: int | None = None
