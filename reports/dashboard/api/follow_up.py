"""The API for what follows results: action plans, decisions, alarms, and due dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from harness.model.hub_access import Permission, Viewer
from harness.model.obligation import Obligation
from harness.store.hub.documents import StoredDocument, read_documents
from harness.store.hub.repository import Repository
from reports.dashboard.access import AnyViewer, require
from reports.dashboard.addresses import place_after, place_in
from reports.dashboard.api.answers import AlarmAnswer, Answer, DecisionAnswer, Listed, PlanAnswer
from reports.dashboard.api.listing import PREFIX, REFUSALS, USUAL, After, Limit, Name, name
from reports.dashboard.follow_up_facts import (
    ALARM,
    ALARMS,
    DECISION,
    DECISIONS,
    ENDED,
    ESCALATED,
    OPEN,
    PLAN,
    PLANS,
    REPLACED,
    STANDING,
)
from reports.dashboard.rate_limit import RateLimit
from reports.exports.due_calendar import calendar_of

CALENDAR = "text/calendar; charset=utf-8"


class DueDates(Protocol):
    """What is due in the streams that a viewer sees. It blocks."""

    def __call__(self, viewer: Viewer) -> tuple[Obligation, ...]:
        """Everything that is due, worst first."""


Made = TypeVar("Made", bound=Answer)

_PLACES = msgspec.json.Decoder(tuple[datetime, str, str])


def follow_up_routes(
    repository: Repository, due: DueDates, now: Callable[[], datetime], limit_rate: RateLimit
) -> APIRouter:
    """The routes of plans, decisions, alarms and due dates."""
    router = APIRouter(
        prefix=PREFIX, tags=["follow-up"], responses=REFUSALS, dependencies=[Depends(limit_rate)]
    )

    @router.get("/plans")
    def plans(
        viewer: AnyViewer, service: Name = "", after: After = "", limit: Limit = USUAL
    ) -> Listed[PlanAnswer]:
        """Action plans, by their dates."""
        require(viewer, Permission.READ_PLANS)
        wanted = _Documents(PLAN, (OPEN, ESCALATED, ENDED), name(service), after, limit)
        return _listed(repository, viewer, wanted, plan_answer)

    @router.get("/decisions")
    def decisions(
        viewer: AnyViewer, service: Name = "", after: After = "", limit: Limit = USUAL
    ) -> Listed[DecisionAnswer]:
        """Decisions on accreditations, by their dates."""
        require(viewer, Permission.READ_DECISIONS)
        wanted = _Documents(DECISION, (STANDING, REPLACED), name(service), after, limit)
        return _listed(repository, viewer, wanted, decision_answer)

    @router.get("/alarms")
    def alarms(
        viewer: AnyViewer, service: Name = "", after: After = "", limit: Limit = USUAL
    ) -> Listed[AlarmAnswer]:
        """Alarms of surveillance, by their dates."""
        require(viewer, Permission.READ_ALARMS)
        wanted = _Documents(ALARM, (OPEN, ENDED), name(service), after, limit)
        return _listed(repository, viewer, wanted, alarm_answer)

    @router.get(
        "/calendar.ics", response_class=Response, responses={200: {"content": {CALENDAR: {}}}}
    )
    def calendar(viewer: AnyViewer) -> Response:
        """What is due as a calendar (RFC 5545), to which calendar programs subscribe.

        They sign in by HTTP Basic, with an API token as the password.
        """
        require(viewer, Permission.READ_PLANS)
        content = calendar_of(due(viewer), now(), "Accredit: what is due")
        return Response(content, 200, media_type=CALENDAR)

    return router


class _Documents:
    """Which documents are wanted."""

    def __init__(
        self, kind: str, states: tuple[str, ...], service: str, after: str, limit: int
    ) -> None:
        self.kind, self.states, self.service = kind, states, service
        self.after, self.limit = after, limit


def _listed(
    repository: Repository, viewer: Viewer, wanted: _Documents,
    answer: Callable[[StoredDocument], Made],
) -> Listed[Made]:  # fmt: skip
    place = place_in(wanted.after, _PLACES)
    with repository.reading(viewer) as reading:
        found = read_documents(
            reading, wanted.kind, wanted.states, limit=wanted.limit, after=place,
            service=wanted.service,
        )  # fmt: skip
    following = place_after(*found.next) if found.next else None
    return Listed(rows=[answer(each) for each in found.documents], next=following)


def plan_answer(document: StoredDocument) -> PlanAnswer:
    """A plan for programs: nothing that names an item."""
    facts = PLANS.decode(document.body)
    plan, finding = facts.plan, facts.finding
    levels = [each.level for each in plan.escalations if not each.dropped]
    return PlanAnswer(
        stream=document.stream, plan=plan.id, supplier=facts.supplier, service=finding.service,
        requirement=finding.requirement, severity=finding.severity, scheme=finding.scheme,
        campaign=finding.campaign, state=str(plan.state), opened=plan.opened,
        due=plan.effective_due, level=str(levels[-1]) if levels else None,
    )  # fmt: skip


def decision_answer(document: StoredDocument) -> DecisionAnswer:
    """A decision for programs."""
    facts = DECISIONS.decode(document.body)
    held = facts.held
    made = held.decision
    return DecisionAnswer(
        stream=document.stream, decision=made.id, supplier=facts.supplier, service=made.service,
        version=made.version, scheme=made.scheme, status=str(made.status), at=held.at, by=held.by,
        identity=held.identity, valid_until=made.until, is_replaced=bool(facts.replaced_by),
    )  # fmt: skip


def alarm_answer(document: StoredDocument) -> AlarmAnswer:
    """An alarm for programs: nothing that names an item."""
    facts = ALARMS.decode(document.body)
    alarm = facts.alarm
    raised = alarm.raised
    return AlarmAnswer(
        stream=document.stream, alarm=alarm.id, supplier=facts.supplier, service=raised.service,
        requirement=raised.requirement, profile=raised.profile, scheme=raised.scheme,
        rule=str(raised.rule), sites=list(raised.sites), of_sites=raised.of_sites,
        statement=raised.statement, state=str(alarm.state), raised=alarm.at,
        retest_by=raised.retest_by, acknowledged=alarm.acknowledged, ended=alarm.ended,
    )  # fmt: skip
