"""The pages of action plans: a board by urgency, plans that ended, and one plan with its forms."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response

from harness.follow.deadlines import is_reached
from harness.follow.due_dates import in_words, obligations
from harness.follow.retest_levels import level_words
from harness.follow.state import StreamState
from harness.model.hub_access import Permission, Viewer
from harness.model.obligation import Lane
from harness.model.person_names import shown_name
from harness.store.hub.campaign_rows import sites_of
from harness.store.hub.documents import (
    StoredDocument,
    count_documents,
    read_document,
    read_documents,
)
from harness.store.hub.repository import Reading, Repository
from reports.dashboard.access import AnyViewer, NotHere, require, viewer_of
from reports.dashboard.act_forms import PLAN_ACTS, FormField, forms_of_plan
from reports.dashboard.acts import ActRefused, Acts
from reports.dashboard.addresses import address, name_in
from reports.dashboard.csv_answers import csv_answer
from reports.dashboard.follow_up_facts import ENDED, ESCALATED, OPEN, PLAN, PLANS, PlanFacts
from reports.dashboard.form_values import revision_of, typed
from reports.dashboard.forms import Form, Posted
from reports.dashboard.item_words import names_hidden
from reports.dashboard.pages.follow_up_pages import (
    MOST_ROWS,
    NO_VALUES,
    ROWS,
    TriedForm,
    done,
    next_url,
    place_of,
    require_stream,
)
from reports.dashboard.rendering import moment, page
from reports.next_steps import STATES, day
from reports.site.board_facts import (
    STEPS,
    WAITING,
    Board,
    PlanCard,
    board_of,
    headline_of,
    lead_of,
)
from reports.site.stream_view import StreamView
from reports.words import SEVERITIES, capitalised

MOST_CARDS = 100
"""How many open plans the board shows: those that are escalated, then those that are due first."""

LEFT = (ESCALATED, OPEN)
"""The states of plans that are open."""

CSV_HEADER = (
    "supplier", "plan", "service", "requirement", "title", "severity", "state", "lane", "due",
    "original_due", "ended", "who", "act",
)  # fmt: skip


class ListedPlan(NamedTuple):
    """A plan in a list: the path of its page, and its facts."""

    path: str
    facts: PlanFacts


def routes(repository: Repository, acts: Acts) -> APIRouter:
    """The routes of the pages of action plans."""
    router = APIRouter(include_in_schema=False)

    @router.get("/plans")
    def show_board(
        request: Request, viewer: AnyViewer, service: str = "", waiting: str = "", after: str = ""
    ) -> Response:
        require(viewer, Permission.READ_PLANS)
        with repository.reading(viewer) as reading:
            return _board_page(request, reading, service[:200], waiting, after)

    @router.get("/plans.csv")
    def plans_as_csv(request: Request, viewer: AnyViewer) -> Response:
        require(viewer, Permission.READ_PLANS)
        with repository.reading(viewer) as reading:
            stored = _all(reading)
        return csv_answer("plans", CSV_HEADER, _csv_rows(stored, request.app.state.now()))

    def shown(request: Request, stream: str, name: str, tried: TriedForm | None = None) -> Response:
        viewer = viewer_of(request)
        require_stream(viewer, stream, Permission.READ_PLANS)
        with repository.reading(viewer) as reading:
            stored = read_document(reading, PLAN, stream, name)
            if stored is None:
                raise NotHere
            known = frozenset(sites_of(reading, stream, _campaigns_in(stored)))
        return _plan_page(request, stored, known, tried)

    @router.get("/plans/{stream}/{name}")
    def show_plan(request: Request, stream: str, name: str) -> Response:
        return shown(request, name_in(stream), name_in(name))

    @router.post("/plans/{stream}/{name}/{act}")
    def act_on_plan(request: Request, sent: Posted, stream: str, name: str, act: str) -> Response:
        if act not in PLAN_ACTS:
            raise NotHere
        viewer, stream, name = viewer_of(request), name_in(stream), name_in(name)
        require_stream(viewer, stream, PLAN_ACTS[act].permission)
        tried = _act(acts, viewer, stream, name, act, sent)
        if tried is None:
            return done(address("plans", stream, name), act)
        return shown(request, stream, name, tried)

    return router


def _all(reading: Reading) -> tuple[StoredDocument, ...]:
    """The plans that the viewer sees: the open ones by date, and those that ended, last first."""
    left = read_documents(reading, PLAN, LEFT, limit=MOST_ROWS)
    ended = read_documents(reading, PLAN, (ENDED,), limit=MOST_ROWS, newest_first=True)
    return (*left.documents, *ended.documents)


def _on_the_board(reading: Reading) -> tuple[StoredDocument, ...]:
    """The open plans that the board shows."""
    found: tuple[StoredDocument, ...] = ()
    for state in LEFT:
        rest = MOST_CARDS - len(found)
        found += read_documents(reading, PLAN, (state,), limit=rest).documents if rest else ()
    return found


def _act(
    acts: Acts, viewer: Viewer, stream: str, plan: str, act: str, sent: Form
) -> TriedForm | None:
    """Carry out an act; what was typed and why it was refused, or ``None``."""
    if act == "agree" and sent.text("as") == "submitted":
        values, errors = NO_VALUES, NO_VALUES  # it is agreed as it was submitted
    else:
        # which milestones and levels there are, the plan says where the act is recorded
        fields = (replace(x, kind="line") if x.kind == "choice" else x for x in _fields(act))
        values, errors = typed(tuple(fields), sent)
    if errors:
        return TriedForm(act, values, errors)
    try:
        acts.act_on_plan(viewer, stream, plan, act, values, revision_of(sent))
    except ActRefused as refused:
        return TriedForm(act, values, refusal=str(refused))
    return None


def _fields(act: str) -> tuple[FormField, ...]:
    return PLAN_ACTS[act].fields


def _board_page(
    request: Request, reading: Reading, service: str, waiting: str, after: str
) -> Response:
    now, place = request.app.state.now(), place_of(after)
    total, stored = count_documents(reading, PLAN, LEFT), _on_the_board(reading)
    ended = read_documents(reading, PLAN, (ENDED,), limit=ROWS, after=place, newest_first=True)
    all_ended = count_documents(reading, PLAN, (ENDED,))
    views = _views(stored)
    board = board_of(views, now)
    services = sorted({card.obligation.service for _, cards in board.lanes for card in cards})
    chosen = _chosen(board, service, waiting)
    streams = {view.supplier: view.name for view in views}
    return page(
        request,
        "plan_board.html.j2",
        headline_of(board),
        lead=lead_of(board),
        lanes=chosen,
        path_of_card=lambda card: address(
            "plans", streams[card.obligation.supplier], card.obligation.plan
        ),
        has_several=reading.viewer.streams is None or len(reading.viewer.streams) > 1,
        services=[(each, each) for each in services],
        parties=[(str(party), capitalised(word)) for party, word in WAITING.items()],
        service=service,
        waiting=waiting,
        is_filtered=bool(service or waiting),
        shown=len(stored),
        total=total,
        ended=[ListedPlan(_path(each), PLANS.decode(each.body)) for each in ended.documents],
        all_ended=all_ended,
        next=next_url("plans", ended.next),
        is_first=not after,
    )


def _views(stored: Iterable[StoredDocument]) -> tuple[StreamView, ...]:
    """The open plans of each supplier, as the board takes them."""
    grouped: dict[str, list[PlanFacts]] = {}
    for each in stored:
        grouped.setdefault(each.stream, []).append(PLANS.decode(each.body))
    return tuple(_view(stream, found) for stream, found in grouped.items())


def _view(stream: str, found: Sequence[PlanFacts]) -> StreamView:
    state = StreamState(
        name=found[0].supplier,
        findings={facts.finding.id: facts.finding for facts in found},
        plans={facts.plan.id: facts.plan for facts in found},
    )
    return StreamView(stream, found[0].supplier, (), state, {}, (), {})


def _chosen(
    board: Board, service: str, waiting: str
) -> tuple[tuple[Lane, tuple[PlanCard, ...]], ...]:
    """The lanes with the cards of a service that wait for a party; of all, if none is given."""
    return tuple(
        (
            lane,
            tuple(
                card
                for card in cards
                if service in ("", card.obligation.service)
                and waiting in ("", str(card.obligation.party))
            ),
        )
        for lane, cards in board.lanes
    )


def _path(stored: StoredDocument) -> str:
    return address("plans", stored.stream, stored.id)


def _card(stored: StoredDocument, now: datetime) -> PlanCard | None:
    """What is due first of a plan; ``None`` if it has ended."""
    board = board_of(_views([stored]), now)
    return next((card for _, cards in board.lanes for card in cards), None)


def _csv_rows(stored: Sequence[StoredDocument], now: datetime) -> Iterator[tuple[str, ...]]:
    views = _views(each for each in stored if each.state in LEFT)
    cards = {
        (card.obligation.supplier, card.obligation.plan): card
        for _, found in board_of(views, now).lanes
        for card in found
    }
    for each in stored:
        facts = PLANS.decode(each.body)
        plan, finding = facts.plan, facts.finding
        card = cards.get((facts.supplier, plan.id))
        due = card.obligation.due if card else plan.effective_due
        yield (
            facts.supplier,
            plan.id,
            finding.service,
            finding.requirement,
            finding.title,
            finding.severity,
            str(plan.state),
            str(card.obligation.lane) if card else "",
            f"{due:%Y-%m-%d}",
            f"{plan.original_due:%Y-%m-%d}",
            f"{plan.ended:%Y-%m-%d}" if plan.ended else "",
            card.who if card else "",
            card.obligation.act if card else "",
        )


def _campaigns_in(stored: StoredDocument) -> frozenset[str]:
    """The names of the campaigns that a plan's page tells of."""
    facts = PLANS.decode(stored.body)
    retests = (each.campaign for each in facts.plan.retests)
    soaks = (each.campaign for each in facts.plan.soaks)
    return frozenset({facts.finding.campaign, *retests, *soaks})


