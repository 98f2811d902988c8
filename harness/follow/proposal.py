"""What the rules propose to decide about the accreditation of a service (METHOD (d)).

Each check and each open action plan gives a ruling: the best status that it allows, and why. The
worst ruling is proposed; a named person decides. Insufficient evidence never counts as a pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from harness.errors import first_of
from harness.follow.alarms import is_fixed_since
from harness.follow.deadlines import is_critical
from harness.follow.findings import describe, finding_in, subject_in
from harness.follow.retest_levels import has_level
from harness.follow.state import number_of
from harness.model.action_plan import (
    FIXED,
    TO_AGREE,
    ActionPlan,
    Finding,
    FollowUp,
    PlanState,
    RetestResult,
)
from harness.model.alarm import Alarm, AlarmState
from harness.model.decision import LENIENCE, Basis, Condition, Margin, Proposal, Status
from harness.model.escalation import Level
from harness.model.event_times import TOLERANCE
from harness.model.outcome import Assessment, Conformity, Outcome

BASIS_AGE = timedelta(days=90)
"""A campaign that began longer ago supports no favourable decision."""

FAILED = Conformity.DOES_NOT_CONFORM

SHOWN = 3
"""How many checks a reason names."""

NO_CAMPAIGN = "no campaign was given"
STAYS_IN_FORCE = "the decision that is in force is not changed: this is about a new decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ruling:
    """The best status that one check or plan allows, and why.

    ``condition`` is set if the status is *accredited with action plan*. One that allows
    *accredited* says nothing: a re-test met its requirement.
    """

    status: Status
    reason: str = ""
    condition: Condition | None = None


MET_SINCE = _Ruling(status=Status.ACCREDITED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Service:
    """The findings of a service with their plans, and its alarms, at a time.

    ``is_accredited``: a favourable decision is in force.
    """

    followed: Sequence[FollowUp]
    now: datetime
    is_accredited: bool
    alarms: Sequence[Alarm] = ()

    def against(self, reason: str, *, suspends: bool = False) -> _Ruling:
        """The ruling of an obstacle. One that ``suspends`` ends what is in force."""
        status = Status.SUSPENDED if suspends and self.is_accredited else Status.NOT_YET
        return _Ruling(status=status, reason=reason)


def propose(
    assessment: Assessment | None,
    basis: Basis | None,
    followed: Sequence[FollowUp],
    now: datetime,
    *,
    is_accredited: bool,
    alarms: Sequence[Alarm] = (),
    too_old: Sequence[str] = (),
) -> Proposal:
    """Propose the status of a service by a scheme.

    ``assessment`` is that of the campaign ``basis``; without both, nothing favourable is proposed.
    ``followed`` are the findings of the service by the scheme, of any campaign, with their plans.
    ``alarms`` are those of its surveillance that are open, or were confirmed by the scheme.
    ``is_accredited``: a favourable decision is in force at ``now``. ``too_old`` says why the
    campaign is too old to decide on (``why_not_new_enough``). The order of outcomes and findings
    does not matter. Raises ValueError if ``basis`` names another campaign or journal.
    """
    in_order = sorted(followed, key=lambda each: _by_number(each.finding))
    service = _Service(
        followed=in_order, now=now, is_accredited=is_accredited, alarms=tuple(alarms)
    )
    if assessment is None or basis is None:
        rulings = [
            service.against(NO_CAMPAIGN),
            *_of_levels(service),
            *_of_plans(service, ()),
            *_of_alarms(service),
        ]
        return _worst_of(rulings, service)
    _require_same(assessment, basis)
    failed = [one for one in _binding(assessment) if one.conformity is FAILED]
    since = {one.id: _latest(service, assessment, one) for one in failed}
    of_failed = [_of_failure(service, assessment, basis, one, since[one.id]) for one in failed]
    others = _of_plans(service, [each for each in since.values() if each])
    rulings = [
        *_of_levels(service),
        *_of_alarms(service),
        *map(service.against, too_old),
        *_of_basis(service, basis),
        *_of_evidence(service, assessment),
        *of_failed,
        *others,
        _of_passes(assessment, sum(ruling is MET_SINCE for ruling in of_failed)),
    ]
    return _worst_of(rulings, service, basis, margins_of(assessment))


def margins_of(assessment: Assessment) -> tuple[Margin, ...]:
    """By how much each binding outcome exceeds its threshold, in the order of their ids.

    Only outcomes that a bound of their metric decides have one: none by rules where each item
    counts, or none is, and none that the campaign's stopping test decided. The bound of a metric
    with parts is that of the worst part that decides. Of a range the smaller margin stands.
    """
    return tuple(filter(None, map(_margin, _binding(assessment))))


def _margin(outcome: Outcome) -> Margin | None:
    requirement, metric = outcome.requirement, outcome.metric
    threshold = requirement.threshold
    if threshold is None or not has_level(requirement) or outcome.sequential is not None:
        return None
    sides: list[tuple[Literal["at-least", "at-most"], float, float | None, int]] = []
    if threshold.at_least is not None:
        sides.append(("at-least", threshold.at_least, metric.lower, 1))
    if threshold.at_most is not None:
        sides.append(("at-most", threshold.at_most, metric.upper, -1))
    margins = [
        Margin(
            requirement=requirement.id,
            profile=outcome.profile,
            line=outcome.line,
            unit=metric.unit,
            side=side,
            threshold=limit,
            bound=bound,
            exceeds=sign * (bound - limit),
        )
        for side, limit, bound, sign in sides
        if bound is not None and math.isfinite(bound)
    ]
    if len(margins) < len(sides):
        return None
    return min(margins, key=lambda margin: margin.exceeds, default=None)


def _require_same(assessment: Assessment, basis: Basis) -> None:
    head = assessment.journal_head
    if assessment.campaign != basis.campaign:
        msg = f"the assessment is of campaign {assessment.campaign!r}, not {basis.campaign!r}"
        raise ValueError(msg)
    if head is None or head.hash != basis.journal:
        msg = f"campaign {basis.campaign!r}: the assessment is not of journal {basis.journal!r}"
        raise ValueError(msg)


def _worst_of(
    rulings: Iterable[_Ruling],
    service: _Service,
    basis: Basis | None = None,
    margins: tuple[Margin, ...] = (),
) -> Proposal:
    """The proposal of the worst ruling, with the reasons of all that are as bad."""
    rulings = tuple(rulings)
    status = max((each.status for each in rulings), key=LENIENCE.index)
    worst = [each for each in rulings if each.status is status]
    reasons = [each.reason for each in worst]
    if status is Status.NOT_YET and service.is_accredited:
        reasons.append(STAYS_IN_FORCE)
    if status is Status.WITH_ACTION_PLAN:
        reasons += [each.reason for each in rulings if each.status is Status.ACCREDITED]
    return Proposal(
        status=status,
        reasons=tuple(dict.fromkeys(filter(None, reasons))),
        conditions=tuple(each.condition for each in worst if each.condition),
        margins=margins,
        basis=basis,
    )


def _of_levels(service: _Service) -> Iterator[_Ruling]:
    """What plans ask for that were escalated to suspension or withdrawal."""
    for each in service.followed:
        plan = each.plan
        if plan is None or plan.is_ended:
            continue
        reason = f"plan {plan.id} of {_place(each.finding)} was escalated to: {plan.level}"
        if plan.level is Level.WITHDRAWN:
            yield _Ruling(status=Status.WITHDRAWN, reason=reason)
        elif plan.level is Level.SUSPENDED:
            yield service.against(reason, suspends=True)


def _of_alarms(service: _Service) -> Iterator[_Ruling]:
    """The rulings of alarms: one that was confirmed suspends until the failure is fixed."""
    for alarm in service.alarms:
        raised = alarm.raised
        where = f"alarm {alarm.id} of {raised.requirement}[{raised.profile}]"
        if alarm.state is AlarmState.CONFIRMED:
            if not is_fixed_since(service.followed, alarm):
                campaign = alarm.retests[-1].campaign
                reason = f"{where} was confirmed by a re-test of fixed size (campaign {campaign})"
                yield service.against(reason, suspends=True)
        elif alarm.is_not_ruled_out:
            yield service.against(
                f"{where}: {alarm.left_open} re-tests, the last of deciding size, did not "
                "show that the requirement is met",
                suspends=True,
            )
        elif not alarm.is_ended:
            late = "overdue since" if alarm.is_overdue(service.now) else "due by"
            yield service.against(
                f"{where} waits for a re-test of fixed size, {late} {raised.retest_by:%Y-%m-%d}"
            )


def _of_basis(service: _Service, basis: Basis) -> Iterator[_Ruling]:
    yield from map(service.against, basis.bars)
    begun = f"campaign {basis.campaign} began on {basis.begun:%Y-%m-%d}"
    if service.now - basis.begun > BASIS_AGE:
        yield service.against(f"{begun}, more than {BASIS_AGE.days} days ago: measure again")
    if basis.begun > service.now + TOLERANCE:
        yield service.against(f"{begun}, which is later than now: check the clock")


def _of_evidence(service: _Service, assessment: Assessment) -> Iterator[_Ruling]:
    """The obstacles of checks that were not decided, or conform with an undeclared limit.

    Evidence of people counts until it expires.
    """
    binding = _binding(assessment)
    if not binding:
        yield service.against("nothing binding was assessed")
    undecided = [one.id for one in binding if one.conformity is Conformity.INSUFFICIENT]
    if undecided:
        number = _checks(len(undecided), "has", "have")
        few = first_of(undecided, SHOWN)
        yield service.against(f"{number} too little evidence, which is no pass: {few}")
    today = service.now.date()
    expired = [
        f"{one.id} (on {one.people.expires})"
        for one in binding
        if one.people is not None and one.people.expires is not None
        if one.conformity is Conformity.CONFORMS and today >= one.people.expires
    ]
    if expired:
        number = _checks(len(expired), "rests", "rest")
        few = first_of(expired, SHOWN)
        yield service.against(f"{number} on evidence that has expired: {few}; judge it again")
    limited = [
        f"{one.id} ({one.qualifier})"
        for one in binding
        if one.conformity is Conformity.CONFORMS and not assessment.is_granted(one)
    ]
    if limited:
        number = _checks(len(limited), "conforms", "conform")
        few = first_of(limited, SHOWN)
        yield service.against(f"{number} with a limit that the campaign did not declare: {few}")


def _of_passes(assessment: Assessment, met_since: int) -> _Ruling:
    """How many checks are met, which allows *accredited*."""
    number = sum(assessment.is_granted(one) for one in _binding(assessment))
    reason = _checks(number, "conforms", "conform")
    if met_since:
        again = _checks(met_since, "was", "were")
        reason += f"; {again} met since by a re-test, and the fix held"
    limits = dict.fromkeys(one.qualifier for one in _binding(assessment) if one.qualifier)
    if limits:
        reason += f"; limited to: {', '.join(limits)}"
    if assessment.registration is not None and assessment.registration.earlier:
        reason += f"; {assessment.registration.sentence}"
    return _Ruling(status=Status.ACCREDITED, reason=reason)


def _of_failure(
    service: _Service,
    assessment: Assessment,
    basis: Basis,
    outcome: Outcome,
    since: FollowUp | None,
) -> _Ruling:
    """The ruling of a binding outcome that does not conform, by the plan of its finding."""
    critical = is_critical(finding_in(assessment, outcome, 0, service.now))
    failure = f"{outcome.id} is not met ({describe(outcome)})"
    if since is None:
        return service.against(f"{failure}, and no action plan is open", suspends=critical)
    finding, plan = since.finding, since.plan
    critical = critical or is_critical(finding)
    if plan is None or plan.state not in FIXED | {PlanState.SUPERSEDED}:
        return _of_open(service, since, failure, critical=critical)
    if plan.state is PlanState.SUPERSEDED:
        reason = f"{failure}: the scheme changed and ended plan {plan.id}; measure by its version"
        return service.against(reason, suspends=critical)
    if finding.campaign != assessment.campaign and not _held_since(plan, basis.begun):
        reason = f"{failure}: it fails again after plan {plan.id} was {plan.state}"
        return service.against(reason, suspends=critical)
    if plan.state is PlanState.CLOSED:
        return MET_SINCE
    return _of_open(service, since, failure, critical=critical)


def _held_since(plan: ActionPlan, begun: datetime) -> bool:
    """Whether a re-test or a campaign of the soak period since then showed that the fix works."""
    shown = [one.at for one in plan.retests[-1:] if one.outcome is RetestResult.CONFORMS]
    shown += [one.begun for one in plan.soaks if one.conforms and not one.fault]
    return max(shown, default=begun) > begun


def _of_plans(service: _Service, handled: Sequence[FollowUp]) -> Iterator[_Ruling]:
    """The rulings of all other findings that are open, whatever a campaign shows of them."""
    for each in service.followed:
        if each in handled or (each.plan is not None and each.plan.is_ended):
            continue
        finding = each.finding
        subject = f"{finding.id} of campaign {finding.campaign} is open ({_place(finding)})"
        yield _of_open(service, each, subject, critical=is_critical(finding))


def _of_open(service: _Service, each: FollowUp, subject: str, *, critical: bool) -> _Ruling:
    """The ruling of a finding whose plan has not ended; ``subject`` says what is wrong."""
    plan = each.plan
    if plan is None:
        return service.against(f"{subject}, and no action plan is open", suspends=critical)
    if critical and plan.state is not PlanState.VERIFIED:
        reason = f"{subject}: critical, and plan {plan.id} is not verified but {plan.state}"
        return service.against(reason, suspends=True)
    if (late := plan.overdue_since(service.now)) is not None:
        reason = f"{subject}: plan {plan.id} is overdue since {late:%Y-%m-%d}"
        return service.against(reason, suspends=each.finding.severity == "Maj")
    if plan.state in TO_AGREE:
        return service.against(f"{subject}: plan {plan.id} is not agreed but {plan.state}")
    due = _due(plan)
    return _Ruling(
        status=Status.WITH_ACTION_PLAN,
        reason=f"{subject}: plan {plan.id} is {plan.state}, due on {due:%Y-%m-%d}",
        condition=Condition(
            plan=plan.id,
            requirement=each.finding.requirement,
            severity=each.finding.severity,
            state=str(plan.state),
            due=due,
        ),
    )


def _due(plan: ActionPlan) -> datetime:
    """When a plan is due, with its approved deviations and soak period."""
    return max(plan.effective_due, plan.soak_ends or plan.due)


def _latest(service: _Service, assessment: Assessment, outcome: Outcome) -> FollowUp | None:
    """The finding about a failed outcome: the open one, or else the last; ``None`` without any."""
    subject = subject_in(assessment, outcome)
    return max(
        (each for each in service.followed if each.finding.subject == subject),
        key=lambda each: (not _is_settled(each), _by_number(each.finding)),
        default=None,
    )


def _is_settled(each: FollowUp) -> bool:
    return each.plan is not None and each.plan.is_ended


def _binding(assessment: Assessment) -> list[Outcome]:
    """The binding outcomes in the order of their ids."""
    return sorted(
        (one for one in assessment.outcomes if one.requirement.binding), key=lambda one: one.id
    )


def _by_number(finding: Finding) -> tuple[int, str]:
    return number_of(finding.id), finding.id


def _place(finding: Finding) -> str:
    return f"{finding.requirement}[{finding.profile}-{finding.line}]"


def _checks(number: int, one: str, several: str) -> str:
    return f"{number} binding check {one}" if number == 1 else f"{number} binding checks {several}"
