"""The overview: where each service stands, and who has to act."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from harness.model.hub_access import Permission, Viewer
from harness.store.hub.repository import Repository
from harness.store.hub.service_rows import AfterService, document_states
from reports.dashboard.access import AnyViewer, require
from reports.dashboard.addresses import address, place_after, place_in
from reports.dashboard.csv_answers import Cell as CsvCell
from reports.dashboard.csv_answers import csv_answer
from reports.dashboard.figure_charts import small_chart, strip_words, suspended_weeks, weeks_of
from reports.dashboard.rendering import page
from reports.dashboard.service_facts import SERVICE, Cell, SiteFacts
from reports.dashboard.service_reading import (
    FoundService,
    Waiting,
    place_of,
    services,
    waiting,
)
from reports.dashboard.service_words import headline, overview_lead, when_due
from reports.next_steps import ago
from reports.site.trend_facts import WORST_FIRST

ON_A_PAGE, MOST_WAITING, SIDE_BY_SIDE, MOST_ROWS, AT_ONCE = 25, 12, 6, 60, 100
"""How many services a page shows, how much of what waits, how many services stand side by side
with how many requirements, and how many services are read at once for CSV."""

SERVICES = (
    "supplier", "service", "version", "status", "since", "until", "standing", "requirement",
    "state", "measured", "bounds", "required", "campaigns", "last_campaign", "measured_at",
    "sites", "silent_sites", "open_plans", "open_alarms",
)  # fmt: skip
REQUIREMENTS = (
    "supplier", "service", "requirement", "title", "binding", "state", "measured", "campaign",
    "scheme",
)  # fmt: skip
_PLACES = msgspec.json.Decoder(AfterService)


class SideRow(NamedTuple):
    """A requirement, and its newest result of each service that stands side by side."""

    code: str
    title: str
    cells: tuple[tuple[FoundService, Cell | None], ...]


class SilentSite(NamedTuple):
    """A monitored site that should have been measured, and was not."""

    service: FoundService
    site: SiteFacts


def routes(repository: Repository) -> APIRouter:
    """The routes of this page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/overview")
    def overview(request: Request, viewer: AnyViewer, after: str = "") -> Response:
        require(viewer, Permission.READ_RESULTS)
        place = place_in(after, _PLACES)
        now: datetime = request.app.state.now()
        with repository.reading(viewer) as reading:
            found = services(reading, place, ON_A_PAGE + 1)
            states = document_states(reading, SERVICE)
            waits = waiting(reading, MOST_WAITING + 1)
        seen = _Seen(found, states, waits, is_first=place is None)
        return _page(request, viewer, seen, now)

    @router.get("/overview/services.csv")
    def table(request: Request, viewer: AnyViewer) -> Response:
        require(viewer, Permission.READ_RESULTS)
        now = request.app.state.now()
        rows = (_cells(each, now) for each in _all(repository, viewer))
        return csv_answer("services", SERVICES, rows)

    @router.get("/overview/requirements.csv")
    def requirements(viewer: AnyViewer) -> Response:
        require(viewer, Permission.READ_RESULTS)
        rows = (row for each in _all(repository, viewer) for row in _results(each))
        return csv_answer("requirements", REQUIREMENTS, rows)

    return router


class _Seen(NamedTuple):
    """What a page is made of: services, the states of all, and what waits."""

    found: list[FoundService]
    states: list[str]
    waits: list[Waiting]
    is_first: bool


def _page(request: Request, viewer: Viewer, seen: _Seen, now: datetime) -> Response:
    shown, waits = seen.found[:ON_A_PAGE], seen.waits
    title = headline(seen.states, shown[0].facts.service if shown else "")
    silent = [SilentSite(each, site) for each in shown for site in each.facts.silent_sites(now)]
    return page(
        request,
        "overview_page.html.j2",
        title,
        lead=overview_lead(shown, waits),
        shown=shown,
        total=len(seen.states),
        is_first=seen.is_first,
        next_url=_next_url(seen.found),
        waits=waits[:MOST_WAITING],
        has_more=len(waits) > MOST_WAITING,
        silent=silent[:MOST_WAITING] if viewer.may(Permission.READ_SITES) else [],
        side=_side_by_side(shown[:SIDE_BY_SIDE]),
        beside=shown[:SIDE_BY_SIDE],
        now=now,
        ago=ago,
        when_due=when_due,
        small_chart=small_chart,
        weeks_of=weeks_of,
        suspended_weeks=suspended_weeks,
        strip_words=strip_words,
    )


def _next_url(found: Sequence[FoundService]) -> str:
    if len(found) <= ON_A_PAGE:
        return ""
    return address("overview", after=place_after(*place_of(found[ON_A_PAGE - 1])))


def _side_by_side(shown: Sequence[FoundService]) -> list[SideRow]:
    """The requirements of some services, those with the worst results first."""
    codes: dict[str, list[Cell]] = {}
    for each in shown:
        for code, cell in each.facts.cells.items():
            if cell.is_binding:
                codes.setdefault(code, []).append(cell)

    def worst(code: str) -> tuple[int, str]:
        return min(WORST_FIRST.index(cell.state) for cell in codes[code]), code

    return [
        SideRow(
            code=code,
            title=codes[code][0].title,
            cells=tuple((each, each.facts.cells.get(code)) for each in shown),
        )
        for code in sorted(codes, key=worst)[:MOST_ROWS]
    ]


def _all(repository: Repository, viewer: Viewer) -> Iterator[FoundService]:
    """All services that a viewer sees, some at a time."""
    place: AfterService | None = None
    while True:
        with repository.reading(viewer) as reading:
            found = services(reading, place, AT_ONCE)
        yield from found
        if len(found) < AT_ONCE:
            return
        place = place_of(found[-1])


def _cells(each: FoundService, now: datetime) -> tuple[CsvCell, ...]:
    facts = each.facts
    status, worst = facts.accreditation, facts.worst
    return (
        facts.supplier,
        facts.service,
        status.version if status else "",
        status.status_at(now).value if status else "",
        status.since if status else None,
        status.until if status else None,
        facts.state,
        worst.about.requirement if worst else "",
        worst.figure.state if worst else "",
        worst.figure.measured if worst else "",
        worst.figure.bounds if worst else "",
        worst.figure.required if worst else "",
        facts.campaigns,
        facts.last_campaign,
        facts.last,
        len(facts.sites),
        len(facts.silent_sites(now)),
        len(facts.plans),
        len(facts.alarms),
    )


def _results(each: FoundService) -> Iterator[tuple[CsvCell, ...]]:
    facts = each.facts
    for code, cell in facts.cells.items():
        yield (
            facts.supplier, facts.service, code, cell.title, cell.is_binding, cell.state,
            cell.measured, cell.campaign, cell.scheme,
        )  # fmt: skip
