"""Limits of a trend's control chart: between which figures a requirement is expected.

They say whether a service is as it was, not whether it conforms
(``harness.estimate.control_charts``). They begin anew where the instrument changed, and need 20
figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.estimate.control_charts import ChartPoint, Limits, Worse, chart
from harness.estimate.surveillance_evidence import reading_of
from harness.model.outcome import is_void
from reports.phrases import Direction
from reports.site.trend_facts import TrendPoint

WORSE: dict[Direction, Worse] = {"at_least": "lower", "at_most": "higher"}


def control_limits(points: Iterable[TrendPoint], direction: Direction) -> tuple[Limits | None, ...]:
    """The limits of each point, in the metric's unit; ``None`` where there are none."""
    worse = WORSE.get(direction)
    found: list[Limits | None] = []
    for part in _parts(points):
        charted = [_charted(point) for point in part]
        found += chart(charted, worse=worse).limits if worse else [None] * len(part)
    return tuple(found)


def _parts(points: Iterable[TrendPoint]) -> Sequence[list[TrendPoint]]:
    """The points between changes of the instrument."""
    parts: list[list[TrendPoint]] = []
    for point in points:
        if not parts or point.is_new:
            parts.append([])
        parts[-1].append(point)
    return parts


def _charted(point: TrendPoint) -> ChartPoint:
    """The figure as surveillance has it: nothing counts where a failed precondition voids it."""
    outcome, assessment = point.outcome, point.campaign.assessment
    if outcome is None or assessment is None or not outcome.metric.tried:
        return ChartPoint(value=None)
    is_nothing = is_void(assessment.preconditions, outcome.line, outcome.profile)
    reading = reading_of(outcome, is_void=is_nothing)
    tested = sum(part.tested for part in reading.parts)
    return ChartPoint(value=reading.value, tested=tested or None)
