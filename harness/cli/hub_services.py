"""Make the documents about services: rows of the overview, pages, requirements, and what waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from harness.cli.hub_causes import instrument_causes
from harness.cli.hub_history import HubStream, MonitoredService
from harness.cli.hub_series import worst_of
from harness.follow.newest_figures import MeasuredFigure
from harness.follow.standing import ServiceStanding, VersionStanding, standing_at
from harness.model.registry_record import Service
from harness.model.stream import same_name
from harness.model.surveillance_event import Intensity
from harness.store.hub.projection import (
    Document,
    ServiceCampaigns,
    campaigns_of,
    documents_of,
)
from reports.dashboard.result_facts import (
    CURRENT,
    CURRENT_FACTS,
    CurrentFacts,
)
from reports.dashboard.service_facts import (
    REQUIREMENT,
    SERVICE,
    SERVICE_PAGE,
    URGENCY,
    WEEKS_SHOWN,
    Accreditation,
    Audit,
    Cell,
    OpenPlan,
    RequirementFacts,
    RequirementSummary,
    ServiceFacts,
    ServicePageFacts,
    SiteFacts,
    WeekState,
    page_of,
    requirement_id,
    strip_of,
    worst_first,
)
from reports.site.stream_view import Place
from reports.site.trend_causes import Cause, Consequence, consequences_of, recorded_causes
from reports.site.trend_facts import State

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_CAUSES, MOST_CONSEQUENCES, MOST_SUBJECTS = 40, 60, 150
"""How many a page tells of: the newest causes and consequences, the worst subjects."""

STATES_OF_CAMPAIGNS: dict[str, State] = {
    "conforms": "conforms",
    "does-not-conform": "does-not-conform",
    "insufficient": "insufficient",
}
YEAR = timedelta(days=365.25)
INTENSITIES: tuple[Intensity, ...] = ("reduced", "normal", "tightened", "discontinued")


class _Service(NamedTuple):
    """All that is known of a service."""

    name: str
    stream: HubStream
    campaigns: ServiceCampaigns
    currents: list[CurrentFacts]
    standing: ServiceStanding

    @property
    def page(self) -> str:
        return page_of(self.stream.view.name, self.name)


KINDS = (SERVICE, SERVICE_PAGE, REQUIREMENT)
"""The kinds of documents that are made here."""


def service_documents(connection: Connection, stream: HubStream) -> Iterator[Document]:
    """The row of the overview, the page and the requirements of each service."""
    for service in _services(connection, stream):
        facts = _facts(service)
        at = facts.last or stream.now
        grouped = _by_requirement(service.currents)
        shown = {code: currents[:MOST_SUBJECTS] for code, currents in grouped.items()}
        yield _document(SERVICE, service, service.page, at, facts, URGENCY[facts.state])
        page = ServicePageFacts(
            facts=facts,
            accreditations=tuple(map(_accreditation, service.standing.versions)),
            requirements=tuple(_summaries(grouped)),
            causes=_causes(connection, service),
            consequences=_consequences(service),
        )
        yield _document(SERVICE_PAGE, service, service.page, at, page)
        for code, currents in grouped.items():
            worst = currents[0]
            requirement = RequirementFacts(
                service=service.name,
                requirement=code,
                title=worst.title,
                area=worst.area,
                currents=tuple(shown[code]),
                subjects=len(currents),
            )
            name = requirement_id(service.page, code)
            yield _document(REQUIREMENT, service, name, worst.figure.at, requirement)


def _document(
    kind: str, service: _Service, name: str, at: datetime, facts: msgspec.Struct, state: str = ""
) -> Document:
    return Document(kind, name, service.name, state, at, msgspec.json.encode(facts).decode())


def _services(connection: Connection, stream: HubStream) -> Iterator[_Service]:
    """The services that are on record, or of which there is anything."""
    view = stream.view
    on_record = {
        same_name(record.id)
        for record in view.state.open_records().values()
        if isinstance(record, Service)
    }
    decided = {same_name(held.decision.service) for held in view.state.decisions.values()}
    for key, name in stream.services.items():
        since = _monday(stream.now) - timedelta(weeks=WEEKS_SHOWN - 1)
        campaigns = campaigns_of(connection, view.name, name, since)
        if campaigns.number or key in on_record | decided:
            rows = documents_of(connection, view.name, CURRENT, service=name)
            currents = [CURRENT_FACTS.decode(row.body) for row in rows.values()]
            figures = [_measured(each) for each in currents]
            standing = standing_at(name, view.state, view.history, stream.now, figures)
            newest = worst_first(_newest(currents, standing))
            yield _Service(name, stream, campaigns, newest, standing)


def _measured(current: CurrentFacts) -> MeasuredFigure:
    about, figure = current.about, current.figure
    return MeasuredFigure(
        requirement=about.requirement,
        profile=about.profile,
        scheme=about.scheme,
        site=about.site,
        schedule=about.schedule,
        at=figure.at,
        campaign=figure.campaign,
        state=figure.state,
        limit=figure.limit,
    )


def _newest(currents: Sequence[CurrentFacts], standing: ServiceStanding) -> Iterator[CurrentFacts]:
    """The newest results; what the newest campaign of a place did not measure has no data."""
    for each in standing.figures:
        current = currents[each.number]
        if not each.is_lacking:
            yield current
            continue
        lacking = msgspec.structs.replace(
            current.figure, state="no-data", measured="not measured", bounds="", value=None,
            lower=None, upper=None,
        )  # fmt: skip
        yield msgspec.structs.replace(current, figure=lacking, word="not measured")


def _by_requirement(currents: Iterable[CurrentFacts]) -> dict[str, list[CurrentFacts]]:
    grouped: dict[str, list[CurrentFacts]] = {}
    for each in currents:
        grouped.setdefault(each.about.requirement, []).append(each)
    return grouped


def _facts(service: _Service) -> ServiceFacts:
    stream, view = service.stream, service.stream.view
    standing = service.standing
    last = standing.accreditation
    binding = [each for each in service.currents if each.is_binding]
    worst = binding[0] if binding else None
    first, strip = _strip(service)
    monitored = stream.monitored.get(same_name(service.name))
    return ServiceFacts(
        page=service.page,
        supplier=view.supplier,
        service=service.name,
        state="stopped" if standing.is_stopped else worst.figure.state if worst else "no-data",
        accreditation=_accreditation(last) if last is not None else None,
        worst=worst,
        first_week=first,
        strip=strip,
        campaigns=service.campaigns.number,
        last=service.campaigns.last,
        last_campaign=service.campaigns.name,
        sites=tuple(_sites(monitored)) if monitored else (),
        intensity=_intensity(monitored),
        plans=tuple(_plans(standing)),
        audit=_audit(service),
        alarms=tuple(alarm.id for alarm in standing.open_alarms),
        suspensions=tuple(
            each for scheme in standing.schemes for each in standing.suspensions(scheme)
        ),
        cells={
            code: Cell(
                title=each[0].title,
                state=each[0].figure.state,
                measured=each[0].figure.measured,
                campaign=each[0].figure.campaign,
                scheme=each[0].about.scheme,
                anchor=each[0].figure.anchor,
                is_binding=each[0].is_binding,
                at=each[0].figure.at,
            )
            for code, each in _by_requirement(service.currents).items()
        },
    )


def _accreditation(one: VersionStanding) -> Accreditation:
    decision = one.held.decision
    return Accreditation(
        version=decision.version,
        scheme=decision.scheme,
        status=one.last.status,
        since=one.last.at,
        decision=one.last.decision,
        until=one.until,
        certificate=one.certificate,
        why=one.last.why,
    )


def _plans(standing: ServiceStanding) -> Iterator[OpenPlan]:
    for each in standing.findings:
        if (plan := each.plan) is not None:
            yield OpenPlan(
                plan=plan.id,
                requirement=each.finding.requirement,
                due=plan.effective_due,
                late_after=plan.late_after,
                is_escalated=plan.level is not None,
            )


def _audit(service: _Service) -> Audit | None:
    """The newest campaign that surveillance did not make, and how its runs since then ended."""
    places, state = service.stream.places, service.stream.view.state
    retests = {name for name, plan in state.campaigns.items() if plan}
    retests |= {each.campaign for alarm in service.standing.alarms for each in alarm.retests}
    audits = [
        (at, campaign)
        for at, _, campaign in service.campaigns.made
        if campaign not in retests and not places.get(same_name(campaign), Place()).site
    ]
    if not audits:
        return None
    at, campaign = max(audits)
    since: dict[tuple[str, str], tuple[datetime, str]] = {}
    for when, ended, name in service.campaigns.made:
        place = places.get(same_name(name), Place())
        if place.site and when > at:
            since[place] = when, ended  # they are in order of time
    return Audit(at=at, campaign=campaign, since=tuple(ended for _, ended in since.values()))


def _strip(service: _Service) -> tuple[datetime | None, str]:
    """The first week (a Monday), and the worst state of each week since, up to now."""
    now = service.stream.now
    earliest = _monday(now) - timedelta(weeks=WEEKS_SHOWN - 1)
    weeks: dict[datetime, State] = {}
    for at, name, _ in service.campaigns.made:
        week, state = _monday(at), STATES_OF_CAMPAIGNS[name]
        weeks[week] = worst_of((weeks.get(week, state), state))
    monitored = service.stream.monitored.get(same_name(service.name))
    since = monitored.since if monitored else None
    begins = [*list(weeks)[:1], *([_monday(since)] if since else [])]
    if not begins:
        return None, ""
    first = max(earliest, min(begins))
    states: list[WeekState] = []
    for number in range((_monday(now) - first) // timedelta(weeks=1) + 1):
        week = first + timedelta(weeks=number)
        is_due = since is not None and since <= week < _monday(now)
        states.append(weeks.get(week) or ("silent" if is_due else "no-data"))
    return first, strip_of(states)


def _monday(at: datetime) -> datetime:
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def _sites(monitored: MonitoredService) -> Iterator[SiteFacts]:
    for site in monitored.sites:
        name = same_name(site)
        at = [when for place, when in monitored.measured.items() if same_name(place.site) == name]
        yearly = [
            run.runs_per_year
            for place, run in monitored.runs.items()
            if same_name(place.site) == name and run.runs_per_year
        ]
        yield SiteFacts(
            site=site,
            since=monitored.since,
            measured=max(at, default=None),
            every=YEAR.total_seconds() / max(yearly) if yearly else 0.0,
        )


def _intensity(monitored: MonitoredService | None) -> Intensity | None:
    """The strictest intensity of surveillance among the schedules."""
    runs = monitored.runs.values() if monitored else ()
    return max((run.then for run in runs), key=INTENSITIES.index, default=None)


def _summaries(grouped: Mapping[str, Sequence[CurrentFacts]]) -> Iterator[RequirementSummary]:
    for code, currents in grouped.items():
        yield RequirementSummary(
            requirement=code,
            current=currents[0],
            subjects=len(currents),
            failures=currents[0].failures,
        )


def _causes(connection: Connection, service: _Service) -> tuple[Cause, ...]:
    view = service.stream.view
    found = [
        *recorded_causes(view, service.name),
        *instrument_causes(connection, view.name, service.currents),
    ]
    found.sort(key=lambda cause: (cause.at, cause.what, cause.detail))
    return tuple(found[-MOST_CAUSES:])


def _consequences(service: _Service) -> tuple[Consequence, ...]:
    view = service.stream.view
    found: dict[Consequence, None] = {}
    schemes = [*service.standing.schemes, *(each.about.scheme for each in service.currents)]
    for scheme in dict.fromkeys(schemes):
        found |= dict.fromkeys(consequences_of(view, service.standing, scheme))
    return tuple(sorted(found)[-MOST_CONSEQUENCES:])