def _plan_page(
    request: Request, stored: StoredDocument, known: Collection[str], tried: TriedForm | None
) -> Response:
    viewer, now = viewer_of(request), request.app.state.now()
    facts = PLANS.decode(stored.body)
    plan, finding = facts.plan, facts.finding
    recorded = request.query_params.get("done", "")
    return page(
        request,
        "plan.html.j2",
        f"{plan.id}: {finding.title}",
        status=tried.status if tried else 200,
        facts=facts,
        plan=plan,
        finding=finding,
        stream=stored.stream,
        card=_card(stored, now),
        levels=[capitalised(sentence) for sentence in level_words(plan, finding)],
        is_reached=is_reached,
        duties=obligations(_views([stored])[0].state, now),
        in_words=lambda one: in_words(one, now, day),
        state=STATES[plan.state],
        step=STEPS.get(plan.state, 7),
        severity=SEVERITIES.get(finding.severity, finding.severity),
        forms=list(forms_of_plan(plan, viewer, now)),
        tried=tried,
        recorded=PLAN_ACTS[recorded].title if recorded in PLAN_ACTS and tried is None else "",
        path=_path(stored),
        campaign_path=(
            address("campaigns", stored.stream, finding.campaign)
            if finding.campaign in known
            else ""
        ),
        service_path=address("services", stored.stream, finding.service),
        requirement_path=address(
            "services", stored.stream, finding.service, "requirements", finding.requirement
        ),
        campaign_of=lambda name: address("campaigns", stored.stream, name),
        known=known,
        names_items=viewer.may(Permission.READ_ITEMS) and names_hidden(viewer),
        named=shown_name,
        moment=moment,
        now=now,
        severity_words=SEVERITIES,
        day=day,
    )
