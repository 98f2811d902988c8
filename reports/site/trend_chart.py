"""Where the marks of a trend's chart stand: across in per cent of the width, down in pixels.

So the chart stretches with the page and its text does not. Time runs alike in all charts of a page.
Causes stand above the figures, what followed below. Nothing is drawn through missing data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from harness.follow.newest_figures import LONGEST_GAP
from harness.follow.standing import Suspension
from harness.model.coverage import format_value
from reports.phrases import tight
from reports.requirement_table import Axis, axis_over
from reports.site.trend_causes import Cause
from reports.site.trend_facts import State, Trend, TrendPoint, TrendSeries
from reports.site.trend_limits import control_limits

MARGIN = 8.0
"""Per cent of the width that stay free at both ends."""
ROW = 22
"""Height of a row of letters in pixels."""
PLOT = 130
"""Height of the plot in pixels."""
APART = 6.0
"""Letters that are closer than this (per cent) stand in different rows."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HATCH = 1.6
"""Width of a campaign without data, in per cent."""


class Timeline(NamedTuple):
    """The time axis of a page."""

    first: datetime
    last: datetime

    def place(self, at: datetime) -> float:
        """Where a time lies, in per cent of the width; times outside lie at the ends."""
        whole = (self.last - self.first) / timedelta(seconds=1)
        share = (at - self.first) / timedelta(seconds=1) / whole if whole else 0.5
        inside = min(1.0, max(0.0, share))
        return round(MARGIN + inside * (100 - 2 * MARGIN), 2)


class Mark(NamedTuple):
    """A figure: a disc if it conforms, a square if it does not, a ring if it is not decided."""

    x: float
    y: float
    state: State


class Letter(NamedTuple):
    """The sign of a cause, ``row`` counted from the plot upwards."""

    x: float
    row: int
    sign: str
    breaks: bool


class Span(NamedTuple):
    """Start and width in per cent, and the state that it shows."""

    x: float
    width: float
    state: str


class Level(NamedTuple):
    """A piece of the threshold."""

    x1: float
    x2: float
    y: float


class Whisker(NamedTuple):
    """The bounds of a figure that no line joins to another."""

    x: float
    y1: float
    y2: float


class TrendChart(NamedTuple):
    """All marks of one chart; ``bands`` are points of polygons (x: tenths of a per cent).

    ``lines`` are pairs of points, ``controls`` points of open lines, as ``bands``.
    """

    axis: Axis | None
    marks: tuple[Mark, ...]
    lines: tuple[tuple[Mark, Mark], ...]
    bands: tuple[str, ...]
    whiskers: tuple[Whisker, ...]
    levels: tuple[Level, ...]
    gaps: tuple[Span, ...]
    controls: tuple[str, ...]
    says: str


class Frame(NamedTuple):
    """What all charts of a page share."""

    timeline: Timeline
    letters: tuple[Letter, ...]
    rows: int
    suspended: tuple[Span, ...]
    ticks: tuple[tuple[float, str, str], ...]

    @property
    def top(self) -> int:
        """The upper edge of the plot in pixels."""
        return self.rows * ROW + 4

    @property
    def bottom(self) -> int:
        """The lower edge of the plot in pixels."""
        return self.top + PLOT


def frame_of(trend: Trend, now: datetime) -> Frame:
    """The time axis, letters and suspensions of a page."""
    times = [campaign.at for campaign in trend.campaigns]
    return frame_over(times, trend.causes, trend.suspensions, now)


def frame_over(
    times: Sequence[datetime],
    causes: Sequence[Cause],
    suspensions: Iterable[Suspension],
    now: datetime,
) -> Frame:
    """The time axis of figures of these times, with letters and suspensions."""
    timeline = Timeline(min(times), max(*times, *(cause.at for cause in causes), times[0]))
    letters = tuple(_letters(causes, timeline))
    return Frame(
        timeline=timeline,
        letters=letters,
        rows=max((letter.row for letter in letters), default=-1) + 1,
        suspended=tuple(_suspended(suspensions, timeline, now)),
        ticks=tuple(_ticks(timeline)),
    )


def sign_of(number: int) -> str:
    """The sign of a cause: A to Z, then A2 and so on."""
    turn, place = divmod(number, len(LETTERS))
    return f"{LETTERS[place]}{turn + 1 if turn else ''}"


