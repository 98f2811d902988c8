"""A requirement of a service: all its results over time, each with its campaign and its items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from harness.model.hub_access import Permission, Viewer
from harness.store.hub.repository import Reading, Repository
from harness.store.hub.service_rows import BeforeResult
from reports.dashboard.access import AnyViewer, NotHere, require
from reports.dashboard.addresses import address, place_after, place_in
from reports.dashboard.csv_answers import Cell, csv_answer
from reports.dashboard.figure_charts import small_chart
from reports.dashboard.pictures import pictures_of
from reports.dashboard.rendering import page
from reports.dashboard.result_facts import OUTCOME_FACTS, CurrentFacts, Figure, OutcomeFacts
from reports.dashboard.service_facts import RequirementFacts
from reports.dashboard.service_reading import (
    FoundPage,
    FoundService,
    HeldSeries,
    find_requirement,
    find_service,
    results,
    series,
)
from reports.next_steps import ago
from reports.phrases import tight

if TYPE_CHECKING:
    from sqlalchemy import Row

ON_A_PAGE, AT_ONCE = 25, 500
_PLACES = msgspec.json.Decoder(BeforeResult)

COLUMNS = (
    "service", "requirement", "title", "profile", "line", "site", "schedule", "state", "value",
    "lower", "upper", "limit", "measured", "bounds", "required", "campaign", "scheme",
    "measured_at",
)  # fmt: skip
FIGURES = (
    "campaign", "measured_at", "state", "value", "lower", "upper", "limit", "measured", "bounds",
    "required", "results", "worst",
)  # fmt: skip


def routes(repository: Repository) -> APIRouter:
    """The routes of this page."""
    router = APIRouter(include_in_schema=False)
    path = "/services/{stream}/{service}/requirements/{code}"

    @router.get(path)
    def requirement_page(
        request: Request,
        viewer: AnyViewer,
        stream: str,
        service: str,
        code: str,
        figures: str = "",
        after: str = "",
    ) -> Response:
        require(viewer, Permission.READ_RESULTS)
        before = place_in(after, _PLACES)
        with repository.reading(viewer) as reading:
            asked = _find(reading, stream, service, code, figures)
            rows = results(
                reading, asked.found.service, asked.facts.requirement, before, ON_A_PAGE + 1
            )
        return _page(request, viewer, asked, rows, is_first=before is None)

    @router.get(f"{path}/results.csv")
    def table(viewer: AnyViewer, stream: str, service: str, code: str) -> Response:
        require(viewer, Permission.READ_RESULTS)
        with repository.reading(viewer) as reading:
            asked = _find(reading, stream, service, code, "")
        name = f"{asked.facts.service}-{asked.facts.requirement}"
        return csv_answer(name, COLUMNS, _all(repository, viewer, asked))

    @router.get(f"{path}/figures.csv")
    def drawn(
        viewer: AnyViewer, stream: str, service: str, code: str, figures: str = ""
    ) -> Response:
        require(viewer, Permission.READ_RESULTS)
        with repository.reading(viewer) as reading:
            asked = _find(reading, stream, service, code, figures)
        rows = (_figure(each) for one in asked.held for each in one.facts.figures)
        return csv_answer(f"{asked.facts.service}-{asked.facts.requirement}-figures", FIGURES, rows)

    return router


class _Asked(NamedTuple):
    """A requirement of a service, and the newest result whose series is drawn."""

    found: FoundPage
    facts: RequirementFacts
    chosen: CurrentFacts
    held: list[HeldSeries]


def _find(reading: Reading, stream: str, service: str, code: str, figures: str) -> _Asked:
    """What an address names. Raises NotHere."""
    found = find_service(reading, stream, service)
    facts = find_requirement(reading, found, code)
    chosen = _chosen(facts, figures)
    return _Asked(found, facts, chosen, series(reading, found.service.stream, [chosen.series]))


def _page(
    request: Request, viewer: Viewer, asked: _Asked, rows: list[Row[Any]], *, is_first: bool
) -> Response:
    found, facts = asked.found, asked.facts
    now: datetime = request.app.state.now()
    pictures = pictures_of(found, asked.held, now)
    return page(
        request,
        "requirement_page.html.j2",
        _title(facts, asked.chosen, now),
        at="/overview",
        service=found.service,
        facts=facts,
        chosen=asked.chosen,
        ago=ago,
        now=now,
        drawing=pictures.drawing,
        pictures=pictures.pictures,
        small_chart=small_chart,
        results=[(row, OUTCOME_FACTS.decode(row.body)) for row in rows[:ON_A_PAGE]],
        items_url=_items_url(found.service, viewer),
        is_first=is_first,
        next_url=_next_url(found, facts, rows),
    )


def _chosen(facts: RequirementFacts, figures: str) -> CurrentFacts:
    """The newest result whose series is drawn: that of the id, else the worst. Raises NotHere."""
    for each in facts.currents:
        if figures in {"", each.series}:
            return each
    raise NotHere


def _title(facts: RequirementFacts, told: CurrentFacts, now: datetime) -> str:
    """What was measured last, when that was, and what is required."""
    required = f", required is {told.figure.required}" if told.figure.required else ""
    when = f"measured {ago(told.figure.at, now)}"
    return tight(f"{facts.requirement}: {told.figure.measured}, {when}{required}")


def _next_url(found: FoundPage, facts: RequirementFacts, rows: list[Row[Any]]) -> str:
    if len(rows) <= ON_A_PAGE:
        return ""
    last = rows[ON_A_PAGE - 1]
    place = place_after(last.measured_at, last.campaign, last.scheme, last.number)
    return found.service.requirement_url(facts.requirement, after=place)


def _items_url(service: FoundService, viewer: Viewer) -> Callable[[Row[Any]], str]:
    """The addresses of the items behind results; empty for who may not see items."""
    is_allowed = viewer.may(Permission.READ_ITEMS)

    def items_url(row: Row[Any]) -> str:
        names = ("scheme", "requirement", "profile", "line")
        values = {name: str(getattr(row, name)) for name in names}
        where = "campaigns", service.stream, str(row.campaign), "items"
        return address(*where, **values) if is_allowed else ""

    return items_url


def _all(repository: Repository, viewer: Viewer, asked: _Asked) -> Iterator[tuple[Cell, ...]]:
    """All results, some at a time."""
    service, code = asked.found.service, asked.facts.requirement
    before: BeforeResult | None = None
    while True:
        with repository.reading(viewer) as reading:
            rows = results(reading, service, code, before, AT_ONCE)
        for row in rows:
            yield _cells(row, OUTCOME_FACTS.decode(row.body))
        if len(rows) < AT_ONCE:
            return
        last = rows[-1]
        before = BeforeResult(last.measured_at, last.campaign, last.scheme, last.number)


def _cells(row: Row[Any], facts: OutcomeFacts) -> tuple[Cell, ...]:
    figure = facts.figure
    return (
        row.service, row.requirement, facts.title, row.profile, row.line, row.site, row.schedule,
        row.state, row.value, row.lower, row.upper, figure.limit, figure.measured, figure.bounds,
        figure.required, row.campaign, row.scheme, row.measured_at,
    )  # fmt: skip


def _figure(figure: Figure) -> tuple[Cell, ...]:
    return (
        figure.campaign, figure.at, figure.state, figure.value, figure.lower, figure.upper,
        figure.limit, figure.measured, figure.bounds, figure.required, figure.results,
        figure.worst or figure.state,
    )  # fmt: skip
