"""A metric of several groups, each of which must hold by itself: the worst of them stands.

Pooling would hide a group that is open. A pass needs every group at level alpha
(intersection-union; Berger, Technometrics 24 (1982) 295-300); a fail needs one group at alpha /
number of groups that were tried (Bonferroni), and its p-value is corrected in the same way. The
metric has the counts of the worst group: one that surely misses its limit, else the one with the
worst value or, where every value meets the limit, with the worst bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.estimate.item_selection import AGREED, Selection
from harness.model.coverage import (
    format_value,
    items_needed,
    meets_threshold,
    misses_threshold,
)
from harness.model.metric import Metric, Part, Source, Span
from harness.model.metric_spec import spec_of
from harness.model.scheme import Threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One of the groups: ``measure`` gives its metric, with bounds at the selection's level.

    ``label`` names its part, ``words`` the group in the metric's method. ``limit`` is its own upper
    limit in the unit of its metric, if it has one; its figures then count in proportion to that of
    the requirement. Conformity rests on it if it ``is_basis``; others must hold as well if they are
    large enough.
    """

    label: str
    measure: Callable[[Selection], Metric]
    words: str = ""
    source: Source = AGREED
    is_basis: bool = True
    of_items: bool = True
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """A group with its metric at level alpha (``own``) and at alpha / number of groups."""

    group: Group
    own: Metric
    strict: Metric
    scale: float

    @property
    def metric(self) -> Metric:
        """The metric in the unit of the requirement's threshold."""
        return _in_proportion(self.own, self.scale)

    @property
    def span_to_fail(self) -> Span:
        """The bounds that a fail needs, in the unit of the requirement's threshold."""
        return Span(_times(self.strict.lower, self.scale), _times(self.strict.upper, self.scale))

    def part(self, *, is_bad: bool) -> Part:
        """The part: its bound for a pass at alpha, that for a fail by Bonferroni."""
        own, strict, group = self.own, self.strict, self.group
        return Part(
            group=group.label,
            source=group.source,
            metric=replace(own, lower=strict.lower) if is_bad else replace(own, upper=strict.upper),
            is_basis=group.is_basis,
            of_items=group.of_items,
        )


def worst_of_groups(
    selection: Selection, groups: Sequence[Group], *, is_bad: bool | None = None
) -> Metric:
    """Return the metric of the worst group; each group is a part, whether it was tried or not.

    With ``is_bad`` the highest number is the worst, by default where the threshold is no lower
    limit. Raises ValueError without groups.
    """
    threshold = selection.requirement.threshold
    if is_bad is None:
        is_bad = threshold is None or threshold.at_least is None
    measured = _measured(selection, groups)
    parts = tuple(one.part(is_bad=is_bad) for one in measured)
    tried = [one for one in measured if one.own.tried]
    if not tried:
        return replace(measured[0].own, name=selection.measure.metric, parts=parts)
    metrics = [one.metric for one in tried]
    is_met = threshold is not None and all(
        meets_threshold(threshold, Span(one.value, one.value)) for one in metrics
    )

    def key(one: _Measured) -> tuple[bool, float]:
        is_missed = threshold is not None and misses_threshold(threshold, one.span_to_fail)
        return is_missed, _badness(one.metric, is_bad=is_bad, by_bound=is_met)

    worst = max(tried, key=key)
    lower, upper = _bounds(selection, measured, is_bad=is_bad)
    has_rates = spec_of(selection.measure.metric).is_rate or any(one.decided for one in metrics)
    rates = metrics if has_rates else []
    return replace(
        worst.metric,
        name=selection.measure.metric,
        lower=lower,
        upper=upper,
        method=_method(worst, len(tried)),
        parts=parts,
        pooled=_outer([one.pooled for one in metrics if one.pooled]),
        p_value=bonferroni([one.p_value for one in metrics]),
        decided=_outer([one.decided or Span(one.lower, one.upper) for one in rates]),
        alone=_outer([one.alone or Span(one.lower, one.upper) for one in rates]),
    )


