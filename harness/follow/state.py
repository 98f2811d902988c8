"""The state of findings and plans after the events of a registry, and the checks of new events.

``replay`` makes it from all events of a registry. ``RegistryState.after`` applies new events, or
raises UsageError with what is possible instead. A caller makes an event, calls ``after``, and then
stores the event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from harness.errors import UsageError, known
from harness.follow.guards import is_same_person, latest_due
from harness.follow.transitions import advance
from harness.model.action_plan import ActionPlan, Finding, PlanState
from harness.model.corpus import Appeal
from harness.model.event import (
    TOLERANCE,
    AppealDecided,
    BackwardEvent,
    ClockCorrected,
    Event,
    FindingOpened,
    PlanDrafted,
    PlanEvent,
    RetestStarted,
    backward_events,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryState:
    """Findings and plans by id, and decided appeals, in the order of their events.

    ``latest`` is the latest time of an event since the last correction of the clock; ``backward``
    are the recorded events that are dated before earlier ones.
    """

    findings: Mapping[str, Finding] = field(default_factory=dict)
    plans: Mapping[str, ActionPlan] = field(default_factory=dict)
    appeals: tuple[Appeal, ...] = ()
    events: int = 0
    latest: datetime | None = None
    clock_corrections: tuple[ClockCorrected, ...] = ()
    backward: tuple[BackwardEvent, ...] = ()

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

    def open_plan_of(self, finding: str) -> ActionPlan | None:
        """The open plan of a finding, or ``None``."""
        plans = (plan for plan in self.plans.values() if plan.finding == finding)
        return next((plan for plan in plans if plan.state is not PlanState.CLOSED), None)

    def is_settled(self, finding: str) -> bool:
        """Whether a finding's plan was closed; a finding without a plan is not settled."""
        return any(plan.finding == finding for plan in self.plans.values()) and (
            self.open_plan_of(finding) is None
        )

    def after(self, *events: Event) -> RegistryState:
        """The state after ``events``. Raises UsageError if one of them is not possible."""
        state = self
        for event in events:
            state = state._after_one(event, is_kept=False)
        return state

    def _after_one(self, event: Event, *, is_kept: bool) -> RegistryState:
        _require_when_and_who(event)
        state = self._with(event, is_kept=is_kept)
        is_latest = self.latest is None or isinstance(event, ClockCorrected)
        latest = event.at if is_latest else max(self.latest or event.at, event.at)
        return replace(state, events=self.events + 1, latest=latest)

    def _with(self, event: Event, *, is_kept: bool) -> RegistryState:
        match event:
            case FindingOpened(finding=finding):
                self._require_new_finding(finding)
                return replace(self, findings={**self.findings, finding.id: finding})
            case AppealDecided():
                _require_fair(event, is_kept=is_kept)
                return replace(self, appeals=(*self.appeals, event.appeal))
            case ClockCorrected():
                self._require_later_events(event)
                return replace(self, clock_corrections=(*self.clock_corrections, event))
            case PlanDrafted():
                plan = self._drafted(event)
            case PlanEvent():
                plan = self._advanced(event, is_kept=is_kept)
            case _:
                msg = f"{type(event).__name__}: not a known kind of event"
                raise UsageError(msg)
        return replace(self, plans={**self.plans, plan.id: plan})

    def _advanced(self, event: PlanEvent, *, is_kept: bool) -> ActionPlan:
        before = self.plan(event.plan)
        if isinstance(event, RetestStarted) and not is_kept:
            self._require_unused(event)
        return advance(before, self.finding(before.finding), event, is_kept=is_kept)

    def _require_unused(self, event: RetestStarted) -> None:
        """Raise UsageError if the campaign belongs to a finding or to another plan's re-test."""
        others = [plan for plan in self.plans.values() if plan.id != event.plan]
        used = {finding.campaign for finding in self.findings.values()}
        used |= {retest.campaign for plan in others for retest in plan.retests}
        used |= {plan.verifying for plan in others}
        if event.campaign in used - {""}:
            msg = (
                f"plan {event.plan}: a re-test needs a campaign of its own, not {event.campaign!r}"
            )
            raise UsageError(msg)

    def _require_later_events(self, event: ClockCorrected) -> None:
        if not event.reason.strip():
            msg = "a correction of the clock needs a reason"
            raise UsageError(msg)
        if self.latest is None or self.latest <= event.at + TOLERANCE:
            msg = "no event of the registry is dated in the future: there is nothing to correct"
            raise UsageError(msg)

    def _require_new_finding(self, finding: Finding) -> None:
        if finding.id in self.findings:
            msg = f"finding {finding.id} exists already; history cannot be rewritten"
            raise UsageError(msg)
        for other in self.findings.values():
            if other.subject == finding.subject and not self.is_settled(other.id):
                msg = f"finding {other.id} is open for the same requirement; follow its plan"
                raise UsageError(msg)

    def _drafted(self, event: PlanDrafted) -> ActionPlan:
        finding = self.finding(event.finding)
        if event.plan in self.plans:
            msg = f"plan {event.plan} exists already; history cannot be rewritten"
            raise UsageError(msg)
        if any(plan.finding == finding.id for plan in self.plans.values()):
            msg = f"finding {finding.id} has a plan already; a finding has exactly one"
            raise UsageError(msg)
        if event.due > latest_due(finding):
            msg = f"plan {event.plan}: due {event.due:%Y-%m-%d} is later than its severity allows"
            raise UsageError(msg)
        if not event.milestones:
            msg = f"plan {event.plan}: a plan needs at least one milestone"
            raise UsageError(msg)
        return ActionPlan(
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


def _require_fair(event: AppealDecided, *, is_kept: bool) -> None:
    appeal = event.appeal
    subject = f"appeal on {appeal.pack} {appeal.item}"
    if not appeal.reason.strip() or not appeal.appellant.strip():
        msg = f"{subject}: an appeal needs a reason and the name of the appellant"
        raise UsageError(msg)
    is_one = appeal.appellant == event.actor
    if is_one or (not is_kept and is_same_person(appeal.appellant, event.actor)):
        msg = f"{subject}: {event.actor} appealed, so somebody else must decide"
        raise UsageError(msg)
    if not appeal.labels or appeal.labels == appeal.before:
        msg = f"{subject}: the labels are {'|'.join(appeal.before)} already; give other labels"
        raise UsageError(msg)


def replay(events: Iterable[Event]) -> RegistryState:
    """The state after all events of a registry.

    Raises UsageError where an event cannot follow the others. Faults that earlier versions allowed
    (mixed roles, times that run backwards) are kept, and marked.
    """
    state, recorded = RegistryState(), tuple(events)
    for event in recorded:
        state = state._after_one(event, is_kept=True)  # noqa: SLF001 - its own module
    return replace(state, backward=tuple(backward_events(recorded)))


def _require_when_and_who(event: Event) -> None:
    if event.at.tzinfo is None:
        msg = f"{type(event).__name__}: its time has no time zone"
        raise UsageError(msg)
    if not event.actor.strip():
        msg = f"{type(event).__name__}: the actor is missing"
        raise UsageError(msg)
