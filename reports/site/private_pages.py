"""The pages for those who may see more: services, trends of each, and the board of action plans.

The pages of a supplier are made from its own stream alone, so that they can hold nothing of others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from reports.next_steps import ago, day
from reports.phrases import percent, tight
from reports.site.board_facts import Board, board_of, headline_of, lead_of
from reports.site.page_maker import STATE_WORDS, PageMaker, Site, counted
from reports.site.stream_view import MeasuredCampaign, StreamView
from reports.site.trend_chart import (
    Span,
    Timeline,
    TrendChart,
    chart_of,
    frame_of,
    strip_of,
)
from reports.site.trend_facts import WORST_FIRST, State, Trend, state_of, trends
from reports.words import SCHEMES, capitalised, mechanism_name

MOST_DRAWN = 12
"""How many figures the page of a service draws; the others are rows of a table."""

NAVIGATION = (("Services", "index.html"), ("Action plans", "plans.html"))


class MechanismRow(NamedTuple):
    """The shares of one campaign; ``bars`` are start and width in per cent."""

    campaign: str
    at: datetime
    total: int
    bars: tuple[tuple[float, float], ...]
    cells: tuple[str, ...]


class MechanismTable(NamedTuple):
    """The ways of blocking that were seen, the most frequent first, and a row a campaign."""

    names: tuple[str, ...]
    rows: tuple[MechanismRow, ...]


def private_files(views: Sequence[StreamView], now: datetime, *, for_whom: str) -> dict[str, bytes]:
    """All files of a private folder, by their paths within it."""
    site = Site(
        name="Services and action plans",
        navigation=NAVIGATION,
        is_private=True,
        for_whom=for_whom,
        has_all=len(views) > 1,
    )
    maker = PageMaker(site, now)
    found = sorted((trend for view in views for trend in trends(view, now)), key=_rank)
    files = {
        "index.html": _overview(maker, found),
        "plans.html": _plans_page(maker, board_of(views, now)),
    }
    for trend in found:
        here = f"trends/{trend.page}.html"
        files[here] = _trend_page(maker, trend, here, now)
    return files


def _rank(trend: Trend) -> tuple[int, str, str, str]:
    worst = WORST_FIRST.index(state_of(trend.last))
    return worst, trend.service, trend.supplier, trend.scheme


def _overview(maker: PageMaker, found: Sequence[Trend]) -> bytes:
    strips = {trend.page: _strip(trend) for trend in found}
    headline = _headline(Counter(state_of(trend.last) for trend in found))
    return maker.page(
        "overview.html.j2",
        "index.html",
        headline,
        headline=headline,
        lead=_lead(found),
        trends=found,
        strips=strips,
        left_out=_left_out(found),
    )


def _headline(last: Mapping[State, int]) -> str:
    """How the last campaigns ended, in a sentence; nothing favourable without evidence."""
    total, failed = sum(last.values()), last.get("does-not-conform", 0)
    if not total:
        return "No service was measured yet"
    if failed:
        services = counted(failed, "service does not conform", "services do not conform")
        return capitalised(services)
    if last.get("conforms", 0) == total:
        return "Every service conformed in its last campaign"
    open_ = total - last.get("conforms", 0)
    return capitalised(counted(open_, "service is not decided", "services are not decided"))


def _plans_page(maker: PageMaker, board: Board) -> bytes:
    headline, lead = headline_of(board), lead_of(board)
    return maker.page(
        "plans.html.j2", "plans.html", headline, headline=headline, lead=lead, board=board
    )


def _lead(found: Sequence[Trend]) -> str:
    counts = Counter(state_of(trend.last) for trend in found)
    told = [f"{STATE_WORDS[state]}: {counts[state]}" for state in WORST_FIRST if counts[state]]
    return "Results of the last campaigns: " + ", ".join(told) + "." if told else ""


def _left_out(found: Iterable[Trend]) -> list[str]:
    """The campaigns of the registry whose assessment is not kept."""
    return [
        f"{campaign.name} of {trend.service} ({SCHEMES.get(trend.scheme, trend.scheme)}), "
        f"{day(campaign.at)}: no assessment of its journal is in the results folder"
        for trend in found
        for campaign in trend.campaigns
        if campaign.assessment is None
    ]


def _strip(trend: Trend) -> tuple[Span, ...]:
    timeline = Timeline(trend.first, trend.until)
    return strip_of([(each.at, state_of(each)) for each in trend.campaigns], timeline)


def _trend_page(maker: PageMaker, trend: Trend, here: str, now: datetime) -> bytes:
    frame = frame_of(trend, now)
    figures = [(series, chart_of(series, frame)) for series in trend.series[:MOST_DRAWN]]
    states = {
        id(chart): strip_of(
            [(point.campaign.at, point.state) for point in series.points], frame.timeline
        )
        for series, chart in figures
    }

    def chart_strip(chart: TrendChart) -> tuple[Span, ...]:
        return states[id(chart)]

    return maker.page(
        "trend.html.j2",
        here,
        f"{trend.service}: trends",
        trend=trend,
        lead=_lead_of(trend),
        frame=frame,
        figures=figures,
        others=trend.series[MOST_DRAWN:],
        ago=lambda at: ago(at, now),
        has_controls=any(chart.controls for _, chart in figures),
        chart_strip=chart_strip,
        mechanisms=mechanism_table(trend.campaigns),
    )


def _lead_of(trend: Trend) -> str:
    """The answer first: what does not conform now, and what failed before and recovered."""
    newest = [series for series in trend.series if series.is_newest]
    now = [series for series in newest if series.last.state == "does-not-conform"]
    recovered = [
        series
        for series in newest
        if series.last.state == "conforms"
        and any(point.state == "does-not-conform" for point in series.points)
    ]
    told = []
    if now:
        codes = ", ".join(dict.fromkeys(series.requirement for series in now))
        told.append(f"It does not conform now: {codes}.")
    if recovered:
        codes = ", ".join(dict.fromkeys(series.requirement for series in recovered))
        told.append(f"It failed before and conforms again: {codes}.")
    if open_ := _number_in(trend, "insufficient"):
        told.append(f"{capitalised(counted(open_, 'figure is', 'figures are'))} not decided.")
    if missing := _number_in(trend, "no-data"):
        told.append(f"{capitalised(counted(missing, 'figure has', 'figures have'))} no data.")
    if not told and _number_in(trend, "conforms"):
        return "Every figure of the last campaign conforms."
    return " ".join(told) or "The last campaign decided nothing."


def _number_in(trend: Trend, state: State) -> int:
    return sum(series.last.state == state for series in trend.series if series.is_newest)


def mechanism_table(campaigns: Sequence[MeasuredCampaign]) -> MechanismTable:
    """The share of blocked items by the way in which they were blocked, campaign by campaign."""
    total: Counter[str] = Counter()
    for campaign in campaigns:
        if campaign.assessment is not None:
            total.update(campaign.assessment.mechanisms)
    names = [name for name, count in total.most_common() if count]
    rows = tuple(_mechanism_row(campaign, names) for campaign in campaigns) if names else ()
    return MechanismTable(tuple(map(mechanism_name, names)), rows)


def _mechanism_row(campaign: MeasuredCampaign, names: Sequence[str]) -> MechanismRow:
    seen = campaign.assessment.mechanisms if campaign.assessment is not None else {}
    counts = [seen.get(name, 0) for name in names]
    total, bars, start = sum(counts), [], 0.0
    for count in counts:
        width = 100 * count / total if total else 0.0
        bars.append((round(start, 2), round(width, 2)))
        start += width
    cells = tuple(
        f"{count:,} ({tight(percent(count / total))})" if total else "–"  # noqa: RUF001 - a dash
        for count in counts
    )
    return MechanismRow(campaign.name, campaign.at, total, tuple(bars), cells)
