"""Two runs of a service beside each other: what changed, and whether it is the service or us."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from harness.model.hub_access import Permission, Viewer
from harness.store.hub.campaign_rows import runs_of
from harness.store.hub.item_rows import ChangedItem
from harness.store.hub.repository import Reading, Repository
from reports.dashboard.access import AnyViewer, NotHere, require
from reports.dashboard.addresses import address, checked, place_after, place_in
from reports.dashboard.campaign_reading import FoundCampaign, find_campaign, service_url
from reports.dashboard.csv_answers import Cell, csv_answer
from reports.dashboard.item_words import names_hidden
from reports.dashboard.rendering import page
from reports.dashboard.run_comparison import (
    SHOWN,
    Comparison,
    Comparisons,
    Counted,
    conditions,
    items_after,
    runs_between,
    transitions,
)
from reports.next_steps import day
from reports.words import STATES, category_name

if TYPE_CHECKING:
    from sqlalchemy import Row

AT_ONCE = 500
_NEEDS = Permission.READ_RESULTS, Permission.READ_ITEMS
_PLACES = msgspec.json.Decoder(tuple[int, int])

COLUMNS = (
    "item", "value", "category", "profile", "line", "probe", "state_before", "state_after",
    "rule_before", "rule_after",
)  # fmt: skip


WORDS = (
    ("item stopped being blocked", "items stopped being blocked"),
    ("item that must stay open is blocked now", "items that must stay open are blocked now"),
    ("item became blocked, as it must be", "items became blocked, as they must be"),
    ("item was opened again", "items were opened again"),
    ("item changed otherwise", "items changed otherwise"),
)
"""What changed, of one item and of several; the worst first."""


class Asked(NamedTuple):
    """Which runs are compared: two campaigns of a supplier by a scheme (empty: any)."""

    stream: str
    before: str
    after: str
    scheme: str


def routes(repository: Repository) -> APIRouter:
    """The routes of this page."""
    router = APIRouter(include_in_schema=False)
    comparisons = Comparisons()

    @router.get("/compare")
    def compare(
        request: Request,
        viewer: AnyViewer,
        stream: str = "",
        before: str = "",
        after: str = "",
        scheme: str = "",
        place: str = "",
    ) -> Response:
        require(viewer, *_NEEDS)
        asked = Asked(*map(checked, (stream, before, after, scheme)))
        at = place_in(place, _PLACES)
        with repository.reading(viewer) as reading:
            runs = _runs(reading, asked)
            if runs.before is None:
                return _choose(request, runs)
            now = request.app.state.now()
            found = comparisons.of(reading, runs.before, runs.after, now)
            if at is not None:
                found = found._replace(items=_items(reading, runs, found, at))
        return _page(request, viewer, runs, found)

    @router.get("/compare.csv")
    def table(
        request: Request,
        viewer: AnyViewer,
        stream: str,
        before: str,
        after: str,
        scheme: str = "",
    ) -> Response:
        require(viewer, *_NEEDS)
        asked = Asked(*map(checked, (stream, before, after, scheme)))
        with repository.reading(viewer) as reading:
            runs = _runs(reading, asked)
            if runs.before is None:
                raise NotHere
            found = comparisons.of(reading, runs.before, runs.after, request.app.state.now())
        rows = _all(repository, viewer, runs, found)
        return csv_answer("changed-items", COLUMNS, (_cells(each, viewer) for each in rows))

    return router


class Compared(NamedTuple):
    """The two runs, the earlier one first if there is one, and the runs that can be chosen."""

    before: FoundCampaign | None
    after: FoundCampaign
    choices: list[Row[Any]]


def _runs(reading: Reading, asked: Asked) -> Compared:
    """The runs to compare: without an earlier one, the last before of the same place."""
    after = find_campaign(reading, asked.stream, asked.after, asked.scheme)
    choices = runs_of(reading, after.row.stream, after.row.service)
    earlier = asked.before or next(
        (
            row.campaign
            for row in choices
            if row.measured_at < after.row.measured_at
            and (row.site, row.schedule) == (after.row.site, after.row.schedule)
        ),
        "",
    )
    if not earlier:
        return Compared(None, after, choices)
    before = find_campaign(reading, asked.stream, earlier, asked.scheme)
    if before.row.service != after.row.service:
        raise NotHere
    return Compared(before, after, choices)


def _choose(request: Request, runs: Compared) -> Response:
    return page(
        request,
        "comparison.html.j2",
        "There is no earlier run to compare with",
        runs=runs,
        found=None,
        options=_options(runs),
        service_url=service_url(runs.after.row),
    )


def _options(runs: Compared) -> list[tuple[str, str]]:
    """The runs that can be chosen, with what people call them."""
    rows = [*runs.choices, *(each.row for each in (runs.before, runs.after) if each)]
    named = {row.campaign: (day(row.measured_at), row.campaign, row.site) for row in rows}
    return [(name, ", ".join(filter(None, words))) for name, words in named.items()]


def _page(request: Request, viewer: Viewer, runs: Compared, found: Comparison) -> Response:
    assert runs.before is not None
    shown, following = found.items[:SHOWN], ""
    values = {
        "stream": runs.after.row.stream,
        "before": runs.before.row.campaign,
        "after": runs.after.row.campaign,
        "scheme": runs.after.row.scheme,
    }
    if len(found.items) > SHOWN:
        last = shown[-1]
        happened = transitions(found.changes)
        at = happened.index((last.state_before, last.state))
        following = address("compare", **values, place=place_after(at, last.number))
    differ = conditions(runs.before, runs.after)
    ours = [each for each in differ if each.is_ours and each.differs]
    return page(
        request,
        "comparison.html.j2",
        _title(found.counted),
        runs=runs,
        found=found,
        options=_options(runs),
        ours=ours,
        lead=_lead(found, ours=bool(ours)),
        conditions=differ,
        requirements=[each for each in found.requirements if each.differs or each.points],
        items=[_line(each, viewer, runs) for each in shown],
        next_url=following,
        csv_url="/compare.csv" + address(**values),
        service_url=service_url(runs.after.row),
    )


def _title(counted: Counted) -> str:
    """What changed, in a sentence."""
    if not counted.trials:
        return "The two runs have no item in common"
    counts = (counted.stopped, counted.shut, counted.started, counted.opened, counted.other)
    for count, (one, several) in zip(counts, WORDS, strict=True):
        if count:
            return f"{count:,} {one if count == 1 else several}"
    return "No item changed between the two runs"


def _lead(found: Comparison, *, ours: bool) -> str:
    """Whether the service changed, or our own instrument."""
    counted = found.counted
    if not counted.changed:
        return "Every trial that both runs made ended alike."
    if ours:
        return (
            "Our own instrument changed between the two runs as well, so a difference may be ours "
            "and is no evidence about the service."
        )
    return (
        "Both runs were judged by the same rules and scheme, with the same corpus and software, "
        "so the difference comes from the service and not from us."
    )


class _Line(msgspec.Struct, frozen=True):
    """A changed item in words."""

    name: str
    value: str
    category: str
    where: str
    before: str
    after: str
    rules: str
    before_url: str
    after_url: str


def _line(item: ChangedItem, viewer: Viewer, runs: Compared) -> _Line:
    assert runs.before is not None
    name, value = _named(item, viewer)
    is_named = not item.is_hidden or names_hidden(viewer)
    before_url = runs.before.url("items", str(item.number_before)) if is_named else ""
    return _Line(
        name=name,
        value=value,
        category=category_name(item.category),
        where=f"{item.profile} on {item.line}, {item.probe}",
        before=STATES.get(item.state_before, item.state_before),
        after=STATES.get(item.state, item.state),
        rules=f"{item.rule_before}, {item.rule}",
        before_url=before_url,
        after_url=runs.after.url("items", str(item.number)),
    )


def _named(item: ChangedItem, viewer: Viewer) -> tuple[str, str]:
    if item.is_hidden and not names_hidden(viewer):
        return f"hidden item {item.number}", ""
    return item.item, "" if item.shown == item.item else item.shown


def _items(
    reading: Reading, runs: Compared, found: Comparison, at: tuple[int, int]
) -> tuple[ChangedItem, ...]:
    assert runs.before is not None
    happened = transitions(found.changes)
    if not 0 <= at[0] < len(happened) or at[1] < 0:
        raise NotHere
    between = runs_between(runs.before, runs.after)
    return tuple(each for _, each in items_after(reading, between, happened, at, SHOWN + 1))


def _all(
    repository: Repository, viewer: Viewer, runs: Compared, found: Comparison
) -> Iterator[ChangedItem]:
    """All changed items, each few hundred in a transaction of their own."""
    assert runs.before is not None
    happened, place = transitions(found.changes), (0, 0)
    between = runs_between(runs.before, runs.after)
    while True:
        with repository.reading(viewer) as reading:
            rows = list(items_after(reading, between, happened, place, AT_ONCE))
        yield from (item for _, item in rows)
        if len(rows) < AT_ONCE:
            return
        place = rows[-1][0], rows[-1][1].number


def _cells(item: ChangedItem, viewer: Viewer) -> tuple[Cell, ...]:
    name, value = _named(item, viewer)
    return (
        name, value, item.category, item.profile, item.line, item.probe, item.state_before,
        item.state, item.rule_before, item.rule,
    )  # fmt: skip
