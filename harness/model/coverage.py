"""Reasons in words why a measurement cannot decide: too few items, too many undecided or left out.

Items of different kinds answer different questions (see ``harness.model.corpus.PackKind``), and
pooling could hide an open category. So each kind, each named category and each frame is a part of
its own, and conformity needs enough decided items in every part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from harness.model.metric import Metric, Part, Span
from harness.model.metric_spec import spec_of
from harness.model.order_statistic import binomial_at_most
from harness.model.outcome import Measurement
from harness.model.scheme import Requirement, Threshold
from harness.model.smallest_sample import smallest_for_threshold, smallest_sample

IMPRACTICAL_FACTOR = 100
"""A sample of more than this many times the items tried is not practical."""

DURATIONS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
MILLISECONDS = (0.001, "ms")
"""A duration is shown in the largest unit of which it has at least two."""

Settles = Callable[[Threshold, Span], bool]


def shortfall(metric: Metric, threshold: Threshold, *, is_passing: bool) -> str:
    """Why the bounds decide nothing, although the measured rate is on one side of the limit.

    Names the first of these causes that is enough by itself: too few items or domains to decide
    anything, undecided items, pages that share domains, spells. Otherwise the sample is too small.
    """
    if is_passing and (reason := _too_few(metric, threshold)):
        return reason
    settles: Settles = meets_threshold if is_passing else misses_threshold
    if metric.indeterminate and metric.decided and settles(threshold, metric.decided):
        items = f"{metric.indeterminate} items could not be decided"
        bounds = bounds_in_words(metric.decided, metric.unit)
        return f"{items}; without them the bounds would be clear enough ({bounds})"
    if metric.alone and settles(threshold, metric.alone):
        bounds = bounds_in_words(metric.alone, metric.unit)
        if not metric.spread:
            return (
                f"trials of one bad spell are not independent, and the rarer result comes in "
                f"spells; scattered, it would leave bounds that are clear enough ({bounds})"
            )
        return (
            f"pages of one domain are not independent, so {metric.counted} domains count; with one "
            f"item a domain the bounds would be clear enough ({bounds})"
        )
    return _too_small_sample(metric, threshold)


def pooled_shortfall(metric: Metric, threshold: Threshold) -> str:
    """Return that the rate pooled over items misses the threshold; empty if it does not."""
    if metric.pooled is None or meets_threshold(threshold, metric.pooled):
        return ""
    low, high = metric.pooled
    is_low = threshold.at_least is not None and low is not None and low < threshold.at_least
    rate = format_value(low if is_low else high, metric.unit)
    limit = format_value(threshold.at_least if is_low else threshold.at_most, metric.unit)
    side = "least" if is_low else "most"
    doubt = " (undecided items counted against the service)" if metric.indeterminate else ""
    return (
        f"large domains fare worse: over all items{doubt} the rate is {rate}, and at {side} "
        f"{limit} is required"
    )


def meets_threshold(threshold: Threshold, span: Span) -> bool:
    """Whether both ends of a span meet the threshold."""
    low, high = span
    enough = threshold.at_least is None or (low is not None and low >= threshold.at_least)
    return enough and (
        threshold.at_most is None or (high is not None and high <= threshold.at_most)
    )


def misses_threshold(threshold: Threshold, span: Span) -> bool:
    """Whether the whole span misses the threshold."""
    low, high = span
    below = threshold.at_least is not None and high is not None and high < threshold.at_least
    above = threshold.at_most is not None and low is not None and low > threshold.at_most
    return below or above


def format_threshold(threshold: Threshold, unit: str) -> str:
    """Return the threshold in words."""
    marks = []
    if threshold.at_least is not None:
        marks.append(f"at least {format_value(threshold.at_least, unit)}")
    if threshold.at_most is not None:
        marks.append(f"at most {format_value(threshold.at_most, unit)}")
    return " and ".join(marks)


def format_value(number: float | None, unit: str) -> str:
    """A number as people read it: shares in per cent, grades as letters (A is 1), times by size."""
    if number is None:
        return "no value"
    if unit == "share":
        return f"{number * 100:.4g} %"
    if unit == "s":
        size, name = next((each for each in DURATIONS if number >= 2 * each[0]), MILLISECONDS)
        return f"{number / size:.4g} {name}"
    if unit == "grade":
        return f"grade {chr(ord('A') + round(number) - 1)}"
    return f"{number:g} {'' if unit == 'ratio' else unit}".rstrip()


def bounds_in_words(span: Span, unit: str) -> str:
    """The bounds as "90 % to 97 %"; what is known of them where one or both are missing."""
    low, high = (format_value(end, unit) for end in span)
    if span.lower is None:
        return "no bounds" if span.upper is None else f"{high} or less"
    return f"{low} or more" if span.upper is None else f"{low} to {high}"


def _too_few(metric: Metric, threshold: Threshold) -> str:
    """Return that no service could conform on so few items; empty if one could."""
    if not spec_of(metric.name).is_rate:
        return ""
    needed = smallest_for_threshold(threshold, metric.alpha)
    if needed is None or metric.counted >= needed:
        return ""
    what = "items" if metric.spread is None else "domains"
    mark = format_threshold(threshold, metric.unit)
    return (
        f"too few {what}: {metric.counted} were decided, and at least {needed} are needed to "
        f"show {mark} with {(1 - metric.alpha) * 100:.6g} % confidence"
    )


def _too_small_sample(metric: Metric, threshold: Threshold) -> str:
    value = _value(metric)
    marks = [each for each in (threshold.at_least, threshold.at_most) if each is not None]
    mark = min(marks, key=lambda each: abs(each - (value or 0.0)))
    what = f"{metric.counted} {'items' if metric.spread is None else 'domains'}"
    claim = f"the true {'rate' if metric.unit == 'share' else 'value'} is"
    near = f"{what} are too few to be sure that {claim} {_side(threshold, mark, metric)}"
    needed = _needed(metric, mark)
    if needed is None:
        return f"{near}; more are needed"
    if needed > IMPRACTICAL_FACTOR * metric.counted:
        return f"{near}; no practical number would be enough"
    return f"{near}; about {needed:,} would be enough if the rest behave the same"


def _side(threshold: Threshold, mark: float, metric: Metric) -> str:
    """On which side of a limit the observed value lies: "at least 90 %", "below 90 %"."""
    value, limit = _value(metric), format_value(mark, metric.unit)
    if mark == threshold.at_least:
        return f"{'below' if value is None or value < mark else 'at least'} {limit}"
    return f"{'above' if value is None or value > mark else 'at most'} {limit}"


def _needed(metric: Metric, mark: float) -> int | None:
    """Estimate how many would decide: the bound's distance falls with the root of n."""
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
    """Return the observed rate: of domains, where these are counted."""
    return metric.value if metric.spread is None else metric.spread.rate


