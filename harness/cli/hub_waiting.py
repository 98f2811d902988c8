"""Make the documents of what waits for somebody: of plans, decisions, reviews and alarms."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from harness.cli.hub_history import HubStream
from harness.errors import first_of
from harness.follow.due_dates import lane_of, obligations
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
    """What waits: the most urgent of each plan, decision and review, and each open alarm.

    What is not due soon does not wait for anybody yet.
    """
    told = set()
    for due in obligations(stream.view.state, stream.now):
        if due.about not in told and due.lane is not Lane.ON_TRACK:
            told.add(due.about)
            yield _document(f"{due.kind}:{due.id}", _of_obligation(stream, due))
    for alarm in stream.view.state.alarms.values():
        if not alarm.is_ended:
            yield _document(f"alarm:{alarm.id}", _of_alarm(stream, alarm))


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
