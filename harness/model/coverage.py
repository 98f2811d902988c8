"""Coverage: whether every part that a requirement names has enough decided items.

Items of different kinds answer different questions (see ``harness.model.corpus.PackKind``), and a
category may be open although the others make up for it. So each kind, each named category and
each frame is a part of its own, and a favourable outcome needs enough of every one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from harness.model.metric import Metric, Part, Span
from harness.model.metric_spec import spec_of
from harness.model.outcome import Measurement
from harness.model.scheme import Requirement, Threshold
from harness.model.smallest_sample import smallest_for_threshold, smallest_sample

IMPRACTICAL_FACTOR = 100
"""More than this times the items tried is no practical number."""

Settles = Callable[[Threshold, Span], bool]


def shortfall(metric: Metric, threshold: Threshold, *, is_passing: bool) -> str:
    """Why the bounds settle nothing, though the observed rate leans one way.

    Names the first of these that would settle it by itself if it were otherwise: the number of
    domains with which anything can conform, the undecided items, the domains that pages share.
    Else the number.
    """
    if is_passing and (told := _too_few(metric, threshold)):
        return told
    settles: Settles = meets_threshold if is_passing else misses_threshold
    if metric.decided is not None and settles(threshold, metric.decided):
        items = f"{metric.indeterminate} undecided items leave it open"
        return f"{items}: without them the bounds would settle it ({_ends(metric, metric.decided)})"
    if metric.alone is not None and settles(threshold, metric.alone):
        return (
            f"pages of one domain are no independent items: {metric.counted} domains leave it "
            f"open, where as many items alone would settle it ({_ends(metric, metric.alone)})"
        )
    return _straddle(metric, threshold)


def pooled_shortfall(metric: Metric, threshold: Threshold) -> str:
    """That large domains fare worse than the others; empty if the pooled rate holds as well."""
    if metric.pooled is None or meets_threshold(threshold, metric.pooled):
        return ""
    low, high = metric.pooled
    is_low = threshold.at_least is not None and low is not None and low < threshold.at_least
    rate = format_value(low if is_low else high, metric.unit)
    mark = format_value(threshold.at_least if is_low else threshold.at_most, metric.unit)
    doubt = " (undecided ones against it)" if metric.indeterminate else ""
    return f"large domains fare worse: all items pooled{doubt} come to {rate}, the mark is {mark}"


def meets_threshold(threshold: Threshold, span: Span) -> bool:
    """Whether both ends of a span meet the threshold."""
    low, high = span
    enough = threshold.at_least is None or (low is not None and low >= threshold.at_least)
    return enough and (
        threshold.at_most is None or (high is not None and high <= threshold.at_most)
    )


def misses_threshold(threshold: Threshold, span: Span) -> bool:
    """Whether a span lies wholly beyond the threshold."""
    low, high = span
    below = threshold.at_least is not None and high is not None and high < threshold.at_least
    above = threshold.at_most is not None and low is not None and low > threshold.at_most
    return below or above


def format_threshold(threshold: Threshold, unit: str) -> str:
    """The threshold in words."""
    marks = []
    if threshold.at_least is not None:
        marks.append(f"at least {format_value(threshold.at_least, unit)}")
    if threshold.at_most is not None:
        marks.append(f"at most {format_value(threshold.at_most, unit)}")
    return " and ".join(marks)


def format_value(number: float | None, unit: str) -> str:
    """A number as people read it: shares in per cent, seconds in milliseconds."""
    if number is None:
        return "unbounded"
    if unit == "share":
        return f"{number * 100:.4g} %"
    if unit == "s":
        return f"{number * 1000:.4g} ms"
    return f"{number:g} {'' if unit == 'ratio' else unit}".rstrip()


def _too_few(metric: Metric, threshold: Threshold) -> str:
    """That not even a faultless service could conform on so few; empty if one could."""
    if not spec_of(metric.name).is_rate:
        return ""
    needed = smallest_for_threshold(threshold, metric.alpha)
    if needed is None or metric.counted >= needed:
        return ""
    what = "items" if metric.spread is None else "domains"
    mark = format_threshold(threshold, metric.unit)
    return (
        f"too few {what}: {metric.counted} counted, and fewer than {needed} cannot show {mark} "
        f"at alpha {metric.alpha:g}"
    )


def _straddle(metric: Metric, threshold: Threshold) -> str:
    value = _value(metric)
    marks = [each for each in (threshold.at_least, threshold.at_most) if each is not None]
    mark = min(marks, key=lambda each: abs(each - (value or 0.0)))
    observed, limit = format_value(value, metric.unit), format_value(mark, metric.unit)
    what = f"{metric.counted} {'items' if metric.spread is None else 'domains'}"
    near = f"{what} are too few to tell {observed} from the mark of {limit} for certain"
    needed = _needed(metric, mark)
    if needed is None:
        return f"{near}; more are needed"
    if needed > IMPRACTICAL_FACTOR * metric.counted:
        return f"{near}, and no practical number would do"
    return f"{near}; if the rest goes alike, about {needed:,} in all would do"


def _needed(metric: Metric, mark: float) -> int | None:
    """About how many would settle it: a bound's distance shrinks with the root of the number."""
    value, number = _value(metric), metric.counted
    if value is None:
        return None
    facing = metric.lower if value > mark else metric.upper
    if facing is None:
        return None
    gap = abs(value - mark)
    if gap == 0:
        return IMPRACTICAL_FACTOR * number + 1
    needed = max(number + 1, math.ceil(number * ((value - facing) / gap) ** 2))
    step = int(10 ** max(0, len(str(needed)) - 2))
    return -(-needed // step) * step


def _value(metric: Metric) -> float | None:
    """The observed rate, of domains where these count."""
    return metric.value if metric.spread is None else metric.spread.rate


def _ends(metric: Metric, span: Span) -> str:
    return f"{format_value(span.lower, metric.unit)} to {format_value(span.upper, metric.unit)}"


def shortfalls(requirement: Requirement, metric: Metric) -> tuple[str, ...]:
    """Which parts have too few decided items for a favourable outcome, in words.

    Each needs the requirement's own minimum, and as many as can decide at its level at all.
    """
    told: list[str] = []
    for part in metric.parts:
        needed = items_needed(requirement, part.metric.alpha)
        if part.metric.counted >= needed:
            continue
        if not part.is_basis:
            told += _falling_short(requirement, part)
            continue
        if not part.metric.tried:
            told.append(f"{part.name}: not tried")
            continue
        what = "counted" if part.metric.spread is None else "domains counted"
        told.append(f"{part.name}: {part.metric.counted} {what}, at least {needed} are needed")
    return tuple(told)


def _falling_short(requirement: Requirement, part: Part) -> Iterator[str]:
    """Of a part that is too small to decide by itself: that what was observed is too little."""
    threshold, metric = requirement.threshold, part.metric
    if threshold is None or metric.value is None:
        return
    if not meets_threshold(threshold, Span(metric.value, metric.value)):
        yield f"{part.name}: {metric.k} of {metric.n}, which does not reach the mark as observed"


def undecided(metric: Metric, limit: float) -> tuple[str, ...]:
    """Of which parts more than the share ``limit`` could not be decided, in words."""
    told: list[str] = []
    for name, part in named_parts(metric):
        tried = part.n + part.indeterminate
        share = part.indeterminate / tried if tried else 0.0
        if share > limit:
            items = f"{name}{part.indeterminate} items ({share * 100:.3g} %)"
            most = f"no more than {limit * 100:.4g} % may stay so"
            told.append(f"{items} could not be decided; {most}")
    return tuple(told)


def left_out(requirement: Requirement, metric: Metric, limit: float) -> tuple[str, ...]:
    """Of which parts more than the share ``limit`` was left out, and what that could hide.

    Items that are dead on the control too leave a rate; many of them leave it to chance, or to
    whoever kills them, what the rate is about.
    """
    told: list[str] = []
    for name, part in named_parts(metric):
        out = part.left_out.get("down", 0)
        share = out / part.tried if out else 0.0
        if share <= limit:
            continue
        items = f"{name}{out} of {part.tried} items were left out ({share * 100:.3g} %)"
        told.append(f"{items}; no more than {limit * 100:.4g} % may be{_worst(requirement, part)}")
    return tuple(told)


def _worst(requirement: Requirement, part: Metric) -> str:
    """The bound that faces the threshold, had all that was left out gone wrong."""
    threshold = requirement.threshold
    if part.worst is None or threshold is None:
        return ""
    bound = part.worst[0] if threshold.at_least is not None else part.worst[1]
    worst = "; had they all gone wrong, the bound would be"
    return "" if bound is None else f"{worst} {bound * 100:.3g} %"


def census_gaps(metric: Metric) -> tuple[str, ...]:
    """Which entries a census lacks: those that were never tried, and those that were left out."""
    told: list[str] = []
    if metric.frame is not None and metric.tried < metric.frame:
        told.append(f"{metric.tried} of {metric.frame} entries were tried; a census needs them all")
    out = sum(metric.left_out.values())
    if out:
        told.append(f"{out} entries were left out; a census needs them all")
    return tuple(told)


def named_parts(metric: Metric) -> tuple[tuple[str, Metric], ...]:
    """Each part with how sentences about it begin; the metric itself if it has one or none."""
    if len(metric.parts) < 2:  # noqa: PLR2004 - several
        return (("", metric),)
    return tuple((f"{part.name}: ", part.metric) for part in metric.parts)


def known_beside_hidden(
    measurement: Measurement, conforms: Callable[[Metric], bool]
) -> tuple[str, ...]:
    """Known and hidden items of one kind: why hidden ones fall short, or how they differ.

    ``conforms`` says of one part whether it conforms by itself.
    """
    short = [
        part
        for part in measurement.metric.parts
        if part.source.is_hidden and not conforms(part.metric)
    ]
    return tuple(
        one.reason(is_short=any(part.holds(one.group, one.frame) for part in short))
        for one in measurement.foreknowledge
    )


def items_needed(requirement: Requirement, alpha: float) -> int:
    """The fewest decided items of a part: ``n_min``, and what can decide at level ``alpha``.

    Where items of one registrable domain fall together, domains are counted.
    """
    return max(1, requirement.n_min, smallest_sample(requirement, alpha) or 1)
