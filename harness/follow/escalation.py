"""Escalation of plans by rule: who is late, how often, and what that asks for.

The rules are those of METHOD (d): a ladder for each late plan, and the triggers of FedRAMP
(``performance-management.md``) for all plans of a supplier. Its numbers are for one system; here
they apply to each profile of a service, and count requirements, so that one cause which fails on
several lines counts once. A deviation that is in force takes its finding out of the numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from harness.errors import UsageError, known
from harness.follow.deadlines import LEVELS, agreed_by, is_critical, level_of
from harness.follow.exit_query import exit_query_of, in_words
from harness.follow.guards import require_text
from harness.model.action_plan import ENDED, TO_AGREE, ActionPlan, Finding, FollowUp, PlanState
from harness.model.escalation import LADDER, Escalation, Level
from harness.model.event import ClockCorrected, PlanEscalated
from harness.model.event_times import TOLERANCE

HALF_YEAR = timedelta(days=183)
"""A trigger that applies twice within this time asks for a corrective action plan (FedRAMP). A
suspension lasts no longer, and then leads to withdrawal (ISO/IEC 17021-1, 9.6.5)."""

SETTLED = ENDED | {PlanState.VERIFIED}
"""The states of plans that no rule escalates: the fix was verified, or there is none to come."""

OVERDUE: Mapping[str, Sequence[tuple[timedelta, Level]]] = {
    "illegal": ((timedelta(0), Level.SUSPENDED),),
    "Crit": (
        (timedelta(0), Level.CORRECTIVE_ACTION_PLAN),
        (timedelta(days=30), Level.SUSPENDED),
    ),
    "other": (
        (timedelta(0), Level.FINDING_REVIEW),
        (timedelta(days=30), Level.CORRECTIVE_ACTION_PLAN),
        (timedelta(days=60), Level.SUSPENDED),
    ),
}
"""How long a plan is overdue before it reaches each level, by the severity of its finding."""

MANY: Sequence[tuple[str, int, timedelta, Level]] = (
    ("critical", 5, timedelta(days=30), Level.FINDING_REVIEW),
    ("critical", 5, timedelta(days=60), Level.CORRECTIVE_ACTION_PLAN),
    ("major", 10, timedelta(days=90), Level.FINDING_REVIEW),
    ("major", 10, timedelta(days=120), Level.CORRECTIVE_ACTION_PLAN),
)
"""How many requirements of one profile may fail for how long, by severity."""

MORE, MORE_SHARE = 10, 0.2
"""How many more requirements than at first may fail: so many, or that share if it is more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A rule that applies to a plan, the level that it asks for, and why."""

    rule: str
    level: Level
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """An open plan with its finding, at a time, among all plans of the supplier."""

    plan: ActionPlan
    finding: Finding
    all: Sequence[FollowUp]
    now: datetime


def escalations_due(followed: Sequence[FollowUp], now: datetime) -> dict[str, Trigger]:
    """The escalations that rules ask for now, by plans. ``followed`` are all plans of a supplier.

    A plan moves to the highest level of all rules that apply to it, unless it is there already.
    """
    cases = [
        _Open(plan=each.plan, finding=each.finding, all=followed, now=now)
        for each in followed
        if each.plan is not None and each.plan.state not in SETTLED
    ]
    found: defaultdict[str, list[Trigger]] = defaultdict(list)
    for case in cases:
        for rule in RULES:
            found[case.plan.id] += rule(case)
    for case, trigger in _of_profiles(cases):
        found[case.plan.id].append(trigger)
    due = {}
    for case in cases:
        triggers = [_repeated(case, trigger) for trigger in found[case.plan.id]]
        highest = max(triggers, key=lambda each: LADDER.index(each.level), default=None)
        if highest and highest.level in levels_above(case.plan):
            due[case.plan.id] = highest
    return due


def notice_of(
    trigger: Trigger, plan: str, finding: Finding, at: datetime, actor: str
) -> PlanEscalated:
    """The event by which a plan is escalated by rule. It states what ends the escalation."""
    return PlanEscalated(
        at=at,
        actor=actor,
        plan=plan,
        level=trigger.level,
        reason=trigger.reason,
        exit_criteria=f"{ASKED[trigger.level]}{in_words(exit_query_of(finding))}",
        rule=trigger.rule,
    )


ASKED: Mapping[Level, str] = {
    Level.FINDING_REVIEW: "",
    Level.CORRECTIVE_ACTION_PLAN: (
        "root cause, milestones and due date are on record and signed for the supplier, and "
    ),
    Level.SUSPENDED: "",
    Level.WITHDRAWN: "the service is accredited anew, and ",
}
"""What each level asks for beside a re-test that conforms."""


def levels_above(plan: ActionPlan) -> Sequence[Level]:
    """The levels that a plan can be escalated to."""
    return LADDER[LADDER.index(plan.level) + 1 :] if plan.level else LADDER


def escalate(plan: ActionPlan, _: Finding, event: PlanEscalated) -> ActionPlan:
    """Escalate the plan. Raises UsageError if the level is not higher."""
    require_text(plan, "a reason", event.reason)
    require_text(plan, "exit criteria", event.exit_criteria)
    higher = levels_above(plan)
    if event.level not in higher:
        above = known(higher) if higher else "there is no higher level"
        msg = f"plan {plan.id} is escalated to {plan.level}; {event.level} is not higher; {above}"
        raise UsageError(msg)
    notice = Escalation(
        at=event.at,
        level=event.level,
        reason=event.reason,
        exit_criteria=event.exit_criteria,
        rule=event.rule,
    )
    return replace(plan, escalations=(*plan.escalations, notice))


def is_dropped_by(correction: ClockCorrected, escalated: PlanEscalated | Escalation) -> bool:
    """Whether a correction shows that the date of an earlier escalation by rule was wrong.

    What was recorded before the correction cannot have happened after it. A person's escalation
    does not rest on the date, and stays.
    """
    return bool(escalated.rule) and escalated.at > correction.at + TOLERANCE


def drop_escalations(plan: ActionPlan, correction: ClockCorrected) -> ActionPlan:
    """The plan after a correction of the clock; ``plan`` is it before.

    Escalations by rule whose date was wrong are kept, and count no more. The history says so.
    """
    wrong = [each for each in plan.counted_escalations if is_dropped_by(correction, each)]
    if not wrong:
        return plan
    when = f"{correction.at:%Y-%m-%d %H:%M}"
    why = f"its date was wrong, the clock was corrected at {when}: {correction.reason}"
    held = tuple(replace(each, dropped=why) if each in wrong else each for each in plan.escalations)
    entries = (
        f"{when} {correction.actor}: the escalation of {each.at:%Y-%m-%d %H:%M} to {each.level} "
        f"(rule {each.rule}) counts no more: its date was wrong: {correction.reason}"
        for each in wrong
    )
    return replace(plan, escalations=held, history=(*plan.history, *entries))


def _overdue(case: _Open) -> Iterator[Trigger]:
    since = case.plan.overdue_since(case.now)
    if since is None:
        return
    level = level_of(case.finding)
    name = next((name for name in ("illegal", "Crit") if level is LEVELS[name]), "other")
    for late, asked in OVERDUE[name]:
        if case.now - since > late:
            yield Trigger(rule="overdue", level=asked, reason=f"overdue since {since:%Y-%m-%d}")


def _not_agreed(case: _Open) -> Iterator[Trigger]:
    limit = agreed_by(case.finding)
    if case.plan.state in TO_AGREE and case.now > limit:
        reason = f"no plan was agreed by {limit:%Y-%m-%d}"
        yield Trigger(rule="not-agreed", level=Level.FINDING_REVIEW, reason=reason)


def _check_in_missed(case: _Open) -> Iterator[Trigger]:
    due = case.plan.next_check_in
    if due is not None and case.now > due:
        reason = f"a check-in with the vendor was due on {due:%Y-%m-%d}"
        yield Trigger(rule="check-in-missed", level=Level.FINDING_REVIEW, reason=reason)


def _recurrence(case: _Open) -> Iterator[Trigger]:
    finding = case.finding
    earlier = next((one.plan for one in case.all if one.finding.id == finding.recurrence_of), None)
    if earlier is None or earlier.ended is None:
        return
    reason = f"the failure of {finding.recurrence_of}, fixed on {earlier.ended:%Y-%m-%d}, came back"
    is_soon = finding.opened - earlier.ended <= HALF_YEAR
    level = Level.CORRECTIVE_ACTION_PLAN if is_soon else Level.FINDING_REVIEW
    yield Trigger(rule="recurrence", level=level, reason=reason)


def _suspended_too_long(case: _Open) -> Iterator[Trigger]:
    counted = case.plan.counted_escalations
    last = counted[-1] if counted else None
    if last and last.level is Level.SUSPENDED and case.now - last.at > HALF_YEAR:
        reason = f"suspended since {last.at:%Y-%m-%d}"
        yield Trigger(rule="suspended-too-long", level=Level.WITHDRAWN, reason=reason)


Rule = Callable[[_Open], Iterator[Trigger]]

RULES: Sequence[Rule] = (
    _overdue,
    _not_agreed,
    _check_in_missed,
    _recurrence,
    _suspended_too_long,
)
"""The rules that look at one plan."""


def _of_profiles(cases: Sequence[_Open]) -> Iterator[tuple[_Open, Trigger]]:
    """Yield what is asked for by the number of failing requirements of a service and profile."""
    profiles: defaultdict[tuple[str, str], list[_Open]] = defaultdict(list)
    for case in cases:
        if case.plan.deviation_at(case.now) is None:
            profiles[case.finding.subject[1], case.finding.profile].append(case)
    for held in profiles.values():
        yield from _many(held)
        yield from _more(held)


def _many(cases: Sequence[_Open]) -> Iterator[tuple[_Open, Trigger]]:
    for severity, most, age, level in MANY:
        old = [
            case
            for case in cases
            if _severity_of(case.finding) == severity and case.now - case.finding.opened > age
        ]
        count = len({case.finding.requirement for case in old})
        if count < most:
            continue
        reason = (
            f"{count} {severity} requirements failed for more than {age.days} days for profile "
            f"{old[0].finding.profile}"
        )
        for case in old:
            yield case, Trigger(rule=f"many-{severity}", level=level, reason=reason)


def _severity_of(finding: Finding) -> str:
    if is_critical(finding):
        return "critical"
    return "major" if finding.severity == "Maj" else ""


def _more(cases: Sequence[_Open]) -> Iterator[tuple[_Open, Trigger]]:
    """Compare the failing requirements with those of the first campaign that opened a finding."""
    place = cases[0].finding.subject[1], cases[0].finding.profile
    history = [
        one.finding
        for one in cases[0].all
        if (one.finding.subject[1], one.finding.profile) == place
    ]
    first = min(history, key=lambda finding: finding.opened).campaign
    baseline = len({one.requirement for one in history if one.campaign == first})
    count = len({case.finding.requirement for case in cases})
    if count - baseline < max(MORE, MORE_SHARE * baseline):
        return
    reason = f"{count} requirements fail for profile {place[1]}; at first {baseline} did"
    for case in cases:
        if case.finding.campaign != first:
            level = Level.FINDING_REVIEW
            yield case, Trigger(rule="more-findings", level=level, reason=reason)


def _repeated(case: _Open, trigger: Trigger) -> Trigger:
    """Raise a trigger's level if it applied to another plan of the supplier within six months."""
    if LADDER.index(trigger.level) >= LADDER.index(Level.CORRECTIVE_ACTION_PLAN):
        return trigger
    for other in (each.plan for each in case.all):
        if other is None or other.id == case.plan.id:
            continue
        for notice in other.counted_escalations:
            if notice.rule == trigger.rule and ONE_DAY < case.now - notice.at <= HALF_YEAR:
                reason = (
                    f"{trigger.reason}; the same happened to plan {other.id} on "
                    f"{notice.at:%Y-%m-%d}"
                )
                return replace(trigger, level=Level.CORRECTIVE_ACTION_PLAN, reason=reason)
    return trigger


ONE_DAY = timedelta(days=1)
"""Notices of one day are of one cause, not a repetition."""
