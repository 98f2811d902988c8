"""Coverage: whether every part that a requirement names has enough decided items.

Items of different kinds answer different questions (see ``harness.model.corpus.PackKind``), and a
category may be open although the others make up for it. So each kind, each named category and
each frame is a part of its own, and a favourable outcome needs enough of every one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from harness.model.metric import Metric
from harness.model.outcome import Measurement
from harness.model.scheme import Requirement, Threshold


def shortfalls(requirement: Requirement, metric: Metric) -> tuple[str, ...]:
    """Which parts have too few decided items for a favourable outcome, in words.

    Each needs the requirement's own minimum, and as many as can decide at its level at all.
    """
    told: list[str] = []
    for part in metric.parts:
        needed = fewest(requirement, part.metric.alpha)
        if part.metric.n >= needed:
            continue
        if not part.metric.tried:
            told.append(f"{part.name}: not tried")
        else:
            told.append(f"{part.name}: {part.metric.n} counted, at least {needed} are needed")
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

    The latter is ln(alpha) / ln(T), at which a service without a fault reaches the threshold.
    """
    can_decide = 1
    if requirement.threshold is not None and requirement.rule in {"guarded", "sequential"}:
        can_decide = _fewest_of(requirement.threshold, alpha)
    return max(1, requirement.n_min, can_decide)


def _fewest_of(threshold: Threshold, alpha: float) -> int:
    marks = [threshold.at_least] if threshold.at_least is not None else []
    marks += [1 - threshold.at_most] if threshold.at_most is not None else []
    rates = [mark for mark in marks if 0 < mark < 1]
    return max((math.ceil(math.log(alpha) / math.log(rate) - 1e-9) for rate in rates), default=1)
