"""A campaign: what it found, and whether it may be trusted; each of its tables as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from harness.model.hub_access import Permission, Viewer
from harness.store.hub.campaign_rows import read_outcomes
from harness.store.hub.repository import Repository
from reports import phrases
from reports.dashboard.access import AnyViewer, NotHere, require
from reports.dashboard.addresses import address, checked, name_in
from reports.dashboard.campaign_bodies import CampaignBody, CategoryFigures
from reports.dashboard.campaign_reading import (
    MOST_OUTCOMES,
    FoundCampaign,
    OutcomeLine,
    find_campaign,
    outcome_line,
    outcomes_of,
    service_url,
    supplier_name,
)
from reports.dashboard.csv_answers import Cell, csv_answer
from reports.dashboard.item_words import EXPECTED
from reports.dashboard.rendering import page
from reports.words import mechanism_name

MISSED_FIRST = {"block": "allowed", "allow": "blocked"}
"""The state that speaks against the service, by what is asked of a category."""


class PlainTable(NamedTuple):
    """A table as CSV: its columns, and what makes its rows."""

    columns: tuple[str, ...]
    rows: Callable[[CampaignBody], Iterator[tuple[Cell, ...]]]


def routes(repository: Repository) -> APIRouter:
    """The routes of this page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/campaigns/{stream}/{campaign}")
    def campaign_page(
        request: Request, viewer: AnyViewer, stream: str, campaign: str, scheme: str = ""
    ) -> Response:
        require(viewer, Permission.READ_RESULTS)
        with repository.reading(viewer) as reading:
            found = find_campaign(reading, name_in(stream), name_in(campaign), checked(scheme))
            lines = outcomes_of(reading, found, MOST_OUTCOMES)
        return _campaign_page(request, viewer, found, lines)

    @router.get("/campaigns/{stream}/{campaign}/outcomes.csv")
    def outcomes(viewer: AnyViewer, stream: str, campaign: str, scheme: str = "") -> Response:
        require(viewer, Permission.READ_RESULTS)
        with repository.reading(viewer) as reading:
            found = find_campaign(reading, name_in(stream), name_in(campaign), checked(scheme))
            lines = [outcome_line(row) for row in read_outcomes(reading, found.outcomes)]
        return csv_answer(
            f"{found.row.campaign}-outcomes", OUTCOME_COLUMNS, map(_outcome_cells, lines)
        )

    @router.get("/campaigns/{stream}/{campaign}/{table}.csv")
    def table_of(
        viewer: AnyViewer, stream: str, campaign: str, table: str, scheme: str = ""
    ) -> Response:
        require(viewer, Permission.READ_RESULTS)
        with repository.reading(viewer) as reading:
            found = find_campaign(reading, name_in(stream), name_in(campaign), checked(scheme))
        plain = TABLES.get(table)
        if plain is None or found.body is None:
            raise NotHere
        return csv_answer(f"{found.row.campaign}-{table}", plain.columns, plain.rows(found.body))

    return router


def _campaign_page(
    request: Request, viewer: Viewer, found: FoundCampaign, lines: list[OutcomeLine]
) -> Response:
    has_items = bool(found.row.has_items) and viewer.may(Permission.READ_ITEMS)
    return page(
        request,
        "campaign.html.j2",
        _title(found),
        found=found,
        row=found.row,
        body=found.body,
        lines=lines,
        has_items=has_items,
        items_url=_items_url(found) if has_items else _nowhere,
        categories=_worst_first(found.body) if found.body else [],
        missed_first=MISSED_FIRST,
        expected=EXPECTED,
        compare_url=_compare_url(found) if has_items else "",
        service_url=service_url(found.row),
        supplier=found.body.supplier if found.body else supplier_name(found.row.stream),
        place_in_words=place_in_words,
        mechanism_name=mechanism_name,
        most=MOST_OUTCOMES,
    )


def place_in_words(profile: str, line: str) -> str:
    """Where a check was made; an asterisk and an empty name stand for every one."""
    every = {"", "*"}
    if profile in every and line in every:
        return "everywhere"
    who = "every profile" if profile in every else profile
    return f"{who} on {'every line' if line in every else line}"


