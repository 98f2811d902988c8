"""Limits of a trend's control chart: between which figures a requirement is expected.

They say whether a service is as it was, not whether it conforms
(``harness.estimate.control_charts``). They begin anew where the instrument changed, and need 20
figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.estimate.control_charts import Limits, Worse, chart
from reports.phrases import Direction
from reports.site.trend_facts import TrendPoint

WORSE: dict[Direction, Worse] = {"at_least": "lower", "at_most": "higher"}


def control_limits(points: Iterable[TrendPoint], direction: Direction) -> tuple[Limits | None, ...]:
    """The limits of each point, in the metric's unit; ``None`` where there are none."""
    worse = WORSE.get(direction)
    found: list[Limits | None] = []
    for part in _parts(points):
        charted = [point.charted for point in part]
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