def shortfalls(requirement: Requirement, metric: Metric) -> tuple[str, ...]:
    """Return, in words, which parts have too few decided items to conform.

    Each part needs ``items_needed``.
    """
    reasons: list[str] = []
    for part in metric.parts:
        needed = items_needed(requirement, part.metric.alpha)
        if part.metric.counted >= needed:
            continue
        if not part.is_basis:
            reasons += _falling_short(requirement, part)
            continue
        if not part.metric.tried:
            reasons.append(f"{part.name}: not tried")
            continue
        what = "decided" if part.metric.spread is None else "domains decided"
        reasons.append(f"{part.name}: {part.metric.counted} {what}, at least {needed} are needed")
    return tuple(reasons)


def _falling_short(requirement: Requirement, part: Part) -> Iterator[str]:
    """Yield that the observed value of a small part misses the threshold."""
    threshold, metric = requirement.threshold, part.metric
    if threshold is None or metric.value is None:
        return
    if not meets_threshold(threshold, Span(metric.value, metric.value)):
        yield f"{part.name}: {metric.k} of {metric.n}, which does not meet the requirement"


def undecided(metric: Metric, limit: float) -> tuple[str, ...]:
    """Return, in words, parts of which surely more than the share ``limit`` is undecided.

    The bounds count each undecided item against the service already; the limit keeps out what is
    undecided for a reason. A few of a small part may be so by chance: 2 of 60 are 3.3 %. So a part
    is above it if P[X >= undecided] <= alpha for X ~ Bin(tried, limit).
    """
    reasons: list[str] = []
    for name, part in named_parts(metric):
        tried = part.n + part.indeterminate
        share = part.indeterminate / tried if tried else 0.0
        if (
            share > limit
            and 1 - binomial_at_most(part.indeterminate - 1, tried, limit) <= part.alpha
        ):
            items = f"{name}{part.indeterminate} items ({share * 100:.3g} %)"
            most = f"at most {limit * 100:.4g} % may be undecided"
            reasons.append(f"{items} could not be decided; {most}")
    return tuple(reasons)


def left_out(requirement: Requirement, metric: Metric, limit: float) -> tuple[str, ...]:
    """Return, in words, parts of which more than the share ``limit`` was left out.

    Items dead on the control line are left out of a rate. If there are many, the rest may not be
    representative, whether by chance or because somebody took the items down.
    """
    reasons: list[str] = []
    for name, part in named_parts(metric):
        out = part.left_out.get("down", 0)
        share = out / part.tried if out else 0.0
        if share <= limit:
            continue
        items = f"{name}{out} of {part.tried} items were left out ({share * 100:.3g} %)"
        most = f"at most {limit * 100:.4g} % may be left out"
        reasons.append(f"{items}; {most}{_worst(requirement, part)}")
    return tuple(reasons)


def _worst(requirement: Requirement, part: Metric) -> str:
    """Return the bound in words, had all items that were left out gone wrong; or empty."""
    threshold = requirement.threshold
    if part.worst is None or threshold is None:
        return ""
    bound = part.worst[0] if threshold.at_least is not None else part.worst[1]
    worst = "; if all of them had gone wrong, the bound would be"
    return "" if bound is None else f"{worst} {bound * 100:.3g} %"


def census_gaps(metric: Metric) -> tuple[str, ...]:
    """Return, in words, how many entries of a census were not tried or were left out."""
    reasons: list[str] = []
    if metric.frame is not None and metric.tried < metric.frame:
        reasons.append(f"{metric.tried} of {metric.frame} entries were tried; all must be")
    out = sum(metric.left_out.values())
    if out:
        reasons.append(f"{out} entries were left out; all must be tried")
    return tuple(reasons)


def named_parts(metric: Metric) -> tuple[tuple[str, Metric], ...]:
    """Return each part with a prefix for messages; the metric itself if it has fewer than two."""
    if len(metric.parts) < 2:  # noqa: PLR2004 - several
        return (("", metric),)
    return tuple((f"{part.name}: ", part.metric) for part in metric.parts)


def known_beside_hidden(
    measurement: Measurement, conforms: Callable[[Metric], bool]
) -> tuple[str, ...]:
    """Return, in words, how known and hidden items of one kind compare.

    ``conforms`` tells whether one part conforms by itself.
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
    """Return the decided items a part needs: ``n_min``, or what can decide at level ``alpha``.

    For rates by registrable domain, domains are counted.
    """
    return max(1, requirement.n_min, smallest_sample(requirement, alpha) or 1)