def _title(found: FoundCampaign) -> str:
    """What the campaign found, in a sentence."""
    if found.body is None:
        return f"Nothing is kept of what {found.row.campaign} found"
    if not found.body.finding:
        return found.body.headline
    word = phrases.WORDS.get(found.row.state, str(found.row.state))
    return f"{word}: {found.body.finding[:1].lower()}{found.body.finding[1:]}"


def _items_url(found: FoundCampaign) -> Callable[..., str]:
    return lambda **values: found.url("items", **values)


def _nowhere(**_: str) -> str:
    return ""


def _compare_url(found: FoundCampaign) -> str:
    return address(
        "compare",
        stream=str(found.row.stream),
        after=str(found.row.campaign),
        scheme=str(found.row.scheme),
    )


def _worst_first(body: CampaignBody) -> list[CategoryFigures]:
    """The categories: those with most trials against the service first."""
    return sorted(body.categories, key=lambda each: (-_missed(each), each.category))


def _missed(each: CategoryFigures) -> int:
    return {"block": each.allowed, "allow": each.blocked}.get(each.expects, 0)


OUTCOME_COLUMNS = (
    "requirement", "title", "area", "severity", "binding", "profile", "line", "outcome", "measured",
    "value", "lower", "upper", "unit", "k", "n", "tried", "undecided", "required", "limit",
    "reasons", "decided_by",
)  # fmt: skip


def _outcome_cells(line: OutcomeLine) -> tuple[Cell, ...]:
    row, body = line.row, line.body
    figures = (row.value, row.lower, row.upper)
    if body is None:
        empty = ("",) * 8
        return (
            row.requirement, "", "", "", row.is_binding, row.profile, row.line, row.state, "",
            *figures, *empty, "",
        )  # fmt: skip
    return (
        row.requirement, body.title, body.area, body.severity, row.is_binding, row.profile,
        row.line, body.word, body.measured, *figures, body.unit, body.k, body.n, body.tried,
        body.undecided, body.required, body.limit, "; ".join(body.reasons), body.decided_by,
    )  # fmt: skip


def _check_rows(body: CampaignBody) -> Iterator[tuple[Cell, ...]]:
    for each in body.checks:
        yield each.name, each.profile, each.line, each.held, each.detail, each.batches, each.voids


def _category_rows(body: CampaignBody) -> Iterator[tuple[Cell, ...]]:
    for each in body.categories:
        yield (
            each.category, each.name, each.frame, each.profile, each.line, each.expects,
            each.blocked, each.allowed, each.altered, each.down, each.insufficient,
        )  # fmt: skip


def _line_rows(body: CampaignBody) -> Iterator[tuple[Cell, ...]]:
    for each in body.lines:
        where = ", ".join(each.described)
        yield each.name, each.type, where, each.profiles, each.items, each.result


def _corpus_rows(body: CampaignBody) -> Iterator[tuple[Cell, ...]]:
    for each in body.corpora:
        name, _, rest = each.partition(" ")
        edition, _, digest = rest.partition(" ")
        yield name, edition, digest


def _record_rows(body: CampaignBody) -> Iterator[tuple[Cell, ...]]:
    for table in body.records:
        for row in table.rows:
            yield (table.title, *row)


def _named(columns: Sequence[str], rows: Callable[..., Iterator[tuple[Cell, ...]]]) -> PlainTable:
    return PlainTable(tuple(columns), rows)


TABLES = {
    "checks": _named(
        ("check", "profile", "line", "holds", "seen", "batches", "voids"), _check_rows
    ),
    "categories": _named(
        (
            "category", "name", "frame", "profile", "line", "policy", "blocked", "let_through",
            "changed", "down", "undecided",
        ),
        _category_rows,
    ),
    "mechanisms": _named(
        ("mechanism", "times"), lambda body: ((name, n) for name, n in body.mechanisms.items())
    ),
    "lines": _named(("line", "type", "where", "profiles", "items", "result"), _line_rows),
    "corpora": _named(("corpus", "version", "sha256"), _corpus_rows),
    "instrument": _named(("record", "what", "value"), _record_rows),
}  # fmt: skip
"""The tables of a campaign, by their names in addresses."""