def _measured(selection: Selection, groups: Sequence[Group]) -> list[_Measured]:
    own = [one.measure(selection) for one in groups]
    number = sum(bool(one.tried) for one in own)
    stricter = replace(selection, alpha=selection.alpha / max(1, number))
    return [
        _Measured(
            group=group,
            own=metric,
            strict=group.measure(stricter) if number > 1 else metric,
            scale=_scale(selection.requirement.threshold, group.limit),
        )
        for group, metric in zip(groups, own, strict=True)
    ]


def _scale(threshold: Threshold | None, limit: float | None) -> float:
    """What turns a number of a group with its own limit into one of the requirement."""
    if threshold is None or threshold.at_most is None or limit is None:
        return 1.0
    return threshold.at_most / limit


def _times(number: float | None, scale: float) -> float | None:
    return number if number is None or scale == 1 else number * scale


def _in_proportion(metric: Metric, scale: float) -> Metric:
    """Return a metric in proportion to another limit: its value and bounds times ``scale``."""
    if scale == 1:
        return metric
    return replace(
        metric,
        value=_times(metric.value, scale),
        lower=_times(metric.lower, scale),
        upper=_times(metric.upper, scale),
    )


def _method(worst: _Measured, number: int) -> str:
    method = worst.own.method
    if number > 1:
        words = worst.group.words or worst.group.label
        method = f"worst of {number} groups: {words}; {method}; fails by Bonferroni"
    if worst.scale != 1:
        limit = format_value(worst.group.limit, worst.own.unit)
        method += f"; in proportion to its own limit of {limit}"
    return method


def _is_deciding(selection: Selection, one: _Measured) -> bool:
    """Whether a pass needs the bound of a group: the basis, and others that are large enough.

    A few known items beside the hidden ones can make an outcome fail, but they are too few to
    prove conformity, so they must not make the outcome undecidable.
    """
    needed = items_needed(selection.requirement, selection.alpha)
    return one.group.is_basis or one.own.counted >= needed


def _bounds(
    selection: Selection, measured: Sequence[_Measured], *, is_bad: bool
) -> tuple[float | None, float | None]:
    """Return (lower, upper): the pass side is ``None`` if any is; the fail side by Bonferroni."""
    deciding = [one.metric for one in measured if _is_deciding(selection, one)]
    strict = [one.span_to_fail for one in measured]
    if is_bad:
        uppers = [one.upper for one in deciding]
        lowers = [one.lower for one in strict if one.lower is not None]
        known = [upper for upper in uppers if upper is not None]
        return max(lowers, default=None), (max(known) if len(known) == len(uppers) else None)
    floors = [one.lower for one in deciding]
    ceilings = [one.upper for one in strict if one.upper is not None]
    known = [lower for lower in floors if lower is not None]
    return (min(known) if len(known) == len(floors) else None), min(ceilings, default=None)


def bonferroni(p_values: Sequence[float | None]) -> float | None:
    """Return the p-value of "some group misses the threshold"; ``None`` if none has one."""
    known = [p_value for p_value in p_values if p_value is not None]
    return min(1.0, len(p_values) * min(known)) if known else None


def _outer(spans: Sequence[Span]) -> Span | None:
    """Return the lowest lower and highest upper end; ``None`` where any is."""
    if not spans:
        return None
    lowers = [span.lower for span in spans if span.lower is not None]
    uppers = [span.upper for span in spans if span.upper is not None]
    return Span(
        min(lowers) if len(lowers) == len(spans) else None,
        max(uppers) if len(uppers) == len(spans) else None,
    )


def _badness(metric: Metric, *, is_bad: bool, by_bound: bool) -> float:
    """Sort key: larger is worse; what has no end is worst, and what was not decided comes last."""
    facing = metric.upper if is_bad else metric.lower
    number = facing if by_bound else metric.value
    if not metric.n:
        return -math.inf
    if number is None:
        return math.inf
    return number if is_bad else -number
