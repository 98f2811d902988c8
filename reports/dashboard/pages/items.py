"""The items of a campaign: what happened to each, filtered, page by page, and as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from harness.model.hub_access import Permission, Viewer
from harness.store.hub.item_rows import STATES, After, Selected, read_items
from harness.store.hub.repository import Repository
from reports.dashboard.access import AnyViewer, require
from reports.dashboard.addresses import checked, name_in, place_after, place_in
from reports.dashboard.campaign_reading import FoundCampaign, find_campaign, service_url
from reports.dashboard.csv_answers import Cell, csv_answer
from reports.dashboard.item_choice import Choice, Found, chosen_items
from reports.dashboard.item_words import EXPECTED, Sign, Told, expects, how, sign_of, told
from reports.dashboard.rendering import page
from reports.words import STATES as STATE_WORDS
from reports.words import category_name, mechanism_name

if TYPE_CHECKING:
    from sqlalchemy import Row

ON_A_PAGE, AT_ONCE = 25, 1000
_PLACES = msgspec.json.Decoder(After)
_NEEDS = Permission.READ_RESULTS, Permission.READ_ITEMS

COLUMNS = (
    "number", "item", "value", "kind", "category", "profile", "line", "probe", "state", "mechanism",
    "rule", "policy", "tried_at",
)  # fmt: skip


def routes(repository: Repository) -> APIRouter:
    """The routes of this page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/campaigns/{stream}/{campaign}/items")
    def items(
        request: Request,
        viewer: AnyViewer,
        stream: str,
        campaign: str,
        scheme: str = "",
        after: str = "",
    ) -> Response:
        require(viewer, *_NEEDS)
        choice, place = Choice.of(request.query_params.items()), place_in(after, _PLACES)
        with repository.reading(viewer) as reading:
            found = find_campaign(reading, name_in(stream), name_in(campaign), checked(scheme))
            chosen = chosen_items(reading, found, choice, viewer)
            selected = chosen.selected
            rows = read_items(reading, selected, place, ON_A_PAGE + 1) if selected else []
        return _items_page(request, viewer, Listed(found, choice, chosen, rows))

    @router.get("/campaigns/{stream}/{campaign}/items.csv")
    def table(
        request: Request, viewer: AnyViewer, stream: str, campaign: str, scheme: str = ""
    ) -> Response:
        require(viewer, *_NEEDS)
        choice = Choice.of(request.query_params.items())
        with repository.reading(viewer) as reading:
            found = find_campaign(reading, name_in(stream), name_in(campaign), checked(scheme))
            chosen = chosen_items(reading, found, choice, viewer)
        rows = _all(repository, viewer, chosen)
        cells = (_cells(row, viewer, found) for row in rows)
        return csv_answer(f"{found.row.campaign}-items", COLUMNS, cells)

    return router


class Listed(NamedTuple):
    """The rows of a page, one more than are shown if there are more."""

    found: FoundCampaign
    choice: Choice
    chosen: Found
    rows: list[Row[Any]]


def _items_page(request: Request, viewer: Viewer, listed: Listed) -> Response:
    found, choice, chosen, rows = listed
    shown = rows[:ON_A_PAGE]
    following = ""
    if len(rows) > ON_A_PAGE:
        last = shown[-1]
        at = place_after(last.state, last.category, last.number)
        following = found.url("items", **choice._asdict(), after=at)
    return page(
        request,
        "items.html.j2",
        _title(shown, choice, is_part=bool(following)),
        found=found,
        choice=choice,
        outcome=chosen.outcome,
        lines=[_line(row, viewer, found) for row in shown],
        categories=_categories(found),
        states=[(each, STATE_WORDS[each].capitalize()) for each in STATES],
        mechanisms=_mechanisms(found),
        next_url=following,
        all_url=found.url("items"),
        items_path=found.url("items").partition("?")[0],
        csv_url=found.csv_url("items", **choice._asdict()),
        service_url=service_url(found.row),
    )


class _Line(msgspec.Struct, frozen=True):
    """A row of the list in words."""

    told: Told
    url: str
    category: str
    code: str
    where: str
    probe: str
    how: str
    rule: str
    sign: Sign
    policy: str


def _line(row: Row[Any], viewer: Viewer, found: FoundCampaign) -> _Line:
    policy = expects(found.body, row.category, row.profile)
    return _Line(
        told=told(row, viewer),
        url=found.url("items", str(row.number)),
        category=category_name(row.category),
        code=row.category,
        where=f"{row.profile} on {row.line}",
        probe=row.probe,
        how=how(row),
        rule=row.rule,
        sign=sign_of(row.state, policy),
        policy=EXPECTED.get(policy, ""),
    )


def _title(shown: list[Row[Any]], choice: Choice, *, is_part: bool) -> str:
    """What happened to the items that are shown, in a few words."""
    about = f" of {choice.requirement or choice.category}" * bool(
        choice.requirement or choice.category
    )
    if not shown:
        return "No item matches"
    count = len(shown)
    noun = "trial" if count == 1 else "trials"
    if choice.state:
        some = f"The next {count} {noun}" if is_part else f"{count} {noun}"
        return f"{some}{about}: {STATE_WORDS[choice.state]}"
    return f"What happened to the items{about or ' of this campaign'}"


def _categories(found: FoundCampaign) -> list[tuple[str, str]]:
    if found.body is None:
        return []
    named = {each.category: each.name for each in found.body.categories}
    words = ((code, f"{name} ({code})") for code, name in named.items())
    return sorted(words, key=lambda each: each[1])


def _mechanisms(found: FoundCampaign) -> list[tuple[str, str]]:
    names = found.body.mechanisms if found.body else {}
    return [(name, mechanism_name(name).capitalize()) for name in names]


def _all(repository: Repository, viewer: Viewer, chosen: Found) -> Iterator[Row[Any]]:
    """All items of a choice, a thousand at a time, each thousand in a transaction of its own."""
    selected: Selected | None = chosen.selected
    place: After | None = None
    while selected is not None:
        with repository.reading(viewer) as reading:
            rows = read_items(reading, selected, place, AT_ONCE)
        yield from rows
        if len(rows) < AT_ONCE:
            return
        place = After(rows[-1].state, rows[-1].category, rows[-1].number)


def _cells(row: Row[Any], viewer: Viewer, found: FoundCampaign) -> tuple[Cell, ...]:
    said = told(row, viewer)
    return (
        row.number, said.name, said.value, row.kind, row.category, row.profile, row.line, row.probe,
        row.state, row.mechanism, row.rule, expects(found.body, row.category, row.profile),
        said.tried_at,
    )  # fmt: skip
