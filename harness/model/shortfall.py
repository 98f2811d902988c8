"""A shortfall is what keeps bounds from deciding: too few domains, doubt, clusters, or numbers.

Told in words for people who never heard of a bound, and with what would help.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from harness.model.metric import Metric, Span
from harness.model.scheme import Threshold
from harness.model.smallest_sample import RATES, smallest_for_threshold

FUTILE = 100
"""More than this times the items tried is no practical number."""

Holds = Callable[[Threshold, Span], bool]


def shortfall(metric: Metric, threshold: Threshold, *, is_passing: bool) -> str:
    """Why the bounds settle nothing, though the observed rate leans one way.

    Names the first of these that would settle it by itself if it were otherwise: the number of
    domains with which anything can conform, the undecided items, the domains that pages share.
    Else the number.
    """
    if is_passing and (told := _too_few(metric, threshold)):
        return told
    settles: Holds = reached if is_passing else missed
    if metric.decided is not None and settles(threshold, metric.decided):
        items = f"{metric.indeterminate} undecided items leave it open"
        return f"{items}: without them the bounds would settle it ({_ends(metric, metric.decided)})"
    if metric.alone is not None and settles(threshold, metric.alone):
        return (
            f"pages of one domain are no independent items: {metric.counted} domains leave it "
            f"open, where as many items alone would settle it ({_ends(metric, metric.alone)})"
        )
    return _straddle(metric, threshold)


def outweighed(metric: Metric, threshold: Threshold) -> str:
    """That large domains fare worse than the others; empty if the pooled rate holds as well."""
    if metric.pooled is None or reached(threshold, metric.pooled):
        return ""
    low, high = metric.pooled
    is_low = threshold.at_least is not None and low is not None and low < threshold.at_least
    rate = shown(low if is_low else high, metric.unit)
    mark = shown(threshold.at_least if is_low else threshold.at_most, metric.unit)
    doubt = " (undecided ones against it)" if metric.indeterminate else ""
    return f"large domains fare worse: all items pooled{doubt} come to {rate}, the mark is {mark}"


def reached(threshold: Threshold, span: Span) -> bool:
    """Whether both ends of a span meet the threshold."""
    low, high = span
    enough = threshold.at_least is None or (low is not None and low >= threshold.at_least)
    return enough and (
        threshold.at_most is None or (high is not None and high <= threshold.at_most)
    )


def missed(threshold: Threshold, span: Span) -> bool:
    """Whether a span lies wholly beyond the threshold."""
    low, high = span
    below = threshold.at_least is not None and high is not None and high < threshold.at_least
    above = threshold.at_most is not None and low is not None and low > threshold.at_most
    return below or above


def marked(threshold: Threshold, unit: str) -> str:
    """The threshold in words."""
    marks = []
    if threshold.at_least is not None:
        marks.append(f"at least {shown(threshold.at_least, unit)}")
    if threshold.at_most is not None:
        marks.append(f"at most {shown(threshold.at_most, unit)}")
    return " and ".join(marks)


def shown(number: float | None, unit: str) -> str:
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
    if metric.name not in RATES:
        return ""
    needed = smallest_for_threshold(threshold, metric.alpha)
    if needed is None or metric.counted >= needed:
        return ""
    what = "items" if metric.spread is None else "domains"
    mark = marked(threshold, metric.unit)
    return (
        f"too few {what}: {metric.counted} counted, and fewer than {needed} cannot show {mark} "
        f"at alpha {metric.alpha:g}"
    )


def _straddle(metric: Metric, threshold: Threshold) -> str:
    value = _value(metric)
    marks = [each for each in (threshold.at_least, threshold.at_most) if each is not None]
    mark = min(marks, key=lambda each: abs(each - (value or 0.0)))
    observed, limit = shown(value, metric.unit), shown(mark, metric.unit)
    what = f"{metric.counted} {'items' if metric.spread is None else 'domains'}"
    near = f"{what} are too few to tell {observed} from the mark of {limit} for certain"
    needed = _needed(metric, mark)
    if needed is None:
        return f"{near}; more are needed"
    if needed > FUTILE * metric.counted:
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
        return FUTILE * number + 1
    needed = max(number + 1, math.ceil(number * ((value - facing) / gap) ** 2))
    step = int(10 ** max(0, len(str(needed)) - 2))
    return -(-needed // step) * step


def _value(metric: Metric) -> float | None:
    """The observed rate, of domains where these count."""
    return metric.value if metric.spread is None else metric.spread.rate


def _ends(metric: Metric, span: Span) -> str:
    return f"{shown(span.lower, metric.unit)} to {shown(span.upper, metric.unit)}"