def strip_of(states: Iterable[tuple[datetime, State]], timeline: Timeline) -> tuple[Span, ...]:
    """A span for each campaign, with its state, as wide as campaigns usually are apart.

    Where more time passed between two campaigns nothing is drawn, nor after the last one's time.
    """
    placed = [(timeline.place(at), state) for at, state in states]
    apart = sorted(other - x for (x, _), (other, _) in pairwise(placed))
    usual = min(apart[len(apart) // 2], MARGIN) / 2 if apart else MARGIN / 2
    spans = []
    for number, (x, state) in enumerate(placed):
        before = (x - placed[number - 1][0]) / 2 if number else usual
        after = (placed[number + 1][0] - x) / 2 if number + 1 < len(placed) else usual
        start, end = x - min(before, usual), x + min(after, usual)
        spans.append(Span(round(start, 2), round(max(end - start - 0.3, 0.3), 2), state))
    return tuple(spans)


def chart_of(series: TrendSeries, frame: Frame) -> TrendChart:
    """The chart of a requirement."""
    ends = [end for point in series.points for end in (point.value, point.lower, point.upper)]
    limits = [point.limit for point in series.points]
    axis = axis_over(ends, limits, series.unit, series.direction)
    placed = [_mark(point, axis, frame) for point in series.points]
    lines: list[tuple[Mark, Mark]] = []
    bands: list[str] = []
    whiskers: list[Whisker] = []
    for run in _runs(series.points, placed):
        lines += list(pairwise(mark for _, mark in run))
        if axis is not None and len(run) > 1 and (band := _band(run, axis, frame)):
            bands.append(band)
        if axis is not None and len(run) == 1:
            whiskers += _whiskers(run[0], axis, frame)
    return TrendChart(
        axis=axis,
        marks=tuple(mark for mark in placed if mark is not None),
        lines=tuple(lines),
        bands=tuple(bands),
        whiskers=tuple(whiskers),
        levels=tuple(_levels(series.points, axis, frame)),
        gaps=tuple(_gaps(series.points, frame)),
        controls=tuple(_controls(series, axis, frame)),
        says=sentence_of(series),
    )


def sentence_of(series: TrendSeries) -> str:
    """What a chart shows, in one sentence."""
    shown = [point for point in series.points if point.value is not None]
    missed = sum(point.state == "does-not-conform" for point in series.points)
    site, schedule = series.place
    at = f" at {site}, {schedule}" if site else ""
    where = f"{series.requirement} for {series.profile} on {series.line}{at}"
    if not shown:
        return f"{where}: nothing was decided in {len(series.points)} campaigns"
    said = f"{where}: {shown[0].measured} at first, {shown[-1].measured} at last"
    required = f", required is {shown[-1].required}" if shown[-1].required else ""
    failures = f"; {missed} of {len(series.points)} campaigns do not conform" if missed else ""
    return f"{said}{required}{failures}{_usual(series)}"


def _usual(series: TrendSeries) -> str:
    """Between which figures the control chart expects the last one, in words."""
    limits = control_limits(series.points, series.direction)[-1]
    if limits is None:
        return ""
    low, high = (tight(format_value(value, series.unit)) for value in limits)
    return f"; usual are {low} to {high}"


Placed = tuple[TrendPoint, Mark]


def _mark(point: TrendPoint, axis: Axis | None, frame: Frame) -> Mark | None:
    """Where a point stands; one that nothing was decided of stands on the axis."""
    if point.state == "no-data":
        return None
    x = frame.timeline.place(point.campaign.at)
    if point.value is None or axis is None:
        return Mark(x, frame.bottom - 4, point.state)
    return Mark(x, _height(point.value, axis, frame), point.state)


def _height(value: float, axis: Axis, frame: Frame) -> float:
    return round(frame.bottom - axis.place(value) / 100 * PLOT, 1)


def _runs(points: Sequence[TrendPoint], placed: Sequence[Mark | None]) -> Iterator[list[Placed]]:
    """The points that a line joins: neighbours with a value and no cut between them."""
    run: list[Placed] = []
    for point, mark in zip(points, placed, strict=True):
        if run and (point.is_cut or point.value is None):
            yield run
            run = []
        if mark is not None and point.value is not None:
            run.append((point, mark))
    if run:
        yield run


def _whiskers(placed: Placed, axis: Axis, frame: Frame) -> Iterator[Whisker]:
    point, mark = placed
    if point.lower is not None or point.upper is not None:
        low, high = _ends(point, axis, frame)
        yield Whisker(mark.x, low, high)


def _ends(point: TrendPoint, axis: Axis, frame: Frame) -> tuple[float, float]:
    """The heights of a point's bounds; an open side reaches to the end of the axis."""
    low = axis.low if point.lower is None else point.lower
    high = axis.high if point.upper is None else point.upper
    return _height(low, axis, frame), _height(high, axis, frame)


def _band(run: Sequence[Placed], axis: Axis, frame: Frame) -> str:
    """The area between the bounds of points that a line joins; empty if they have none."""
    if all(point.lower is None and point.upper is None for point, _ in run):
        return ""
    ends = [(mark.x, *_ends(point, axis, frame)) for point, mark in run]
    upper = [(x, high) for x, _, high in ends]
    lower = [(x, low) for x, low, _ in ends]
    return " ".join(f"{x * 10:.0f},{y - frame.top:.1f}" for x, y in (*upper, *reversed(lower)))


def _levels(points: Sequence[TrendPoint], axis: Axis | None, frame: Frame) -> Iterator[Level]:
    """The thresholds, each until the next campaign with another one."""
    held: tuple[float, float] | None = None
    for point in points:
        x = frame.timeline.place(point.campaign.at)
        if axis is None or point.limit is None:
            continue
        if held is None:
            held = 0.0, point.limit
        elif held[1] != point.limit:
            yield Level(held[0], x, _height(held[1], axis, frame))
            held = x, point.limit
    if held is not None and axis is not None:
        yield Level(held[0], 100.0, _height(held[1], axis, frame))


def _controls(series: TrendSeries, axis: Axis | None, frame: Frame) -> Iterator[str]:
    """The lower and the upper limits of the control chart, without what the axis does not show."""
    limits = control_limits(series.points, series.direction)
    for side in (0, 1):
        line: list[str] = []
        for point, both in zip(series.points, limits, strict=True):
            value = both[side] if both is not None else None
            is_shown = axis is not None and value is not None and axis.low <= value <= axis.high
            if line and (point.is_cut or not is_shown):
                yield " ".join(line)
                line = []
            if axis is not None and value is not None and is_shown:
                x = frame.timeline.place(point.campaign.at)
                line.append(f"{x * 10:.0f},{_height(value, axis, frame) - frame.top:.1f}")
        if line:
            yield " ".join(line)


def _gaps(points: Sequence[TrendPoint], frame: Frame) -> Iterator[Span]:
    place = frame.timeline.place
    for point in points:
        if point.state == "no-data":
            yield Span(round(place(point.campaign.at) - HATCH / 2, 2), HATCH, "no-data")
    for one, other in pairwise(points):
        if other.campaign.at - one.campaign.at > LONGEST_GAP:
            start = place(one.campaign.at) + 1
            width = max(place(other.campaign.at) - 1 - start, HATCH)
            yield Span(round(start, 2), round(width, 2), "no-data")


def _letters(causes: Sequence[Cause], timeline: Timeline) -> Iterator[Letter]:
    ends: list[float] = []
    for number, cause in enumerate(causes):
        x = timeline.place(cause.at)
        if cause.after is not None:  # between the campaigns, so that it covers no figure
            x = round((timeline.place(cause.after) + x) / 2, 2)
        row = next((row for row, end in enumerate(ends) if x - end >= APART), len(ends))
        ends[row : row + 1] = [x]
        yield Letter(x, row, sign_of(number), cause.breaks)


def _suspended(
    suspensions: Iterable[Suspension], timeline: Timeline, now: datetime
) -> Iterator[Span]:
    for one in suspensions:
        x, end = timeline.place(one.since), timeline.place(one.until or now)
        yield Span(x, round(max(end - x, 1.0), 2), "suspended")


def _ticks(timeline: Timeline) -> Iterator[tuple[float, str, str]]:
    """Place, text and anchor of the dates below: the first, the middle one and the last."""
    middle = timeline.first + (timeline.last - timeline.first) / 2
    texts = [f"{at.day} {at:%b %y}" for at in (timeline.first, middle, timeline.last)]
    if texts[0] == texts[2]:
        yield 50.0, texts[0], "middle"
        return
    yield MARGIN, texts[0], "start"
    if texts[1] not in (texts[0], texts[2]):
        yield 50.0, texts[1], "middle"
    yield 100 - MARGIN, texts[2], "end"
