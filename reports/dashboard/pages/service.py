"""A service: what changed, when and why; its requirements over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from fastapi import APIRouter, Request, Response

from harness.model.hub_access import Permission, Viewer
from harness.model.surveillance_event import Intensity
from harness.store.hub.repository import Repository
from reports.dashboard.access import AnyViewer, require
from reports.dashboard.addresses import address
from reports.dashboard.csv_answers import Cell, csv_answer
from reports.dashboard.figure_charts import strip_words, suspended_weeks, weeks_of
from reports.dashboard.pictures import Pictures, pictures_of
from reports.dashboard.rendering import page
from reports.dashboard.service_facts import RequirementSummary, ServiceFacts
from reports.dashboard.service_reading import FoundPage, find_service, series
from reports.dashboard.service_words import service_lead, story_title
from reports.next_steps import ago

MOST_DRAWN = 7
"""How many requirements are drawn; the others are rows of a table."""

MOST_CONSEQUENCES = 20

INTENSITIES: dict[Intensity, str] = {
    "reduced": "Reduced",
    "normal": "Normal",
    "tightened": "Tightened",
    "discontinued": "Tightened, and an alarm: five such runs did not conform",
}
"""How strictly a service is monitored, in words; ISO 2859-1 calls the last one discontinued."""

COLUMNS = (
    "service", "requirement", "title", "area", "severity", "binding", "profile", "line", "site",
    "schedule", "state", "value", "lower", "upper", "limit", "measured", "bounds", "required",
    "campaign", "scheme", "measured_at",
)  # fmt: skip


def routes(repository: Repository) -> APIRouter:
    """The routes of this page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/services/{stream}/{service}")
    def service_page(request: Request, viewer: AnyViewer, stream: str, service: str) -> Response:
        require(viewer, Permission.READ_RESULTS)
        with repository.reading(viewer) as reading:
            found = find_service(reading, stream, service)
            chosen = _chosen(found.page.requirements)
            told = {each.series: each for each in chosen}
            held = series(reading, found.service.stream, told)
        now: datetime = request.app.state.now()
        return _page(request, viewer, found, pictures_of(found, held, now, told), now)

    @router.get("/services/{stream}/{service}/requirements.csv")
    def table(viewer: AnyViewer, stream: str, service: str) -> Response:
        require(viewer, Permission.READ_RESULTS)
        with repository.reading(viewer) as reading:
            found = find_service(reading, stream, service)
        return csv_answer(f"{found.page.facts.service}-requirements", COLUMNS, _rows(found))

    return router


def _chosen(requirements: Sequence[RequirementSummary]) -> list[RequirementSummary]:
    """The requirements that are drawn: first the one with the story, then the least sure."""
    drawn = [each for each in requirements if each.current.is_binding] or list(requirements)
    failing = [each for each in drawn if each.current.figure.state == "does-not-conform"]
    failed = [each for each in drawn if each.failures]
    story = (failing or failed or drawn)[:1]
    return [*story, *(each for each in drawn if each not in story)][:MOST_DRAWN]


def _page(
    request: Request,
    viewer: Viewer,
    found: FoundPage,
    pictures: Pictures,
    now: datetime,
) -> Response:
    service, facts = found.service, found.page.facts
    chosen = _chosen(found.page.requirements)
    shown = {each.requirement for each in chosen}
    story = chosen[0] if chosen else None
    return page(
        request,
        "service_page.html.j2",
        facts.service,
        at="/overview",
        service=service,
        facts=facts,
        lead=service_lead(found.page, now),
        accreditation=facts.accreditation,
        accreditations=found.page.accreditations,
        tabs=_tabs(found, viewer),
        story=story,
        story_title=story_title(story.current, story.failures) if story else "",
        drawing=pictures.drawing,
        pictures=pictures.pictures,
        others=[each for each in found.page.requirements if each.requirement not in shown],
        consequences=found.page.consequences[: -MOST_CONSEQUENCES - 1 : -1],
        silent=facts.silent_sites(now),
        now=now,
        ago=ago,
        intensities=INTENSITIES,
        weeks_of=weeks_of,
        suspended_weeks=suspended_weeks,
        strip_words=strip_words,
    )


def _tabs(found: FoundPage, viewer: Viewer) -> list[tuple[str, str, bool]]:
    """The parts of a service, as far as the viewer may see them."""
    service, facts = found.service, found.page.facts
    name = facts.service
    tabs = [
        ("Requirements", service.url, True),
        ("Campaigns", address("campaigns", service=name), False),
    ]
    if viewer.may(Permission.READ_PLANS):
        tabs.append((f"Action plans ({len(facts.plans)})", address("plans", service=name), False))
    if viewer.may(Permission.READ_DECISIONS):
        tabs.append(("Decisions", address("decisions", service=name), False))
    if facts.campaigns > 1 and viewer.may(Permission.READ_ITEMS):
        compared = address("compare", stream=service.stream, after=facts.last_campaign)
        tabs.append(("Compare two runs", compared, False))
    return tabs


def _rows(found: FoundPage) -> Iterator[tuple[Cell, ...]]:
    facts: ServiceFacts = found.page.facts
    for each in found.page.requirements:
        current, about, figure = each.current, each.current.about, each.current.figure
        yield (
            facts.service, each.requirement, current.title, current.area, current.severity,
            current.is_binding, about.profile, about.line, about.site, about.schedule,
            figure.state, figure.value, figure.lower, figure.upper, figure.limit,
            figure.measured, figure.bounds, figure.required, figure.campaign, about.scheme,
            figure.at,
        )  # fmt: skip
