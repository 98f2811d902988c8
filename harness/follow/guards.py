"""Who may not do what with a plan: approvers stand apart, and nobody verifies a fix of their own.

Whoever approves an extension or a deviation of a plan is neither its owner nor the actor of any
of its events, before or after (ISO/IEC 17065, 7.6: who decides did not evaluate).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from harness.errors import UsageError, known
from harness.model.action_plan import (
    ActionPlan,
    CheckIn,
    Deviation,
    DeviationKind,
    Finding,
    Level,
    Milestone,
)
from harness.model.corpus import covers
from harness.model.event import (
    PlanAgreed,
    PlanDeviated,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    RetestConcluded,
    RetestStarted,
    VendorCheckedIn,
)

LOOK_ALIKES = {
    # Cyrillic, Greek, Armenian, and Latin letters of their own, as case folding leaves them
    **dict(zip("авеікмнорстухѕјԁԛԝһӏѵ", "abeikmhopctyxsjdqwhlv", strict=True)),
    **dict(zip("αβεζηικμνορτυχγ", "abezhikmnoptyxy", strict=True)),
    **dict(zip("ոսհօıłøđɡɑ", "nuhoilodga", strict=True)),
}
"""Letters that look like a Latin one in either case (Unicode UTS #39, confusables)."""

INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u0640")
"""Letters without a shape of their own: Hangul fillers, and the Arabic tatweel."""


def identity_of(name: str) -> str:
    """What tells one name from another; empty if the name has no letter and no digit."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    letters = unicodedata.normalize("NFKD", folded)
    return "".join(LOOK_ALIKES.get(letter, letter) for letter in letters if _counts(letter))


def is_same_person(one: str, other: str) -> bool:
    """Whether two names may be one person's; a name without letters is nobody's."""
    return bool(identity_of(one)) and identity_of(one) == identity_of(other)


def find_person(name: str, among: tuple[str, ...]) -> str | None:
    """The first of several names that may be the same person's."""
    return next((other for other in among if is_same_person(name, other)), None)


def _counts(letter: str) -> bool:
    if letter in INVISIBLE:
        return False
    kind = unicodedata.category(letter)[0]
    return kind in "LN" or (kind == "M" and not _is_accent(letter))


def _is_accent(letter: str) -> bool:
    """Accents of Latin, Greek and Cyrillic, and variation selectors; vowel signs are none."""
    return (
        "\u0300" <= letter <= "\u036f"
        or "\ufe00" <= letter <= "\ufe0f"
        or "\U000e0100" <= letter <= "\U000e01ef"
        or "\u180b" <= letter <= "\u180f"
    )


def dependence_in(plan: ActionPlan, event: PlanEvent) -> str | None:
    """Why ``event`` mixes roles that must be apart, in one sentence; nothing if it does not."""
    if not identity_of(event.actor):
        return f"plan {plan.id}: the name of who does this needs letters, not {event.actor!r}"
    if isinstance(event, RetestStarted | RetestConcluded) and is_same_person(
        event.actor, plan.claimed_by
    ):
        return (
            f"plan {plan.id}: {event.actor} claimed the fix, and cannot verify it; "
            "somebody else must"
        )
    if (approver := find_person(event.actor, plan.approvers)) is not None:
        return (
            f"plan {plan.id}: {approver} approved its extension or deviation, and can do nothing "
            "else with it; somebody else must"
        )
    if isinstance(event, PlanAgreed):
        return _owner(plan, event)
    if isinstance(event, PlanExtended | PlanDeviated):
        return _approver(plan, event)
    return None


def _owner(plan: ActionPlan, event: PlanAgreed) -> str | None:
    if not identity_of(event.owner):
        return f"plan {plan.id}: needs an owner: a name with letters, not {event.owner!r}"
    if (approver := find_person(event.owner, plan.approvers)) is not None:
        return (
            f"plan {plan.id}: {approver} approved its extension or deviation, and cannot become "
            "its owner; name another owner"
        )
    return None


def _approver(plan: ActionPlan, event: PlanExtended | PlanDeviated) -> str | None:
    what = "extension" if isinstance(event, PlanExtended) else "deviation"
    who = event.approver
    if not identity_of(who):
        return f"plan {plan.id}: needs an approver: a name with letters, not {who!r}"
    if is_same_person(who, plan.owner):
        return f"plan {plan.id}: {plan.owner} owns it, and cannot approve its {what}"
    if is_same_person(who, event.actor):
        return (
            f"plan {plan.id}: {event.actor} records the {what}, and cannot approve it as well; "
            "name another approver, or let somebody else record it (--by)"
        )
    if (actor := find_person(who, plan.actors)) is not None:
        return f"plan {plan.id}: {actor} acted on it before, and cannot approve its {what}"
    return None


def require_text(plan: ActionPlan, what: str, text: str) -> None:
    """Raise UsageError if there are no words where ``what`` is asked for."""
    if not text.strip():
        msg = f"plan {plan.id}: needs {what}"
        raise UsageError(msg)


ILLEGAL = "ILL"
"""The taxonomy code of illegal content: its misses are more urgent than any severity."""

AGREE = timedelta(days=14)
"""Ten working days to agree a plan."""


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """The longest time to contain a failure (``None``: not asked) and to fix it."""

    contain: timedelta | None
    fix: timedelta


LEVELS = {
    "illegal": ServiceLevel(timedelta(days=1), timedelta(days=7)),
    "Crit": ServiceLevel(timedelta(days=5), timedelta(days=30)),
    "Maj": ServiceLevel(None, timedelta(days=90)),
    "Min": ServiceLevel(None, timedelta(days=180)),
    "Obs": ServiceLevel(None, timedelta(days=180)),
}


def level_of(finding: Finding) -> ServiceLevel:
    """The service level of a finding; a severity that is not known gets the shortest."""
    if any(covers(category, ILLEGAL) for category in finding.categories):
        return LEVELS["illegal"]
    return LEVELS.get(finding.severity, LEVELS["illegal"])


def latest_due(finding: Finding) -> datetime:
    """The last moment that the severity allows without an approved extension."""
    return finding.opened + level_of(finding).fix


def milestones_of(finding: Finding) -> tuple[Milestone, ...]:
    """The steps that every plan has, dated within its time; at least one."""
    level, due = level_of(finding), latest_due(finding)
    steps = [Milestone(title="Corrective action agreed", due=min(finding.opened + AGREE, due))]
    if level.contain:
        contained = finding.opened + level.contain
        steps.insert(0, Milestone(title="Failure contained", due=contained))
    fixed = finding.opened + (due - finding.opened) * 0.8
    steps.append(Milestone(title="Fix in the service", due=fixed))
    steps.append(Milestone(title="Re-test conforms", due=due))
    return tuple(sorted(steps, key=lambda step: step.due))


LADDER = tuple(Level)
"""Escalation only goes up."""


def deviate(plan: ActionPlan, finding: Finding, event: PlanDeviated) -> ActionPlan:
    """Agree a departure. Raises UsageError if it may not be agreed."""
    require_text(plan, "a reason", event.reason)
    require_text(plan, "what mitigates it", event.mitigation)
    require_text(plan, "an approver", event.approver)
    if event.until <= event.at:
        msg = f"plan {plan.id}: a deviation until {event.until:%Y-%m-%d} would be over already"
        raise UsageError(msg)
    is_never = event.kind is DeviationKind.OPERATIONAL_REQUIREMENT
    if is_never and level_of(finding) in (LEVELS["Crit"], LEVELS["illegal"]):
        msg = f"plan {plan.id}: a critical finding has no {event.kind}; mend it"
        raise UsageError(msg)
    agreed = Deviation(
        kind=event.kind,
        reason=event.reason,
        mitigation=event.mitigation,
        approver=event.approver,
        until=event.until,
    )
    return replace(plan, deviation=agreed, approvers=(*plan.approvers, event.approver))


def check_in(plan: ActionPlan, _: Finding, event: VendorCheckedIn) -> ActionPlan:
    """Note what a vendor said. Raises UsageError if it says nothing."""
    require_text(plan, "the vendor's name", event.vendor)
    require_text(plan, "what the vendor said", event.result)
    told = CheckIn(at=event.at, vendor=event.vendor, result=event.result)
    return replace(plan, check_ins=(*plan.check_ins, told))


def escalate(plan: ActionPlan, _: Finding, event: PlanEscalated) -> ActionPlan:
    """Take the plan a rung up. Raises UsageError if it is none."""
    require_text(plan, "a reason", event.reason)
    require_text(plan, "exit criteria", event.exit_criteria)
    higher = LADDER[LADDER.index(plan.level) + 1 :] if plan.level else LADDER
    if event.level not in higher:
        above = known(higher) if higher else "nothing is above it"
        msg = f"plan {plan.id} is escalated to {plan.level}: {event.level} is no higher; {above}"
        raise UsageError(msg)
    return replace(plan, level=event.level, exit_criteria=event.exit_criteria)


def describe(event: PlanEvent) -> str:
    """Such an event in words."""
    match event:
        case PlanDeviated(kind=kind, until=until, approver=approver, reason=reason):
            return f"{kind} until {until:%Y-%m-%d}, approved by {approver}: {reason}"
        case VendorCheckedIn(vendor=vendor, result=result):
            return f"{vendor} checked in: {result}"
        case PlanEscalated(level=level, reason=reason, exit_criteria=criteria):
            return f"escalated to {level}: {reason}. It ends when: {criteria}"
        case _:
            return "changed"
