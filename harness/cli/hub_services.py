"""Make the documents about services: rows of the overview, pages, requirements, and what waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from harness.cli.hub_causes import instrument_causes
from harness.cli.hub_drawn import Drawn, choose_drawn
from harness.cli.hub_history import HubStream, MonitoredService
from harness.cli.hub_series import worst_of
from harness.follow.decisions import latest_of
from harness.follow.status_history import StatusChange
from harness.model.decision import FAVOURABLE, STOPPED, HeldDecision, Status
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
from reports.site.trend_causes import Cause, Consequence, consequences_of, recorded_causes
from reports.site.trend_facts import (
    LONGEST_GAP,
    State,
    Suspension,
    changes_of_service,
    statuses_of,
    suspensions_of,
)

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

    @property
    def page(self) -> str:
        return page_of(self.stream.view.name, self.name)

    @property
    def schemes(self) -> tuple[str, ...]:
        """The schemes of its results and of its decisions."""
        decided = (held.decision for held in self.stream.view.state.decisions.values())
        name = same_name(self.name)
        found = [one.scheme for one in decided if same_name(one.service) == name]
        return tuple(dict.fromkeys((*found, *(each.about.scheme for each in self.currents))))


KINDS = (SERVICE, SERVICE_PAGE, REQUIREMENT)
"""The kinds of documents that are made here."""


def service_documents(connection: Connection, stream: HubStream) -> Iterator[Document]:
    """The row of the overview, the page and the requirements of each service."""
    for service in _services(connection, stream):
        facts = _facts(service)
        at = facts.last or stream.now
        grouped = _by_requirement(service.currents)
        shown = {code: currents[:MOST_SUBJECTS] for code, currents in grouped.items()}
        drawn = choose_drawn(connection, stream.view.name, shown, stream.now)
        yield _document(SERVICE, service, service.page, at, facts, URGENCY[facts.state])
        page = ServicePageFacts(
            facts=facts,
            accreditations=tuple(_accreditations(service)),
            requirements=tuple(_summaries(grouped, drawn)),
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
                drawn=drawn[code].series,
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
            yield _Service(name, stream, campaigns, worst_first(_still_current(currents)))


def _still_current(currents: Sequence[CurrentFacts]) -> Iterator[CurrentFacts]:
    """The newest results. What the newest campaign of a place did not measure has no data.

    What was not measured there for long is left out.
    """
    newest: dict[tuple[str, str, str], tuple[datetime, str]] = {}
    for each in currents:
        about, found = each.about, (each.figure.at, each.figure.campaign)
        place = about.scheme, about.site, about.schedule
        newest[place] = max(newest.get(place, found), found)
    for each in currents:
        about, figure = each.about, each.figure
        at, campaign = newest[about.scheme, about.site, about.schedule]
        if campaign == figure.campaign:
            yield each
        elif at - figure.at <= LONGEST_GAP:
            lacking = msgspec.structs.replace(
                figure, state="no-data", measured="not measured", bounds="", value=None,
                lower=None, upper=None,
            )  # fmt: skip
            yield msgspec.structs.replace(each, figure=lacking, word="not measured")


def _by_requirement(currents: Iterable[CurrentFacts]) -> dict[str, list[CurrentFacts]]:
    grouped: dict[str, list[CurrentFacts]] = {}
    for each in currents:
        grouped.setdefault(each.about.requirement, []).append(each)
    return grouped


def _facts(service: _Service) -> ServiceFacts:
    stream, view = service.stream, service.stream.view
    last = _current(service)
    binding = [each for each in service.currents if each.is_binding]
    worst = binding[0] if binding else None
    first, strip = _strip(service)
    monitored = stream.monitored.get(same_name(service.name))
    suspensions = tuple(_suspensions(service))
    return ServiceFacts(
        page=service.page,
        supplier=view.supplier,
        service=service.name,
        state=_standing(last, worst, stream.now),
        accreditation=last,
        worst=worst,
        first_week=first,
        strip=strip,
        campaigns=service.campaigns.number,
        last=service.campaigns.last,
        last_campaign=service.campaigns.name,
        sites=tuple(_sites(monitored)) if monitored else (),
        intensity=_intensity(monitored),
        plans=tuple(_plans(service)),
        alarms=_alarms(service),
        suspensions=suspensions,
        cells={
            code: Cell(
                title=each[0].title,
                state=each[0].figure.state,
                measured=each[0].figure.measured,
                campaign=each[0].figure.campaign,
                scheme=each[0].about.scheme,
                anchor=each[0].figure.anchor,
                is_binding=each[0].is_binding,
            )
            for code, each in _by_requirement(service.currents).items()
        },
    )


def _standing(last: Accreditation | None, worst: CurrentFacts | None, now: datetime) -> str:
    """How a service stands as a whole: suspended, or as its worst binding result."""
    if last is not None and last.status_at(now) in STOPPED:
        return "stopped"
    return worst.figure.state if worst is not None else "no-data"


def _current(service: _Service) -> Accreditation | None:
    """The accreditation of the service: of several schemes one that is stopped, else the newest.

    One that is valid stands before a refusal, and that before one that has expired.
    """
    found = []
    for scheme in service.schemes:
        whole = changes_of_service(service.stream.view, service.name, scheme)
        held = latest_of(service.stream.view.state.decisions, whole[-1].key) if whole else None
        if held is not None:
            found.append(_accreditation(held, whole[-1].change))
    return min(found, key=_urgency, default=None)


def _urgency(found: Accreditation) -> tuple[int, float]:
    ranks = (STOPPED, FAVOURABLE, (Status.NOT_YET,), (Status.EXPIRED,))
    rank = next(rank for rank, each in enumerate(ranks) if found.status in each)
    return rank, -found.since.timestamp()


def _accreditations(service: _Service) -> Iterator[Accreditation]:
    """The accreditations of all versions by all schemes; the one that was decided last is last."""
    view = service.stream.view
    found = (
        (latest_of(view.state.decisions, key), last) for key, (*_, last) in view.history.items()
    )
    decided = [(held, last) for held, last in found if held is not None]
    for held, last in sorted(decided, key=lambda each: (each[0].at, each[0].decision.id)):
        if same_name(held.decision.service) == same_name(service.name):
            yield _accreditation(held, last)


def _accreditation(held: HeldDecision, last: StatusChange) -> Accreditation:
    decision = held.decision
    return Accreditation(
        version=decision.version,
        scheme=decision.scheme,
        status=last.status,
        since=last.at,
        decision=last.decision,
        until=decision.until if last.status in FAVOURABLE else None,
        certificate=held.certificate.number if held.certificate is not None else "",
        why=last.why,
    )


def _strip(service: _Service) -> tuple[datetime | None, str]:
    """The first week (a Monday), and the worst state of each week since, up to now."""
    now = service.stream.now
    earliest = _monday(now) - timedelta(weeks=WEEKS_SHOWN - 1)
    weeks: dict[datetime, State] = {}
    for at, name in service.campaigns.states:
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


def _plans(service: _Service) -> Iterator[OpenPlan]:
    state = service.stream.view.state
    name = same_name(service.name)
    for plan in state.plans.values():
        finding = state.findings[plan.finding]
        if same_name(finding.service) == name and not plan.is_ended:
            yield OpenPlan(
                plan=plan.id,
                requirement=finding.requirement,
                due=plan.due,
                is_escalated=plan.level is not None,
            )


def _alarms(service: _Service) -> tuple[str, ...]:
    alarms = service.stream.view.state.alarms.values()
    name = same_name(service.name)
    return tuple(
        each.id for each in alarms if same_name(each.raised.service) == name and not each.is_ended
    )


def _suspensions(service: _Service) -> Iterator[Suspension]:
    view = service.stream.view
    for scheme in service.schemes:
        whole = changes_of_service(view, service.name, scheme)
        yield from suspensions_of([each.change for each in whole])


def _summaries(
    grouped: Mapping[str, Sequence[CurrentFacts]], drawn: Mapping[str, Drawn]
) -> Iterator[RequirementSummary]:
    for code, currents in grouped.items():
        yield RequirementSummary(
            requirement=code,
            current=currents[0],
            subjects=len(currents),
            failures=drawn[code].failures,
            drawn=drawn[code].series,
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
    for scheme in service.schemes:
        statuses = statuses_of(view, service.name, scheme)
        found |= dict.fromkeys(consequences_of(view, service.name, scheme, statuses))
    return tuple(sorted(found)[-MOST_CONSEQUENCES:])
