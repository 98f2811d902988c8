"""Charts of a hub's pages, from the documents of series and services, without assessments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from harness.estimate.control_charts import ChartPoint
from harness.follow.newest_figures import LONGEST_GAP
from reports.dashboard.compact_chart import CompactChart, compact
from reports.dashboard.result_facts import NEWEST, CurrentFacts, Figure, SeriesFacts
from reports.dashboard.service_facts import WEEKS_SHOWN, ServiceFacts, ServicePageFacts
from reports.requirement_table import Chart, axis_over, chart_over
from reports.site.stream_view import MeasuredCampaign, Place
from reports.site.trend_causes import Cause
from reports.site.trend_chart import Frame, Span, chart_of, frame_over, strip_of
from reports.site.trend_facts import State, TrendPoint, TrendSeries

EACH_COUNTS = "each item counts"
"""The words in place of bounds where a single item decides."""


class DrawnSeries(NamedTuple):
    """A series with its chart; ``note`` says what is left out, ``id`` is that of its document."""

    id: str
    facts: SeriesFacts
    series: TrendSeries
    chart: CompactChart
    note: str


class Drawing(NamedTuple):
    """What all charts of a page share: the time axis, and the causes whose letters it shows."""

    frame: Frame
    causes: tuple[Cause, ...]


def drawing_of(page: ServicePageFacts, drawn: Iterable[SeriesFacts], now: datetime) -> Drawing:
    """The time axis of some series of a service, with its causes and suspensions."""
    figures = [figures for facts in drawn if (figures := facts.figures)]
    first = min((each[0].since or each[0].at for each in figures), default=now)
    last = max((each[-1].at for each in figures), default=now)
    causes = tuple(cause for cause in page.causes if cause.at >= first)
    frame = frame_over((first, last), causes, page.facts.suspensions, now)
    return Drawing(frame, causes)


def drawn_series(name: str, facts: SeriesFacts, service: str, frame: Frame) -> DrawnSeries:
    """A series with its chart."""
    series = series_of(facts, service)
    worst: list[tuple[datetime, State]] = [
        (figure.at, figure.worst or figure.state) for figure in facts.figures
    ]
    note = ""
    if facts.results > len(facts.newest):
        note = (
            f"{facts.results:,} results: the newest {NEWEST} stand one by one; of older ones the "
            f"last of each week, for {len(facts.weekly)} weeks, with the week's worst state below."
        )
    states = strip_of(worst, frame.timeline)
    return DrawnSeries(name, facts, series, compact(chart_of(series, frame), states, frame), note)


def series_of(facts: SeriesFacts, service: str) -> TrendSeries:
    """A series for ``trend_chart``."""
    about = facts.about
    return TrendSeries(
        requirement=about.requirement,
        title=facts.title,
        profile=about.profile,
        line=about.line,
        unit=about.unit,
        direction=about.direction,
        points=tuple(_points(facts.figures, service, about.scheme)),
        place=Place(about.site, about.schedule),
    )


def _points(figures: Iterable[Figure], service: str, scheme: str) -> Iterator[TrendPoint]:
    before: Figure | None = None
    software = ""
    for figure in figures:
        is_new = before is not None and figure.has_other_instrument(before, software)
        is_apart = before is not None and figure.at - before.at > LONGEST_GAP
        yield TrendPoint(
            campaign=MeasuredCampaign(figure.campaign, service, scheme, figure.at, None),
            state=figure.state,
            value=figure.value,
            lower=figure.lower,
            upper=figure.upper,
            limit=figure.limit,
            measured=figure.measured,
            bounds=figure.bounds,
            required=figure.required,
            is_cut=is_new or is_apart or figure.value is None,
            is_new=is_new,
            charted=ChartPoint(figure.charted, figure.tested),
        )
        before, software = figure, figure.software or software


def small_chart(current: CurrentFacts) -> Chart | None:
    """The small picture of a newest result."""
    about, figure = current.about, current.figure
    if figure.state == "no-data":
        return None
    bounds = figure.lower, figure.upper
    axis = axis_over((figure.value, *bounds), (figure.limit,), about.unit, about.direction)
    if figure.bounds == EACH_COUNTS:
        bounds = None, None
    return chart_over(axis, figure.value, bounds, (figure.limit, about.direction), figure.state)


def weeks_of(facts: ServiceFacts, now: datetime) -> tuple[Span, ...]:
    """The strip of the last two years: the worst state of each week, and times of suspension."""
    first, width = _first_week(now), 100 / WEEKS_SHOWN
    placed = [((week - first) // timedelta(weeks=1), state) for week, state in facts.weeks]
    shown = [each for each in placed if each[0] in range(WEEKS_SHOWN)]
    spans = []
    for state, group in groupby(shown, key=lambda each: each[1]):
        numbers = [number for number, _ in group]
        spans.append(Span(round(numbers[0] * width, 2), round(len(numbers) * width, 2), state))
    return tuple(spans)


def suspended_weeks(facts: ServiceFacts, now: datetime) -> tuple[Span, ...]:
    """The times of suspension on the strip of the last two years."""
    first, whole = _first_week(now), timedelta(weeks=WEEKS_SHOWN)
    found = []
    for each in facts.suspensions:
        start = max(0.0, (each.since - first) / whole * 100)
        end = min(100.0, ((each.until or now) - first) / whole * 100)
        if end > 0:
            found.append(Span(round(start, 2), round(max(end - start, 0.5), 2), "stopped"))
    return tuple(found)


def _first_week(now: datetime) -> datetime:
    monday = now - timedelta(days=now.weekday())
    midnight = monday.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(weeks=WEEKS_SHOWN - 1)


def strip_words(facts: ServiceFacts, now: datetime) -> str:
    """What a strip shows, in a sentence."""
    first = _first_week(now)
    weeks = [state for week, state in facts.weeks if week >= first]
    told = [
        (weeks.count("does-not-conform"), "did not conform"),
        (weeks.count("insufficient"), "could not be decided"),
        (weeks.count("silent"), "the probe was silent"),
        (weeks.count("no-data"), "nothing was measured"),
    ]
    parts = [f"in {count} {words}" for count, words in told if count]
    if not weeks:
        return "Nothing was measured in two years"
    said = f"{len(weeks)} weeks: " + (", ".join(parts) if parts else "all conform")
    return f"{said}; {len(facts.suspensions)} times suspended" if facts.suspensions else said
