"""Rules for action plans: separation of roles, due dates, deviations, check-ins, escalation.

The person who claimed a fix may not verify it. The person who approves an extension or a deviation
of a plan is neither its owner nor the actor of any of its other events (ISO/IEC 17065, 7.6:
decisions are made by persons who did not evaluate). Names that look alike count as the same person.
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
    CanariesMade,
    FixClaimed,
    PlanAgreed,
    PlanDeviated,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    RetestConcluded,
    RetestPostponed,
    RetestStarted,
    VendorCheckedIn,
    in_utc,
)

LOOK_ALIKES = {
    # Cyrillic, Greek, Armenian and special Latin letters, after case folding
    **dict(zip("авеікмнорстухѕјԁԛԝһӏѵ", "abeikmhopctyxsjdqwhlv", strict=True)),
    **dict(zip("αβεζηικμνορτυχγ", "abezhikmnoptyxy", strict=True)),
    **dict(zip("ոսհօıłøđɡɑ", "nuhoilodga", strict=True)),
}
"""Letters that look like a Latin one in either case (Unicode UTS #39, confusables)."""

INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u0640")
"""Letters that are invisible or have no shape: Hangul fillers, and the Arabic tatweel."""


def identity_of(name: str) -> str:
    """The normalised name, by which persons are compared; empty without a letter or digit."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    letters = unicodedata.normalize("NFKD", folded)
    return "".join(LOOK_ALIKES.get(letter, letter) for letter in letters if _counts(letter))


def is_same_person(one: str, other: str) -> bool:
    """Whether two names may belong to the same person; a name without letters never does."""
    return bool(identity_of(one)) and identity_of(one) == identity_of(other)


def find_person(name: str, among: tuple[str, ...]) -> str | None:
    """The first of the names that may belong to the same person, or ``None``."""
    return next((other for other in among if is_same_person(name, other)), None)


def _counts(letter: str) -> bool:
    if letter in INVISIBLE:
        return False
    kind = unicodedata.category(letter)[0]
    return kind in "LN" or (kind == "M" and not _is_accent(letter))


def _is_accent(letter: str) -> bool:
    """Whether a mark is an accent or variation selector, which is ignored; vowel signs count."""
    return (
        "\u0300" <= letter <= "\u036f"
        or "\ufe00" <= letter <= "\ufe0f"
        or "\U000e0100" <= letter <= "\U000e01ef"
        or "\u180b" <= letter <= "\u180f"
    )


def role_conflict_in(plan: ActionPlan, event: PlanEvent) -> str | None:
    """The reason why ``event`` mixes roles that must be separate; ``None`` if it does not."""
    if not identity_of(event.actor):
        return f"plan {plan.id}: the actor's name must have letters, not {event.actor!r}"
    if (conflict := _claims_and_verifies(plan, event)) is not None:
        return conflict
    if (approver := find_person(event.actor, plan.approvers)) is not None:
        return (
            f"plan {plan.id}: {approver} approved its extension or deviation and cannot take any "
            "other part in it; somebody else must do this"
        )
    if isinstance(event, PlanAgreed):
        return _owner(plan, event)
    if isinstance(event, PlanExtended | PlanDeviated):
        return _approver(plan, event)
    return None


def _claims_and_verifies(plan: ActionPlan, event: PlanEvent) -> str | None:
    """Say that one person would claim a fix and verify it, or make the canaries that verify it."""
    verifies = isinstance(event, CanariesMade | RetestPostponed | RetestStarted | RetestConcluded)
    if verifies and is_same_person(event.actor, plan.claimed_by):
        return (
            f"plan {plan.id}: {event.actor} claimed the fix and cannot verify it; "
            "somebody else must"
        )
    makers = tuple(canaries.made_by for canaries in plan.canaries)
    if isinstance(event, FixClaimed) and find_person(event.actor, makers) is not None:
        return (
            f"plan {plan.id}: {event.actor} made its canaries and cannot claim the fix; "
            "somebody else must"
        )
    return None


def _owner(plan: ActionPlan, event: PlanAgreed) -> str | None:
    if not identity_of(event.owner):
        return f"plan {plan.id}: needs an owner: a name with letters, not {event.owner!r}"
    if (approver := find_person(event.owner, plan.approvers)) is not None:
        return (
            f"plan {plan.id}: {approver} approved its extension or deviation and cannot become "
            "its owner; name another owner"
        )
    return None


def _approver(plan: ActionPlan, event: PlanExtended | PlanDeviated) -> str | None:
    what = "extension" if isinstance(event, PlanExtended) else "deviation"
    who = event.approver
    if not identity_of(who):
        return f"plan {plan.id}: needs an approver: a name with letters, not {who!r}"
    if is_same_person(who, plan.owner):
        return f"plan {plan.id}: {plan.owner} is its owner and cannot approve its {what}"
    if is_same_person(who, event.actor):
        return (
            f"plan {plan.id}: {event.actor} records the {what} and cannot also approve it; "
            "name another approver, or let somebody else record it (--by)"
        )
    if (actor := find_person(who, plan.actors)) is not None:
        return f"plan {plan.id}: {actor} acted on it before and cannot approve its {what}"
    return None


def require_text(plan: ActionPlan, what: str, text: str) -> None:
    """Raise UsageError if ``text``, which gives ``what``, is empty."""
    if not text.strip():
        msg = f"plan {plan.id}: needs {what}"
        raise UsageError(msg)


ILLEGAL = "ILL"
"""The taxonomy code of illegal content, whose findings have the shortest deadlines."""

AGREE = timedelta(days=14)
"""The time to agree a plan: ten working days."""


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """The longest time to contain a failure (``None``: not required) and to fix it."""

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
    """The service level of a finding; an unknown severity gets the shortest times."""
    if any(covers(category, ILLEGAL) for category in finding.categories):
        return LEVELS["illegal"]
    return LEVELS.get(finding.severity, LEVELS["illegal"])


def latest_due(finding: Finding) -> datetime:
    """The latest due date that the severity allows without an approved extension."""
    return finding.opened + level_of(finding).fix


def milestones_of(finding: Finding) -> tuple[Milestone, ...]:
    """The milestones of a plan, in order of their dates; at least one."""
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
"""The levels of escalation, lowest first; a plan can only move up."""


def deviate(plan: ActionPlan, finding: Finding, event: PlanDeviated) -> ActionPlan:
    """Add an agreed deviation to the plan. Raises UsageError if it is not allowed."""
    require_text(plan, "a reason", event.reason)
    require_text(plan, "what mitigates it", event.mitigation)
    require_text(plan, "an approver", event.approver)
    if event.until <= event.at:
        msg = f"plan {plan.id}: {event.until:%Y-%m-%d} is past; give a later date for the deviation"
        raise UsageError(msg)
    is_never = event.kind is DeviationKind.OPERATIONAL_REQUIREMENT
    if is_never and level_of(finding) in (LEVELS["Crit"], LEVELS["illegal"]):
        msg = f"plan {plan.id}: a critical finding cannot have an {event.kind}; fix it"
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
    """Add a vendor's update to the plan. Raises UsageError if it is empty."""
    require_text(plan, "the vendor's name", event.vendor)
    require_text(plan, "what the vendor said", event.result)
    update = CheckIn(at=event.at, vendor=event.vendor, result=event.result)
    return replace(plan, check_ins=(*plan.check_ins, update))


def escalate(plan: ActionPlan, _: Finding, event: PlanEscalated) -> ActionPlan:
    """Escalate the plan. Raises UsageError if the level is not higher."""
    require_text(plan, "a reason", event.reason)
    require_text(plan, "exit criteria", event.exit_criteria)
    higher = LADDER[LADDER.index(plan.level) + 1 :] if plan.level else LADDER
    if event.level not in higher:
        above = known(higher) if higher else "there is no higher level"
        msg = f"plan {plan.id} is escalated to {plan.level}; {event.level} is not higher; {above}"
        raise UsageError(msg)
    return replace(plan, level=event.level, exit_criteria=event.exit_criteria)


def describe(event: PlanEvent) -> str:
    """Describe a deviation, a check-in, an escalation, or what precedes a re-test, in words."""
    match event:
        case CanariesMade(canaries=canaries):
            return f"{len(canaries.items)} canaries made, loaded by {in_utc(canaries.loaded_by)}"
        case RetestPostponed(reason=reason):
            return f"re-test postponed, no item was tried this time: {reason}"
        case PlanDeviated(kind=kind, until=until, approver=approver, reason=reason):
            return f"{kind} until {until:%Y-%m-%d}, approved by {approver}: {reason}"
        case VendorCheckedIn(vendor=vendor, result=result):
            return f"{vendor} checked in: {result}"
        case PlanEscalated(level=level, reason=reason, exit_criteria=criteria):
            return f"escalated to {level}: {reason}. It ends when: {criteria}"
        case _:
            return "changed"
