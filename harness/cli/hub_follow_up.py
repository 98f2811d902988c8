"""Make the documents of a hub about action plans, decisions and alarms, from a supplier's stream.

Each function takes the name of the stream, the supplier, the events of the stream (runs of
surveillance may be left out), the state after all of them, and the time, and returns the documents
of one kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from harness.cli.decision_basis import versions_of
from harness.cli.hub_history import HubStream
from harness.follow.decisions import people_of, standing
from harness.follow.escalation import SETTLED
from harness.follow.plan_terms import digest_of
from harness.follow.standing import standing_at
from harness.follow.state import StreamState
from harness.model.action_plan import ActionPlan, Retest
from harness.model.alarm import Alarm
from harness.model.event import Event, PlanEvent, RecordAdded
from harness.model.registry_record import CampaignRecord
from harness.model.stream import same_name
from harness.store.hub.projection import Document
from reports.dashboard.follow_up_facts import (
    ALARM,
    DECISION,
    ENDED,
    ESCALATED,
    MOST_NAMED,
    OPEN,
    PLAN,
    REPLACED,
    STANDING,
    TO_DECIDE,
    AlarmFacts,
    DecisionFacts,
    PlanEntry,
    PlanFacts,
    Recommended,
    UndecidedCampaign,
)


def plan_documents(
    _stream: str, supplier: str, events: Sequence[Event], state: StreamState, _now: datetime
) -> Iterator[Document]:
    """A document for each plan; an open one is dated when it is due, one that ended at its end."""
    acted: dict[str, list[PlanEvent]] = {}
    for event in events:
        if isinstance(event, PlanEvent):
            acted.setdefault(event.plan, []).append(event)
    for plan in state.plans.values():
        finding = state.finding(plan.finding)
        facts = PlanFacts(
            supplier=supplier,
            finding=replace(finding, missed=finding.missed[:MOST_NAMED]),
            plan=_shortened(plan),
            revision=len(plan.history),
            missed=len(finding.missed),
            entries=_entries(plan, acted.get(plan.id, ())),
            are_current=tuple(one.terms == digest_of(plan, finding) for one in plan.signatures),
        )
        yield Document(
            kind=PLAN,
            id=plan.id,
            service=finding.service,
            state=_state_of(plan),
            at=plan.ended or plan.effective_due,
            body=msgspec.json.encode(facts).decode(),
        )


def _state_of(plan: ActionPlan) -> str:
    if plan.is_ended:
        return ENDED
    return ESCALATED if plan.level is not None and plan.state not in SETTLED else OPEN


def _shortened(plan: ActionPlan) -> ActionPlan:
    """The plan without its history, and with few of the items that re-tests missed."""
    return replace(plan, history=(), retests=tuple(map(_shortened_retest, plan.retests)))


def _shortened_retest(retest: Retest) -> Retest:
    named = retest.missed_still_failing[:MOST_NAMED]
    return msgspec.structs.replace(retest, missed_still_failing=named)


def _entries(plan: ActionPlan, events: Sequence[PlanEvent]) -> tuple[PlanEntry, ...]:
    """The events of a plan in words, which its history holds behind time and actor."""
    entries = []
    for event, line in zip(events, plan.history, strict=False):
        words = line.removeprefix(f"{event.at:%Y-%m-%d %H:%M} {event.actor}: ")
        entries.append(PlanEntry(at=event.at, actor=event.actor, words=words))
    return tuple(entries)


def decision_documents(
    _stream: str, supplier: str, events: Sequence[Event], state: StreamState, _now: datetime
) -> Iterator[Document]:
    """A document for each decision, and for each campaign that waits for one."""
    in_force = {held.decision.id for held in standing(state.decisions)}
    latest: dict[str, str] = {}
    for held in reversed(state.decisions.values()):
        decision = held.decision
        facts = DecisionFacts(
            supplier=supplier,
            held=held,
            number=len(state.decisions),
            stops=state.stops_on(held),
            replaced_by=latest.get(decision.key, ""),
            measured_by=_measured_by(state, decision.service),
        )
        latest[decision.key] = decision.id
        yield Document(
            kind=DECISION,
            id=decision.id,
            service=decision.service,
            state=STANDING if decision.id in in_force else REPLACED,
            at=held.at,
            body=msgspec.json.encode(facts).decode(),
        )
    yield from _undecided_documents(supplier, events, state)


def undecided_id(campaign: str, scheme: str) -> str:
    """The id of the document of a campaign that waits for a decision by a scheme."""
    return f"{campaign}@{scheme}"


def _undecided_documents(
    supplier: str, events: Sequence[Event], state: StreamState
) -> Iterator[Document]:
    found: dict[str, Document] = {}
    for (service, scheme), (at, record) in _last_campaigns(events, state).items():
        decided = [
            held.at
            for held in state.decisions.values()
            if (same_name(held.decision.service), held.decision.scheme) == (service, scheme)
        ]
        if decided and at <= max(decided):
            continue
        name = undecided_id(record.id, scheme)
        facts = _undecided(supplier, at, record, state)
        body = msgspec.json.encode(facts).decode()
        found[name] = Document(DECISION, name, record.of, TO_DECIDE, at, body)
    yield from found.values()


def _last_campaigns(
    events: Sequence[Event], state: StreamState
) -> Mapping[tuple[str, str], tuple[datetime, CampaignRecord]]:
    """The last campaign of each service and scheme on which a decision may rest, and its time.

    Runs of surveillance and re-tests of plans are none.
    """
    others = set(state.runs.values()) | {name for name, plan in state.campaigns.items() if plan}
    added = {event.record: event.at for event in events if isinstance(event, RecordAdded)}
    return {
        (same_name(record.of), record.scheme): (added[record], record)
        for record in state.open_records().values()
        if isinstance(record, CampaignRecord) and record.id not in others and record in added
    }


def _undecided(
    supplier: str, at: datetime, record: CampaignRecord, state: StreamState
) -> UndecidedCampaign:
    followed = [(state.findings[plan.finding], plan) for plan in state.plans.values()]
    people = people_of(record.of, state.evaluators, followed, state.records.values())
    return UndecidedCampaign(
        supplier=supplier,
        service=record.of,
        scheme=record.scheme,
        scheme_version=record.scheme_version,
        campaign=record.id,
        at=at,
        conforms=record.conforms,
        does_not_conform=record.does_not_conform,
        insufficient=record.insufficient,
        number=len(state.decisions),
        versions=versions_of(record.of, state),
        people=people,
        measured_by=_measured_by(state, record.of),
        recommended=tuple(_recommended(record, state)),
    )


def _recommended(record: CampaignRecord, state: StreamState) -> Iterator[Recommended]:
    """The reviews of a campaign, as it was judged for its record."""
    for held in state.recommended:
        said, basis = held.recommendation, held.recommendation.proposal.basis
        is_about = same_name(said.service) == same_name(record.of) and said.scheme == record.scheme
        if is_about and basis is not None and basis.journal == record.journal:
            yield Recommended(
                version=said.version, status=said.status, reason=said.reason, by=held.by, at=held.at
            )


def _measured_by(state: StreamState, service: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(state.evaluators.get(same_name(service), ())))


def alarm_documents(stream: HubStream) -> Iterator[Document]:
    """A document for each alarm; one that waits is dated when its re-test is due."""
    view = stream.view
    for alarm in view.state.alarms.values():
        standing = standing_at(alarm.raised.service, view.state, view.history, stream.now)
        facts = AlarmFacts(
            supplier=view.supplier,
            alarm=alarm,
            plans=_plans_of(alarm, view.state),
            answer=standing.answer_to(alarm),
            is_to_decide=standing.is_to_decide(alarm),
        )
        yield Document(
            kind=ALARM,
            id=alarm.id,
            service=alarm.raised.service,
            state=ENDED if alarm.is_ended else OPEN,
            at=alarm.ended or alarm.raised.retest_by,
            body=msgspec.json.encode(facts).decode(),
        )


def _plans_of(alarm: Alarm, state: StreamState) -> tuple[str, ...]:
    """The plans of the findings that the re-tests of an alarm opened."""
    campaigns = {retest.campaign for retest in alarm.retests}
    return tuple(
        plan.id
        for plan in state.plans.values()
        if state.finding(plan.finding).campaign in campaigns
    )


Maker = Callable[
    [str, str, Sequence[Event], StreamState, datetime],
    Iterable[Document],
]


def _of_stream(make: Maker) -> Callable[[HubStream], Iterable[Document]]:
    """What makes documents from a stream as the projector gives it."""
    return lambda found: make(
        found.view.name, found.view.supplier, found.view.events, found.view.state, found.now
    )


FOLLOW_UP_MAKERS = (
    (PLAN, _of_stream(plan_documents)),
    (DECISION, _of_stream(decision_documents)),
    (ALARM, alarm_documents),
)
"""The kinds of documents of this module, each with what makes all of a stream."""
