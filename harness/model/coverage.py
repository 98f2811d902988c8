"""Coverage: whether every part that a requirement names has enough decided items.

Items of different kinds answer different questions (see ``harness.model.corpus.PackKind``), and a
category may be open although the others make up for it. So each kind, each named category and
each frame is a part of its own, and a favourable outcome needs enough of every one.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.model.metric import Metric
from harness.model.outcome import Measurement
from harness.model.scheme import Requirement
from harness.model.smallest_sample import smallest_sample


def shortfalls(requirement: Requirement, metric: Metric) -> tuple[str, ...]:
    """Which parts have too few decided items for a favourable outcome, in words.

    Each needs the requirement's own minimum, and as many as can decide at its level at all.
    """
    told: list[str] = []
    for part in metric.parts:
        needed = fewest(requirement, part.metric.alpha)
        if part.metric.counted >= needed:
            continue
        if not part.metric.tried:
            told.append(f"{part.name}: not tried")
            continue
        what = "counted" if part.metric.spread is None else "domains counted"
        told.append(f"{part.name}: {part.metric.counted} {what}, at least {needed} are needed")
    return tuple(told)


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


def known_beside_hidden(taken: Measurement, conforms: Callable[[Metric], bool]) -> tuple[str, ...]:
    """Known and hidden items of one kind: why hidden ones fall short, or how they differ.

    ``conforms`` says of one part whether it conforms by itself.
    """
    short = [
        part for part in taken.metric.parts if part.source.is_hidden and not conforms(part.metric)
    ]
    return tuple(
        one.reason(is_short=any(part.holds(one.group, one.frame) for part in short))
        for one in taken.foreknowledge
    )


def fewest(requirement: Requirement, alpha: float) -> int:
    """The fewest decided items of a part: ``n_min``, and what can decide at level ``alpha``.

    Where items of one registrable domain fall together, domains are counted.
    """
    return max(1, requirement.n_min, smallest_sample(requirement, alpha) or 1)
