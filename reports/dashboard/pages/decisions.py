"""The pages of decisions on accreditation: what waits for one, each decision, and its basis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response

from harness.follow.accreditation import sentence_of, status_of
from harness.follow.decisions import STOPPABLE
from harness.model.coverage import format_value
from harness.model.decision import FAVOURABLE, LENIENCE, Proposal, Status
from harness.model.hub_access import Permission, Viewer
from harness.model.person_names import find_person, shown_name
from harness.store.hub.documents import (
    StoredDocument,
    count_documents,
    read_document,
    read_documents,
)
from harness.store.hub.repository import Reading, Repository
from reports import words
from reports.dashboard.access import AnyViewer, NotHere, require, viewer_of
from reports.dashboard.act_forms import DECIDE, DECIDE_AGAIN, RECOMMEND, ActForm
from reports.dashboard.acts import ActRefused, Acts, actor_of, who_may
from reports.dashboard.addresses import address, name_in
from reports.dashboard.csv_answers import csv_answer
from reports.dashboard.follow_up_facts import (
    DECISION,
    DECISIONS,
    REPLACED,
    STANDING,
    TO_DECIDE,
    UNDECIDED,
    DecisionFacts,
    UndecidedCampaign,
)
from reports.dashboard.form_values import revision_of, typed
from reports.dashboard.forms import Form, Posted
from reports.dashboard.pages.follow_up_pages import (
    MOST_ROWS,
    ROWS,
    TriedForm,
    done,
    next_url,
    place_of,
    require_stream,
)
from reports.dashboard.rendering import moment, page
from reports.next_steps import day
from reports.site.page_maker import counted
from reports.words import capitalised

BEFORE_DECISION = Permission.READ_EVIDENCE
"""Who sees what waits for a decision, and what the rules propose: no supplier."""

CSV_HEADER = (
    "supplier", "decision", "service", "version", "scheme", "scheme_version", "status", "at",
    "until", "by", "reason", "replaced_by",
)  # fmt: skip


class ListedDecision(NamedTuple):
    """A decision in a list: the path of its page, its facts, and its status now."""

    path: str
    facts: DecisionFacts
    status: Status


class ListedCampaign(NamedTuple):
    """A campaign that waits for a decision: the path of its page, and its facts."""

    path: str
    facts: UndecidedCampaign


def routes(repository: Repository, acts: Acts) -> APIRouter:
    """The routes of the pages of decisions."""
    router = APIRouter(include_in_schema=False)

    @router.get("/decisions")
    def list_decisions(request: Request, viewer: AnyViewer, after: str = "") -> Response:
        require(viewer, Permission.READ_DECISIONS)
        with repository.reading(viewer) as reading:
            return _list_page(request, reading, after)

    @router.get("/decisions.csv")
    def decisions_as_csv(request: Request, viewer: AnyViewer) -> Response:
        require(viewer, Permission.READ_DECISIONS)
        with repository.reading(viewer) as reading:
            found = read_documents(
                reading, DECISION, (STANDING, REPLACED), limit=MOST_ROWS, newest_first=True
            )
        now = request.app.state.now()
        rows = (_csv_row(each, now) for each in found.documents)
        return csv_answer("decisions", CSV_HEADER, rows)

    def shown(request: Request, stream: str, name: str, tried: TriedForm | None = None) -> Response:
        stored = _stored(repository, viewer_of(request), stream, name)
        if stored.state == TO_DECIDE:
            return _campaign_page(request, stored, acts, tried)
        return _decision_page(request, stored, tried)

    @router.get("/decisions/{stream}/{name}")
    def show_decision(request: Request, stream: str, name: str) -> Response:
        return shown(request, name_in(stream), name_in(name))

    @router.post("/decisions/{stream}/{name}/{act}")
    def act_on(request: Request, sent: Posted, stream: str, name: str, act: str) -> Response:
        viewer, stream, name = viewer_of(request), name_in(stream), name_in(name)
        form = ACTS.get(act)
        if form is None:
            raise NotHere
        require_stream(viewer, stream, form.permission)
        stored = _stored(repository, viewer, stream, name)
        answer = _carry_out(form, acts, viewer, stored, sent)
        if isinstance(answer, str):
            return done(address("decisions", stream, answer), form.name)
        return shown(request, stream, name, answer)

    return router


def _stored(repository: Repository, viewer: Viewer, stream: str, name: str) -> StoredDocument:
    """A decision, or a campaign that waits for one. Raises NotHere."""
    require_stream(viewer, stream, Permission.READ_DECISIONS)
    with repository.reading(viewer) as reading:
        stored = read_document(reading, DECISION, stream, name)
    if stored is None or (stored.state == TO_DECIDE and not viewer.may(BEFORE_DECISION)):
        raise NotHere
    return stored


ACTS = {form.name: form for form in (RECOMMEND, DECIDE)}
"""What can be done about a campaign that waits for a decision, or about a decision."""


def _carry_out(
    form: ActForm, acts: Acts, viewer: Viewer, stored: StoredDocument, sent: Form
) -> TriedForm | str:
    """Review or decide, and return the id of the page to show; or why that was refused."""
    if stored.state == TO_DECIDE:
        form = _form_for(UNDECIDED.decode(stored.body), Status.ACCREDITED, form)
    elif form is RECOMMEND:
        raise NotHere
    else:
        form = DECIDE_AGAIN
    values, errors = typed(form.fields, sent)
    if errors:
        return TriedForm(form.name, values, errors)
    revision = revision_of(sent)
    try:
        if form.name == RECOMMEND.name:
            acts.recommend(viewer, stored.stream, stored.id, values, revision)
            return stored.id
        return acts.decide(viewer, stored.stream, stored.id, values, revision)
    except ActRefused as refused:
        return TriedForm(form.name, values, refusal=str(refused))


def _form_for(facts: UndecidedCampaign, proposed: Status, form: ActForm = DECIDE) -> ActForm:
    """The form to review or decide about a campaign: what is proposed, and what is stricter."""
    possible = LENIENCE[LENIENCE.index(proposed) :]
    choices = {
        "status": tuple((str(each), words.STATUSES[each]) for each in possible),
        "version": tuple((each, each) for each in facts.versions),
    }
    fields = (replace(x, choices=choices.get(x.name, x.choices)) for x in form.fields)
    is_favourable = proposed in FAVOURABLE
    return replace(form, fields=tuple(x for x in fields if x.name != "until" or is_favourable))


def _forms(viewer: Viewer, facts: UndecidedCampaign, proposal: Proposal) -> Iterator[ActForm]:
    """The forms to review and to decide, as far as the viewer may use one of them."""
    people = (*facts.people, *(proposal.basis.judges if proposal.basis else ()))
    part = find_person(actor_of(viewer), people)
    reviewers = tuple(one.by for one in facts.recommended)
    for form in (RECOMMEND, DECIDE):
        if not viewer.may(form.permission):
            continue
        obstacle = ""
        if part is not None:
            obstacle = (
                f"{shown_name(part)} measured the service or judged evidence of it, has a part in "
                "one of its action plans, or speaks for its supplier, and cannot do this. Another "
                f"person may: {who_may(form.permission)}."
            )
        elif form is DECIDE and proposal.status in FAVOURABLE:
            obstacle = _review_obstacle(viewer, reviewers)
        yield replace(_form_for(facts, proposal.status, form), obstacle=obstacle)


def _review_obstacle(viewer: Viewer, reviewers: tuple[str, ...]) -> str:
    """Why a viewer may not accredit yet: nobody else has reviewed the evaluation."""
    if not reviewers:
        return f"Somebody else reviews the evaluation first: {who_may(Permission.REVIEW)}."
    if find_person(actor_of(viewer), reviewers[-1:]) is not None:
        return (
            f"You reviewed this evaluation. Another person decides: {who_may(Permission.DECIDE)}."
        )
    return ""


def _list_page(request: Request, reading: Reading, after: str) -> Response:
    now, place, viewer = request.app.state.now(), place_of(after), reading.viewer
    waiting: tuple[StoredDocument, ...] = ()
    total = 0
    if viewer.may(BEFORE_DECISION):
        waiting = read_documents(reading, DECISION, (TO_DECIDE,), limit=ROWS).documents
        total = count_documents(reading, DECISION, (TO_DECIDE,))
    found = read_documents(
        reading,
        DECISION,
        (STANDING, REPLACED),
        limit=ROWS,
        after=place,
        newest_first=True,
    )
    made = count_documents(reading, DECISION, (STANDING, REPLACED))
    title = capitalised(counted(made, "decision was made", "decisions were made"))
    if total:
        title = capitalised(counted(total, "campaign waits", "campaigns wait")) + " for a decision"
    return page(
        request,
        "decision_list.html.j2",
        title,
        waiting=[ListedCampaign(_path(each), UNDECIDED.decode(each.body)) for each in waiting],
        total=total,
        sees_waiting=viewer.may(BEFORE_DECISION),
        decisions=[_listed(each, now) for each in found.documents],
        made=made,
        next=next_url("decisions", found.next),
        is_first=not after,
        named=shown_name,
        day=day,
    )


def _path(stored: StoredDocument) -> str:
    return address("decisions", stored.stream, stored.id)


def _listed(stored: StoredDocument, now: datetime) -> ListedDecision:
    facts = DECISIONS.decode(stored.body)
    return ListedDecision(_path(stored), facts, _status(facts, now))


def _status(facts: DecisionFacts, now: datetime) -> Status:
    """The status that a decision gives now; of one that was replaced, what was decided."""
    if facts.replaced_by:
        return facts.held.decision.status
    return status_of(facts.held, facts.stops, now)


def _csv_row(stored: StoredDocument, now: datetime) -> Sequence[str]:
    facts = DECISIONS.decode(stored.body)
    held, decision = facts.held, facts.held.decision
    return (
        facts.supplier,
        decision.id,
        decision.service,
        decision.version,
        decision.scheme,
        decision.scheme_version,
        str(_status(facts, now)),
        held.at.isoformat(),
        decision.until.isoformat() if decision.until else "",
        shown_name(held.by),
        decision.reason,
        facts.replaced_by,
    )


def _campaign_page(
    request: Request, stored: StoredDocument, acts: Acts, tried: TriedForm | None
) -> Response:
    """A campaign that waits for a decision; what the rules propose is worked out if it is asked."""
    viewer, facts = viewer_of(request), UNDECIDED.decode(stored.body)
    proposal: Proposal | None = None
    missing = ""
    if request.query_params.get("proposal") == "yes" or tried is not None:
        try:
            proposal = acts.proposal(viewer, stored.stream, stored.id)
        except ActRefused as refused:
            missing = str(refused)
    forms = tuple(_forms(viewer, facts, proposal)) if proposal is not None else ()
    return page(
        request,
        "undecided.html.j2",
        f"To decide: {facts.service}, campaign {facts.campaign}",
        status=tried.status if tried else 200,
        facts=facts,
        proposal=proposal,
        missing=missing,
        forms=forms,
        tried=tried,
        recorded=request.query_params.get("done") == RECOMMEND.name and tried is None,
        path=_path(stored),
        campaign_path=address("campaigns", stored.stream, facts.campaign),
        service_path=address("services", stored.stream, facts.service),
        plan_of=lambda name: address("plans", stored.stream, name),
        figure=format_value,
        may_act=viewer.may(Permission.DECIDE) or viewer.may(Permission.REVIEW),
        named=shown_name,
        moment=moment,
        day=day,
    )


def _decision_page(request: Request, stored: StoredDocument, tried: TriedForm | None) -> Response:
    viewer, now = viewer_of(request), request.app.state.now()
    facts = DECISIONS.decode(stored.body)
    decision = facts.held.decision
    status = _status(facts, now)
    basis = decision.proposal.basis
    return page(
        request,
        "decision.html.j2",
        f"{decision.id}: {decision.service} {decision.version}",
        status=tried.status if tried else 200,
        facts=facts,
        held=facts.held,
        decision=decision,
        status_now=status,
        stops=[capitalised(sentence_of(stop)) for stop in facts.stops],
        proposal=decision.proposal,
        form=DECIDE_AGAIN if _can_stop(viewer, status, facts) else None,
        tried=tried,
        recorded=request.query_params.get("done") == DECIDE.name and tried is None,
        path=_path(stored),
        replaced_path=address("decisions", stored.stream, facts.replaced_by),
        campaign_path=address("campaigns", stored.stream, basis.campaign) if basis else "",
        service_path=address("services", stored.stream, decision.service),
        plan_of=lambda name: address("plans", stored.stream, name),
        figure=format_value,
        named=shown_name,
        moment=moment,
        day=day,
    )


def _can_stop(viewer: Viewer, status: Status, facts: DecisionFacts) -> bool:
    """Whether an accreditation can be suspended, withdrawn or terminated by the viewer."""
    is_stoppable = status in STOPPABLE
    return viewer.may(Permission.DECIDE) and is_stoppable and not facts.replaced_by
