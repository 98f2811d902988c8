"""The state of a stream of the registry after its events, and the checks of new events.

``harness.follow.replay`` makes it from all events of a stream. ``StreamState.after`` applies new
events, or raises UsageError with what is possible instead. A caller makes an event, calls
``after``, and then stores the event. What an event rests on is enough: a state may lack findings,
plans and records that the event does not concern.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from harness.errors import UsageError, known
from harness.follow.accreditation import NEEDS_SUBMISSION, RecordedReview, Sources, stops_of
from harness.follow.alarms import alarms_of, record_surveillance
from harness.follow.certificates import with_certificate
from harness.follow.deadlines import latest_due, require_order
from harness.follow.decisions import (
    Evaluation,
    after_decision_event,
    held_recommendation,
    latest_of,
    people_of,
)
from harness.follow.guards import require_fair_answer, require_fair_appeal
from harness.follow.identities import require_other_identity, require_signature, with_key
from harness.follow.recall import recalled_decision
from harness.follow.transitions import advance
from harness.follow.wrong_dates import corrected_decision, corrected_plan
from harness.model.access_event import AccessEvent
from harness.model.action_plan import ActionPlan, Finding, FollowUp, PlanState
from harness.model.alarm import Alarm
from harness.model.corpus import Appeal
from harness.model.decision import (
    AccreditationStop,
    HeldDecision,
    HeldRecommendation,
    StopKind,
)
from harness.model.decision_event import (
    CertificateIssued,
    DecisionEvent,
    DecisionMade,
    EvaluationReviewed,
)
from harness.model.event import (
    AppealDecided,
    CanariesMade,
    ClockCorrected,
    Event,
    FindingOpened,
    PlanDrafted,
    PlanEvent,
    RecordAdded,
    RecordClosed,
    RegistryMigrated,
    RetestStarted,
    StreamOpened,
)
from harness.model.event_times import TOLERANCE, BackwardEvent
from harness.model.field_event import FieldEvent
from harness.model.fleet_event import FleetEvent
from harness.model.recall_event import RecallMade
from harness.model.registration_event import CampaignRegistered, RegistrationEvent
from harness.model.registry_record import (
    AnyRecord,
    CampaignRecord,
    Complaint,
    Identity,
    OfService,
    Review,
    SubmissionRecord,
    record_key,
    require_valid,
)
from harness.model.retention_event import RetentionEvent
from harness.model.sample_event import SampleEvent
from harness.model.stream import same_name
from harness.model.surveillance_event import SurveillanceEvent


@dataclass(slots=True, kw_only=True)
class StreamState:
    """Findings, plans and records of a stream, and decided appeals, in the order of their events.

    Records, appeals and corrections of the clock are kept by the positions of their events, from 1.
    ``campaigns`` are those that a finding or a re-test used, each with the re-test's plan or
    nothing; ``canaries`` the ids of those that were made, each with its plan. ``decisions`` are
    kept by their ids, ``recommended`` are reviews of evaluations, oldest first; ``evaluators`` are
    who recorded campaigns, by service, and ``submitted`` when each service was submitted last.
    ``reviewed`` is when each review was recorded, by its position. ``alarms`` are kept by their
    ids, ``runs`` are campaigns of surveillance, by the keys of the runs. ``retests`` is when each
    re-test started, by its plan and campaign. ``registered`` are campaigns by their own runs,
    ``misdated`` when the clock was corrected that dated one too late. ``closed`` are the ends of
    closed records, by the positions of the records. ``number`` is that of the last finding.
    ``latest`` is the latest time of an event since the last correction of the clock; ``backward``
    are the recorded events that are dated before earlier ones. ``after`` returns a new state;
    ``apply`` changes this one.
    """

    name: str = ""
    findings: dict[str, Finding] = field(default_factory=dict)
    plans: dict[str, ActionPlan] = field(default_factory=dict)
    records: dict[int, AnyRecord] = field(default_factory=dict)
    closed: dict[int, RecordClosed] = field(default_factory=dict)
    appeals: dict[int, Appeal] = field(default_factory=dict)
    campaigns: dict[str, str] = field(default_factory=dict)
    canaries: dict[str, str] = field(default_factory=dict)
    decisions: dict[str, HeldDecision] = field(default_factory=dict)
    recommended: tuple[HeldRecommendation, ...] = ()
    evaluators: dict[str, tuple[str, ...]] = field(default_factory=dict)
    submitted: dict[str, datetime] = field(default_factory=dict)
    reviewed: dict[int, datetime] = field(default_factory=dict)
    alarms: dict[str, Alarm] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    retests: dict[tuple[str, str], datetime] = field(default_factory=dict)
    registered: dict[str, CampaignRegistered] = field(default_factory=dict)
    misdated: dict[str, datetime] = field(default_factory=dict)
    number: int = 0
    events: int = 0
    latest: datetime | None = None
    clock_corrections: dict[int, ClockCorrected] = field(default_factory=dict)
    backward: tuple[BackwardEvent, ...] = ()
    _open_at: dict[str, int] = field(default_factory=dict)
    _plan_of: dict[str, str] = field(default_factory=dict)
    _versions: dict[tuple[str, str], str] = field(default_factory=dict)
    _of_subject: defaultdict[tuple[str, ...], list[str]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def plan(self, name: str) -> ActionPlan:
        """The plan of that id. Raises UsageError with the known ids."""
        if name not in self.plans:
            msg = f"no plan {name!r}; {known(self.plans)}"
            raise UsageError(msg)
        return self.plans[name]

    def finding(self, name: str) -> Finding:
        """The finding of that id. Raises UsageError with the known ids."""
        if name not in self.findings:
            msg = f"no finding {name!r}; {known(self.findings)}"
            raise UsageError(msg)
        return self.findings[name]

    def plan_of(self, finding: str) -> ActionPlan | None:
        """The plan of a finding, or ``None``."""
        return self.plans.get(self._plan_of.get(finding, ""))

    def followed(self, service: str, scheme: str) -> Iterator[FollowUp]:
        """The findings about a service by a scheme (its id), with their plans."""
        name = same_name(service)
        for finding in self.findings.values():
            if finding.scheme == scheme and same_name(finding.service) == name:
                yield self._follow_up(finding)

    def open_findings(self, service: str) -> Iterator[FollowUp]:
        """The findings about a service whose plan has not ended, by all schemes."""
        name = same_name(service)
        for finding in self.findings.values():
            if same_name(finding.service) == name and not self.is_settled(finding.id):
                yield self._follow_up(finding)

    def _follow_up(self, finding: Finding) -> FollowUp:
        """A finding with its plan, and the version that its campaign was registered for.

        Of a campaign that was not registered, that of the decision that rests on it.
        """
        name = same_name(finding.service)
        version = self._versions.get((finding.campaign, name), "")
        for held in self.decisions.values() if not version else ():
            basis = held.decision.proposal.basis
            is_about = basis is not None and basis.campaign == finding.campaign
            if is_about and same_name(held.decision.service) == name:
                version = held.decision.version
        return FollowUp(finding=finding, plan=self.plan_of(finding.id), version=version)

    @property
    def sources(self) -> Sources:
        """All that can stop the accreditations of this stream."""
        reviews = (
            RecordedReview(self.reviewed[at], record)
            for at in sorted(self._open_at.values())
            if isinstance(record := self.records[at], Review)
        )
        return Sources(
            decisions=tuple(self.decisions.values()),
            plans=tuple((self.findings[plan.finding], plan) for plan in self.plans.values()),
            reviews=tuple(reviews),
            retests=self.retests,
            submitted=self.submitted,
            versions={run: event.version for run, event in self.registered.items()},
            misdated=self.misdated,
        )

    def stops_on(self, held: HeldDecision) -> tuple[AccreditationStop, ...]:
        """What stops the accreditation of a decision, the gravest last (``stops_of``)."""
        return stops_of(held, self.sources)

    def is_settled(self, finding: str) -> bool:
        """Whether a finding's plan has ended; a finding without a plan is not settled."""
        plan = self.plan_of(finding)
        return plan is not None and plan.is_ended

    def was_fixed(self, finding: str) -> bool:
        """Whether a finding's plan was closed, which a re-test that conforms had to show."""
        plan = self.plan_of(finding)
        return plan is not None and plan.state is PlanState.CLOSED

    def same_subject(self, finding: Finding) -> tuple[Finding, ...]:
        """The findings about the same requirement, service, profile and line, oldest first."""
        return tuple(self.findings[name] for name in self._of_subject.get(finding.subject, ()))

    def open(self, key: str) -> AnyRecord | None:
        """The open record with that key, or ``None``."""
        return self.records.get(self._open_at.get(key, 0))

    def open_records(self) -> dict[int, AnyRecord]:
        """The records that are not closed, by the positions of their events, oldest first."""
        return {at: self.records[at] for at in sorted(self._open_at.values())}

    def open_record(self, key: str, name: str) -> AnyRecord:
        """The open record with that key. Raises UsageError with the known names of its kind."""
        if (found := self.open(key)) is not None:
            return found
        kind = key.partition(":")[0]
        held = (self.records[at] for at in self._open_at.values())
        names = known(one.id for one in held if one.kind == kind)
        msg = f"no {kind} {name!r} is in the registry; {names}"
        raise UsageError(msg)

    def after(self, *events: Event) -> StreamState:
        """The state after ``events``. Raises UsageError if one of them is not possible."""
        state = self._copy()
        for event in events:
            state.apply(event)
        return state

    def apply(self, event: Event, *, is_kept: bool = False, position: int = 0) -> None:
        """Change this state by an event, unless it is refused with an UsageError.

        Of an event that is in a registry already (``is_kept``), faults that earlier versions
        allowed are kept, and marked. ``position`` is that of the event, if the state lacks others.
        """
        at = position or self.events + 1
        _require_when_and_who(event)
        require_signature(event, self.name)
        match event:
            case StreamOpened() | CampaignRegistered():
                self._note(event)
            case (
                RegistryMigrated()
                | SampleEvent()
                | RegistrationEvent()
                | FieldEvent()
                | FleetEvent()
                | AccessEvent()
                | RetentionEvent()
                | RecallMade()
            ):
                pass
            case RecordAdded(record=record):
                self._add_record(record, at, event, is_kept=is_kept)
            case RecordClosed():
                self._close_record(event, is_kept=is_kept)
            case FindingOpened(finding=finding):
                self._open(finding, is_kept=is_kept)
            case AppealDecided():
                require_fair_appeal(event, is_kept=is_kept)
                self.appeals[at] = event.appeal
            case ClockCorrected():
                self._correct_clock(event, at, is_part=bool(position))
            case DecisionEvent() | SurveillanceEvent():
                self._decide_or_monitor(event, is_kept=is_kept)
            case PlanEvent():
                self._advance(event, is_kept=is_kept)
            case _:
                msg = f"{type(event).__name__}: not a known kind of event"
                raise UsageError(msg)
        self.events = at
        is_latest = self.latest is None or isinstance(event, ClockCorrected)
        self.latest = event.at if is_latest else max(self.latest or event.at, event.at)

    def _note(self, event: StreamOpened | CampaignRegistered) -> None:
        if isinstance(event, StreamOpened):
            self.name = event.name
        else:
            self.registered[event.run] = event
            self._versions[event.campaign, same_name(event.service)] = event.version

    def _copy(self) -> StreamState:
        indexed: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        indexed |= {subject: list(names) for subject, names in self._of_subject.items()}
        return replace(
            self,
            findings=dict(self.findings),
            plans=dict(self.plans),
            records=dict(self.records),
            closed=dict(self.closed),
            appeals=dict(self.appeals),
            campaigns=dict(self.campaigns),
            canaries=dict(self.canaries),
            decisions=dict(self.decisions),
            evaluators=dict(self.evaluators),
            submitted=dict(self.submitted),
            reviewed=dict(self.reviewed),
            alarms=dict(self.alarms),
            runs=dict(self.runs),
            retests=dict(self.retests),
            registered=dict(self.registered),
            misdated=dict(self.misdated),
            clock_corrections=dict(self.clock_corrections),
            _open_at=dict(self._open_at),
            _plan_of=dict(self._plan_of),
            _versions=dict(self._versions),
            _of_subject=indexed,
        )

    def _add_record(self, record: AnyRecord, at: int, event: RecordAdded, *, is_kept: bool) -> None:
        """Add a record. Raises UsageError if it is there already, or its service is not.

        The service of one that was added before need not be in a state that is a part.
        """
        require_valid(record)
        if self.open(record.key) is not None:
            msg = f"{record.kind} {record.id!r} is in the registry already; close it first"
            raise UsageError(msg)
        if isinstance(record, OfService) and not is_kept:
            self.open_record(record_key("service", record.of), record.of)
        if isinstance(record, Identity) and not is_kept:
            require_other_identity(record, self.name, self.records.values(), self.open)
        self.records[at] = record
        self._open_at[record.key] = at
        if isinstance(record, CampaignRecord):
            name = same_name(record.of)
            self.evaluators[name] = (*self.evaluators.get(name, ()), event.actor)
        elif isinstance(record, SubmissionRecord):
            self.submitted[same_name(record.of)] = min(event.at, record.signed)
        elif isinstance(record, Review):
            self.reviewed[at] = event.at

    def _decide_or_monitor(
        self, event: DecisionEvent | SurveillanceEvent, *, is_kept: bool
    ) -> None:
        """Record surveillance, or decide, which rests on the whole stream, never on a part."""
        if isinstance(event, SurveillanceEvent):
            record_surveillance(self.runs, self.alarms, event)
            return
        if isinstance(event, CertificateIssued):
            self.decisions[event.of] = with_certificate(
                self.decisions, event, self.name, self.stops_on, is_kept=is_kept
            )
            return
        records = {key: self.records[at] for key, at in self._open_at.items()}
        service, sources = self._decided_about(event), self.sources
        people = people_of(service, self.evaluators, sources.plans, self.records.values())
        evaluation = Evaluation(
            records=records,
            people=people,
            sources=sources,
            alarms=[alarm.id for alarm in alarms_of(self.alarms, service)],
            recommended=self.recommended,
            is_kept=is_kept,
        )
        if isinstance(event, EvaluationReviewed):
            self.recommended = (*self.recommended, held_recommendation(event, evaluation))
            return
        after = with_key(after_decision_event(self.decisions, event, evaluation), event)
        self.decisions[after.decision.id] = after

    def _decided_about(self, event: DecisionEvent) -> str:
        """The service that an event about a decision is about; empty for an unknown decision."""
        if isinstance(event, DecisionMade):
            return event.decision.service
        if isinstance(event, EvaluationReviewed):
            return event.recommendation.service
        held = self.decisions.get(event.about)
        return held.decision.service if held is not None else ""

    def _require_decided_anew(self, record: AnyRecord) -> None:
        """Raise UsageError if a review is of a recall that stops an accreditation still."""
        recalled = recalled_decision(record) if isinstance(record, Review) else ""
        if (held := self.decisions.get(recalled)) is None:
            return
        latest = latest_of(self.decisions, held.decision.key) or held
        is_open = any(
            stop.kind is StopKind.RECALL and stop.about == recalled
            for stop in self.stops_on(latest)
        )
        if is_open and latest.decision.status not in NEEDS_SUBMISSION:
            msg = (
                f"review {record.id!r} ends by a decision on a campaign that begins after it: "
                "measure again and decide anew, or withdraw the accreditation; then close it"
            )
            raise UsageError(msg)

    def _require_answered(self, record: AnyRecord, event: RecordClosed) -> None:
        """Raise UsageError unless a complaint gets an outcome, from somebody without a part."""
        if not isinstance(record, Complaint):
            return
        people = people_of(record.of, self.evaluators, self.sources.plans, self.records.values())
        deciders = (
            one.by
            for one in self.decisions.values()
            if same_name(one.decision.service) == same_name(record.of)
        )
        require_fair_answer(record, event, (*people, *deciders))

    def _close_record(self, event: RecordClosed, *, is_kept: bool) -> None:
        record = self.open_record(event.record, event.record.rpartition("\x1f")[2])
        if not event.reason.strip():
            msg = f"{record.kind} {record.id!r}: closing it needs a reason"
            raise UsageError(msg)
        if not is_kept:
            self._require_decided_anew(record)
            self._require_answered(record, event)
        self.closed[self._open_at.pop(event.record)] = event

    def _open(self, finding: Finding, *, is_kept: bool) -> None:
        if finding.id in self.findings:
            msg = f"finding {finding.id} exists already; history cannot be rewritten"
            raise UsageError(msg)
        for other in () if is_kept else self.same_subject(finding):
            if not self.is_settled(other.id):
                msg = f"finding {other.id} is open for the same requirement; follow its plan"
                raise UsageError(msg)
        if not is_kept and self.campaigns.get(finding.campaign):
            msg = (
                f"campaign {finding.campaign!r} is a re-test of plan "
                f"{self.campaigns[finding.campaign]}; it opens no finding"
            )
            raise UsageError(msg)
        self.findings[finding.id] = finding
        self.campaigns.setdefault(finding.campaign, "")
        self.number = max(self.number, number_of(finding.id))
        self._of_subject[finding.subject].append(finding.id)

    def _draft(self, event: PlanDrafted, *, is_kept: bool) -> None:
        finding = self.finding(event.finding)
        if event.plan in self.plans:
            msg = f"plan {event.plan} exists already; history cannot be rewritten"
            raise UsageError(msg)
        if self.plan_of(finding.id) is not None:
            msg = f"finding {finding.id} has a plan already; a finding has exactly one"
            raise UsageError(msg)
        if event.due > latest_due(finding):
            msg = f"plan {event.plan}: due {event.due:%Y-%m-%d} is later than its severity allows"
            raise UsageError(msg)
        if not event.milestones:
            msg = f"plan {event.plan}: a plan needs at least one milestone"
            raise UsageError(msg)
        plan = ActionPlan(
            id=event.plan,
            finding=finding.id,
            owner=event.owner,
            corrective_action=event.corrective_action,
            due=event.due,
            original_due=event.due,
            state=PlanState.DRAFT,
            opened=event.at,
            milestones=event.milestones,
            actors=(event.actor, event.owner),
            history=(f"{event.at:%Y-%m-%d %H:%M} {event.actor}: drafted",),
        )
        if not is_kept:
            require_order(plan, event.milestones, event.due)
        self._plan_of[finding.id] = event.plan
        self.plans[event.plan] = plan

    def _advance(self, event: PlanEvent, *, is_kept: bool) -> None:
        if isinstance(event, PlanDrafted):
            self._draft(event, is_kept=is_kept)
            return
        before = self.plan(event.plan)
        if not is_kept:
            self._require_unused(event)
        finding = self.finding(before.finding)
        self.plans[event.plan] = advance(before, finding, event, is_kept=is_kept)
        if isinstance(event, RetestStarted):
            self.campaigns.setdefault(event.campaign, event.plan)
            self.retests.setdefault((event.plan, event.campaign), event.at)
        if isinstance(event, CanariesMade):
            self.canaries |= dict.fromkeys(event.canaries.items, event.plan)

    def _require_unused(self, event: PlanEvent) -> None:
        """Raise UsageError if a re-test's campaign, or a canary, belongs to something else."""
        is_taken = event.uses and self.campaigns.get(event.uses, event.plan) != event.plan
        if is_taken and self.finding(self.plan(event.plan).finding).rests_on_items:
            msg = f"plan {event.plan}: a re-test needs a campaign of its own, not {event.uses!r}"
            raise UsageError(msg)
        if isinstance(event, CanariesMade):
            made = [item for item in event.canaries.items if item in self.canaries]
            if made:
                msg = (
                    f"plan {event.plan}: canary {made[0]} was made for plan "
                    f"{self.canaries[made[0]]}; make others, by the same command again"
                )
                raise UsageError(msg)

    def _correct_clock(self, event: ClockCorrected, at: int, *, is_part: bool) -> None:
        """Undo what a wrong clock made possible, in all plans and decisions.

        Raises UsageError without a reason, or if no event is dated later. A state that is a part
        may lack that event.
        """
        if not event.reason.strip():
            msg = "a correction of the clock needs a reason"
            raise UsageError(msg)
        if not is_part and (self.latest is None or self.latest <= event.at + TOLERANCE):
            msg = "no event of the registry is dated in the future: there is nothing to correct"
            raise UsageError(msg)
        self.clock_corrections[at] = event
        latest = event.at + TOLERANCE
        late = (run for run, one in self.registered.items() if one.at > latest)
        self.misdated |= dict.fromkeys(late, event.at)
        self.submitted = {name: min(at, event.at) for name, at in self.submitted.items()}
        self.retests = {name: min(at, event.at) for name, at in self.retests.items()}
        self.plans = {name: corrected_plan(plan, event) for name, plan in self.plans.items()}
        self.decisions = {
            name: corrected_decision(held, event) for name, held in self.decisions.items()
        }


def number_of(finding: str) -> int:
    """The number in the id of a finding, such as ``F-0012``; 0 if it has none."""
    number = finding.removeprefix("F-")
    return int(number) if number.isascii() and number.isdecimal() else 0


def _require_when_and_who(event: Event) -> None:
    if event.at.tzinfo is None:
        msg = f"{type(event).__name__}: its time has no time zone"
        raise UsageError(msg)
    if not event.actor.strip():
        msg = f"{type(event).__name__}: the actor is missing"
        raise UsageError(msg)
