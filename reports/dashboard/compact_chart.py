"""A chart of many figures in few elements: lines, dots of each state, and stretches of states.

All of them stand in the plot, which is 1000 wide and stretches with the page; strokes keep their
width. So a chart of 120 figures is no larger than one of twelve.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from reports.site.trend_chart import Frame, Mark, Span, TrendChart

WIDE = 10
"""Units of the plot for one per cent of the width."""


class Dots(NamedTuple):
    """The figures of one state, as a path of points."""

    state: str
    path: str


class CompactChart(NamedTuple):
    """The marks of a chart: points of lines, dots by state, and the states below the axis."""

    chart: TrendChart
    lines: tuple[str, ...]
    dots: tuple[Dots, ...]
    rug: tuple[Span, ...]


def compact(chart: TrendChart, states: Sequence[Span], frame: Frame) -> CompactChart:
    """A chart with its marks joined."""
    return CompactChart(
        chart=chart,
        lines=tuple(_lines(chart.lines, frame)),
        dots=tuple(_dots(chart.marks, frame)),
        rug=tuple(_joined(states)),
    )


def _lines(pairs: Iterable[tuple[Mark, Mark]], frame: Frame) -> Iterator[str]:
    """The points of each line, from pairs of neighbours."""
    run: list[Mark] = []
    for one, other in pairs:
        if run and run[-1] != one:
            yield " ".join(_point(mark, frame) for mark in run)
            run = []
        run = [*run, other] if run else [one, other]
    if run:
        yield " ".join(_point(mark, frame) for mark in run)


def _dots(marks: Sequence[Mark], frame: Frame) -> Iterator[Dots]:
    states = dict.fromkeys(mark.state for mark in marks)
    for state in states:
        of_state = (mark for mark in marks if mark.state == state)
        yield Dots(state, "".join(f"M{_point(mark, frame)}h.01" for mark in of_state))


def _point(mark: Mark, frame: Frame) -> str:
    return f"{mark.x * WIDE:.0f},{mark.y - frame.top:.1f}"


def _joined(states: Sequence[Span]) -> Iterator[Span]:
    """Neighbouring spans of one state as one."""
    for state, group in groupby(states, key=lambda span: span.state):
        spans = list(group)
        width = spans[-1].x + spans[-1].width - spans[0].x
        yield Span(spans[0].x, round(width, 2), state)
