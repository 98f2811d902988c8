"""Make the documents of what waits for somebody: of plans, decisions, reviews and alarms."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from harness.cli.hub_history import HubStream
from harness.errors import first_of
from harness.follow.due_dates import lane_of, obligations
from harness.follow.standing import ServiceStanding, standing_at
from harness.model.action_plan import PlanState
from harness.model.alarm import Alarm, AlarmState
from harness.model.obligation import Lane, Obligation, ObligationKind, Party
from harness.store.hub.projection import Document
from reports.dashboard.service_facts import WAITING, WaitingFacts, WaitsFor, waiting_state
from reports.words import capitalised

SITES_SHOWN = 2

KINDS: dict[ObligationKind, WaitsFor] = {
    ObligationKind.VALIDITY: "decision",
    ObligationKind.APPEAL: "decision",
    ObligationKind.NEW_DECISION: "decision",
    ObligationKind.REVIEW: "review",
    ObligationKind.COMPLAINT: "review",
}
"""What obligations are about; all others are about plans."""


def waiting_documents(stream: HubStream) -> Iterator[Document]:
    """What waits: the most urgent act of each party on each plan, decision and review, and alarms.

    What is not due soon does not wait for anybody yet, but for a plan that waits to be agreed.
    """
    told: set[tuple[str, Party]] = set()
    asked = _submitted(stream)
    for due in obligations(stream.view.state, stream.now):
        is_waiting = due.lane is not Lane.ON_TRACK or due.id in asked
        if (due.about, due.party) not in told and is_waiting:
            told.add((due.about, due.party))
            yield _document(f"{due.kind}:{due.id}", _of_obligation(stream, due))
    for alarm in stream.view.state.alarms.values():
        if not alarm.is_ended:
            yield _document(f"alarm:{alarm.id}", _of_alarm(stream, alarm))
        elif alarm.state is AlarmState.CONFIRMED and _standing(stream, alarm).is_to_decide(alarm):
            yield _document(f"alarm:{alarm.id}", _of_confirmed(stream, alarm))


def _submitted(stream: HubStream) -> frozenset[str]:
    """The agreements, deviations and re-tests that somebody asked the assessor for."""
    plans = stream.view.state.plans.values()
    return frozenset(
        f"{plan.id} {kind}"
        for plan in plans
        for kind, asked in (
            (ObligationKind.AGREEMENT, plan.state is PlanState.SUBMITTED),
            (ObligationKind.DEVIATION_DECISION, plan.requested is not None),
            (ObligationKind.PLAN, plan.state in {PlanState.CLAIMED, PlanState.VERIFYING}),
        )
        if asked
    )


def _standing(stream: HubStream, alarm: Alarm) -> ServiceStanding:
    view = stream.view
    return standing_at(alarm.raised.service, view.state, view.history, stream.now)


def _document(name: str, facts: WaitingFacts) -> Document:
    body = msgspec.json.encode(facts).decode()
    state = waiting_state(facts.lane, facts.party)
    return Document(WAITING, name, facts.service, state, facts.due, body)


def _of_obligation(stream: HubStream, due: Obligation) -> WaitingFacts:
    state = stream.view.state
    finding = state.findings.get(due.finding)
    kind: WaitsFor = KINDS.get(due.kind, "plan")
    title = finding.title if finding is not None else capitalised(due.what)
    return WaitingFacts(
        kind=kind,
        about=due.about,
        title=title,
        service=due.service,
        supplier=due.supplier,
        party=due.party,
        who=due.who,
        act=due.act,
        due=due.due,
        lane=due.lane,
        original_due=due.original_due,
    )


def _of_confirmed(stream: HubStream, alarm: Alarm) -> WaitingFacts:
    """That somebody decides on suspension; no rule gives a date for it."""
    return msgspec.structs.replace(
        _of_alarm(stream, alarm),
        party=Party.DECISION_MAKER,
        who="the decision maker",
        act="decide on suspension: a re-test confirmed the alarm",
        due=alarm.ended or alarm.at,
        lane=Lane.SOON,
        has_date=False,
    )


def _of_alarm(stream: HubStream, alarm: Alarm) -> WaitingFacts:
    raised = alarm.raised
    where = first_of(raised.sites, SITES_SHOWN)
    is_new = alarm.state is AlarmState.RAISED
    lane = lane_of(raised.retest_by, stream.now)
    return WaitingFacts(
        kind="alarm",
        about=alarm.id,
        title=f"{raised.requirement} for {raised.profile} at {where}",
        service=raised.service,
        supplier=stream.view.supplier,
        party=Party.ASSESSOR,
        who="the assessor",
        act="acknowledge the alarm" if is_new else "re-test it by a campaign of fixed size",
        due=raised.retest_by,
        lane=Lane.SOON if lane is Lane.ON_TRACK else lane,
    )
