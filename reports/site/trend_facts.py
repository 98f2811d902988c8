"""How each requirement of a service developed from campaign to campaign.

A figure of a campaign is that of its assessment, in the words of the report. Nothing is pooled or
smoothed. A line ends where our software, the scheme or the corpus changed, where a campaign decided
nothing, and where no campaign was made for longer than ``LONGEST_GAP``. Runs of surveillance are
compared with those of the same schedule at the same site.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Literal, NamedTuple

from harness.estimate.control_charts import ChartPoint
from harness.estimate.surveillance_evidence import reading_of
from harness.follow.newest_figures import LONGEST_GAP, MeasuredFigure
from harness.follow.standing import ServiceStanding, Suspension, standing_at
from harness.model.decision import Status
from harness.model.outcome import Assessment, Outcome, is_void
from harness.model.stream import same_name
from reports import phrases
from reports.phrases import Direction
from reports.requirement_table import (
    bounds_in_words,
    is_shown,
    measured_in_words,
    required_in_words,
    status_of,
)
from reports.site.page_names import page_name
from reports.site.stream_view import MeasuredCampaign, Place, StreamView, by_place
from reports.site.trend_causes import (
    Cause,
    Consequence,
    Instrument,
    causes_of,
    changes_of_instrument,
    consequences_of,
)

State = Literal["conforms", "does-not-conform", "insufficient", "information", "no-data"]
"""How a campaign ended; ``no-data`` if it measured nothing of a requirement."""

WORST_FIRST: tuple[State, ...] = (
    "does-not-conform", "insufficient", "no-data", "information", "conforms"
)  # fmt: skip


class TrendPoint(NamedTuple):
    """What one campaign found of a requirement.

    Values are in the metric's unit, ``None`` if nothing was decided. The three texts are those
    of the report. ``is_cut`` ends the line before the point, ``is_new`` says that the instrument
    changed before it. ``charted`` is what a control chart counts.
    """

    campaign: MeasuredCampaign
    state: State
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    limit: float | None = None
    measured: str = "not measured"
    bounds: str = ""
    required: str = ""
    is_cut: bool = False
    is_new: bool = False
    charted: ChartPoint = ChartPoint(value=None)


class TrendSeries(NamedTuple):
    """The points of one requirement for one profile on one line, oldest first.

    ``place`` is that of surveillance, empty for other campaigns. ``is_newest``: its last point is
    among the newest results of the service.
    """

    requirement: str
    title: str
    profile: str
    line: str
    unit: str
    direction: Direction
    points: tuple[TrendPoint, ...]
    place: Place = Place()
    is_newest: bool = True

    @property
    def last(self) -> TrendPoint:
        """The newest point; of audits, which need not measure all, the last that was measured."""
        measured = [point for point in self.points if point.state != "no-data"]
        return measured[-1] if measured and not self.place.site else self.points[-1]


class Trend(NamedTuple):
    """A service under a scheme, over all its campaigns.

    ``newest`` are the campaigns with the newest results: of surveillance one for each schedule at
    each site. An audit is none once surveillance measured the same.
    """

    page: str
    supplier: str
    service: str
    scheme: str
    campaigns: tuple[MeasuredCampaign, ...]
    series: tuple[TrendSeries, ...]
    causes: tuple[Cause, ...]
    consequences: tuple[Consequence, ...]
    suspensions: tuple[Suspension, ...]
    status: Status | None
    newest: tuple[MeasuredCampaign, ...]

    @property
    def first(self) -> datetime:
        """The time of the first campaign."""
        return self.campaigns[0].at

    @property
    def last(self) -> MeasuredCampaign:
        """The newest campaign; of several, the one that ended worst."""
        return min(self.newest, key=lambda each: WORST_FIRST.index(state_of(each)))

    @property
    def until(self) -> datetime:
        """The time of the newest campaign."""
        return self.campaigns[-1].at


def trends(view: StreamView, now: datetime) -> tuple[Trend, ...]:
    """The trends of a supplier: one for each service and scheme with a campaign, by name."""
    grouped: dict[str, dict[str, list[MeasuredCampaign]]] = {}
    for campaign in view.campaigns:
        schemes = grouped.setdefault(same_name(campaign.service), {})
        schemes.setdefault(campaign.scheme, []).append(campaign)
    found: list[Trend] = []
    for _, schemes in sorted(grouped.items()):
        series = {
            scheme: [
                one
                for place, placed in by_place(view, campaigns).items()
                for one in _series(placed, place)
            ]
            for scheme, campaigns in sorted(schemes.items())
        }
        every = [_measured(scheme, one) for scheme, each in series.items() for one in each]
        service = max((each[-1] for each in schemes.values()), key=lambda one: one.at).service
        standing = standing_at(service, view.state, view.history, now, every)
        newest = {each.number for each in standing.figures}
        numbers = iter(range(len(every)))
        for scheme, each in series.items():
            marked = [one._replace(is_newest=next(numbers) in newest) for one in each]
            found.append(_trend(view, schemes[scheme], marked, standing))
    return tuple(found)


def _measured(scheme: str, series: TrendSeries) -> MeasuredFigure:
    """The last point of a series that measured something, for what the newest results are."""
    measured = [point for point in series.points if point.state != "no-data"]
    last = measured[-1] if measured else series.last
    return MeasuredFigure(
        requirement=series.requirement,
        profile=series.profile,
        scheme=scheme,
        site=series.place.site,
        schedule=series.place.schedule,
        at=last.campaign.at,
        campaign=last.campaign.name,
        state=last.state,
        limit=last.limit,
    )


def state_of(campaign: MeasuredCampaign) -> State:
    """How a campaign ended as a whole."""
    return "no-data" if campaign.assessment is None else campaign.assessment.conformity.value


def _trend(
    view: StreamView,
    campaigns: Sequence[MeasuredCampaign],
    found: Sequence[TrendSeries],
    standing: ServiceStanding,
) -> Trend:
    service, scheme = campaigns[-1].service, campaigns[-1].scheme
    series = sorted(found, key=lambda one: (not one.is_newest, WORST_FIRST.index(one.last.state)))
    newest = {one.last.campaign.name for one in series if one.is_newest}
    leading = standing.leading(scheme)
    return Trend(
        page=page_name(view.name, service, scheme),
        supplier=view.supplier,
        service=service,
        scheme=scheme,
        campaigns=tuple(campaigns),
        series=tuple(series),
        causes=causes_of(view, service, campaigns),
        consequences=consequences_of(view, standing, scheme),
        suspensions=tuple(standing.suspensions(scheme)),
        status=leading.last.status if leading is not None else None,
        newest=tuple(each for each in campaigns if each.name in newest) or tuple(campaigns[-1:]),
    )


About = tuple[str, str, str, str, Direction]
"""Requirement, profile, line, unit and direction: figures that differ in one are not compared."""


def _about(outcome: Outcome) -> About:
    requirement = outcome.requirement
    pointing = phrases.direction(requirement.threshold)
    return requirement.id, outcome.profile, outcome.line, outcome.metric.unit, pointing


def _series(campaigns: Sequence[MeasuredCampaign], place: Place) -> Iterator[TrendSeries]:
    found: dict[About, dict[int, Outcome]] = {}
    for number, campaign in enumerate(campaigns):
        for outcome in campaign.assessment.outcomes if campaign.assessment else ():
            if is_shown(outcome):
                found.setdefault(_about(outcome), {})[number] = outcome
    changes, gaps = set(_changes(campaigns)), set(_gaps(campaigns))
    for (code, profile, line, unit, direction), outcomes in found.items():
        points = _points(campaigns, outcomes, changes, gaps)
        title = outcomes[max(outcomes)].requirement.title
        yield TrendSeries(code, title, profile, line, unit, direction, tuple(points), place)


def _gaps(campaigns: Sequence[MeasuredCampaign]) -> Iterator[int]:
    """The positions of the campaigns before which nothing was measured for too long."""
    for number, (before, after) in enumerate(pairwise(campaigns), start=1):
        if after.at - before.at > LONGEST_GAP:
            yield number


def _changes(campaigns: Sequence[MeasuredCampaign]) -> Iterator[int]:
    """The positions of the campaigns before which the instrument changed."""
    last: Instrument | None = None
    for number, campaign in enumerate(campaigns):
        if campaign.assessment is None:
            continue
        now = Instrument.of(campaign.assessment).after(last)
        if last is not None and any(changes_of_instrument(last, now)):
            yield number
        last = now


def _points(
    campaigns: Iterable[MeasuredCampaign],
    outcomes: dict[int, Outcome],
    changes: set[int],
    gaps: set[int],
) -> Iterator[TrendPoint]:
    for number, campaign in enumerate(campaigns):
        outcome = outcomes.get(number)
        if outcome is None:
            yield TrendPoint(campaign, "no-data", is_cut=True, is_new=number in changes)
            continue
        metric = outcome.metric
        yield TrendPoint(
            campaign=campaign,
            state=status_of(outcome) if metric.tried else "no-data",
            value=metric.value,
            lower=metric.lower,
            upper=metric.upper,
            limit=phrases.limit_of(outcome.requirement.threshold),
            measured=phrases.tight(measured_in_words(outcome)),
            bounds=phrases.tight(bounds_in_words(outcome)),
            required=phrases.tight(required_in_words(outcome)),
            is_cut=number in changes | gaps or metric.value is None,
            is_new=number in changes,
            charted=charted(campaign.assessment, outcome),
        )


def charted(assessment: Assessment | None, outcome: Outcome) -> ChartPoint:
    """The figure as surveillance has it: nothing counts where a failed precondition voids it."""
    if assessment is None or not outcome.metric.tried:
        return ChartPoint(value=None)
    is_nothing = is_void(assessment.preconditions, outcome.line, outcome.profile)
    reading = reading_of(outcome, is_void=is_nothing)
    tested = sum(part.tested for part in reading.parts)
    return ChartPoint(value=reading.value, tested=tested or None)
