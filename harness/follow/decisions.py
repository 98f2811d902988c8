"""Decisions on accreditation: who may decide what, and appeals (ISO/IEC 17065, 7.6 and 7.13).

The rules propose and a named person decides, who took no part in the evaluation. The person may be
stricter than the proposal, never more lenient: evidence that is missing cannot be decided away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from harness.errors import UsageError, known
from harness.model.action_plan import ActionPlan, Finding
from harness.model.decision import (
    FAVOURABLE,
    LENIENCE,
    Decision,
    DecisionAppeal,
    HeldDecision,
    Status,
)
from harness.model.decision_event import (
    DecisionAppealed,
    DecisionEvent,
    DecisionMade,
    DecisionReviewed,
)
from harness.model.escalation import Level
from harness.model.event_times import TOLERANCE
from harness.model.person_names import find_person, identity_of, is_same_person
from harness.model.registry_record import AnyRecord, CampaignRecord, Contact, SubmissionRecord
from harness.model.stream import same_name

Decisions = Mapping[str, HeldDecision]
"""The decisions of a stream by their ids, oldest first."""


def year_after(moment: datetime) -> datetime:
    """The same day and time one year later: the longest validity of a decision (12 months)."""
    try:
        return moment.replace(year=moment.year + 1)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year + 1, day=28)


def latest_of(decisions: Decisions, key: str) -> HeldDecision | None:
    """The last decision about a service, version and scheme (``Decision.key``), or ``None``."""
    about = [one for one in decisions.values() if one.decision.key == key]
    return about[-1] if about else None


def standing(decisions: Decisions) -> tuple[HeldDecision, ...]:
    """The decisions that no later one about the same replaced, oldest first."""
    last = {one.decision.key: one for one in decisions.values()}
    return tuple(one for one in decisions.values() if last[one.decision.key] is one)


def is_accredited(decisions: Decisions, key: str, now: datetime) -> bool:
    """Whether a favourable decision is in force."""
    held = latest_of(decisions, key)
    return held is not None and held.status_at(now) in FAVOURABLE


def status_of(held: HeldDecision, plans: Iterable[ActionPlan], now: datetime) -> Status:
    """The status of an accreditation at a time, with the plans of its service and scheme.

    A plan that was escalated to suspension or withdrawal suspends or withdraws at once, without
    waiting for a decision (METHOD (d): illegal content). An upheld appeal suspends until the next
    decision, because this one has to be made again.
    """
    return status_under(held, (plan.level for plan in plans if not plan.is_ended), now)


def status_under(held: HeldDecision, open_levels: Iterable[Level | None], now: datetime) -> Status:
    """The status as ``status_of`` has it, with the levels of the plans that are open."""
    status, levels = held.status_at(now), set(open_levels)
    if status in FAVOURABLE and Level.WITHDRAWN in levels:
        return Status.WITHDRAWN
    is_stopped = Level.SUSPENDED in levels or held.is_overturned
    return Status.SUSPENDED if status in FAVOURABLE and is_stopped else status


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision is checked against: open records by key, and who took part in what.

    ``people`` are all who may not decide about the service (``people_of``).
    """

    records: Mapping[str, AnyRecord]
    people: tuple[str, ...]


SPEAKS_FOR_SUPPLIER = frozenset({"technical", "safeguarding", "commercial"})
"""The roles of contacts who speak for a supplier."""


def people_of(
    service: str,
    evaluators: Mapping[str, tuple[str, ...]],
    followed: Iterable[tuple[Finding, ActionPlan]],
    records: Iterable[AnyRecord],
) -> tuple[str, ...]:
    """All who may not decide about a service.

    They measured it (``evaluators``, by service), have a part in one of its plans, or speak for its
    supplier: contacts, and who signed a submission. ``records`` are all of the supplier's stream.
    """
    name = same_name(service)
    speaking = [
        record.by if isinstance(record, SubmissionRecord) else record.id
        for record in records
        if isinstance(record, SubmissionRecord)
        or (isinstance(record, Contact) and record.role in SPEAKS_FOR_SUPPLIER)
    ]
    acting = (
        person
        for finding, plan in followed
        if same_name(finding.service) == name
        for person in (*plan.actors, plan.owner)
    )
    return tuple(dict.fromkeys((*evaluators.get(name, ()), *acting, *speaking)))


def after_decision_event(
    decisions: Decisions, event: DecisionEvent, evaluation: Evaluation
) -> HeldDecision:
    """The decision that an event makes or changes. Raises UsageError if it is not possible."""
    match event:
        case DecisionMade():
            _require_possible(decisions, event, evaluation)
            return HeldDecision(decision=event.decision, by=event.actor, at=event.at)
        case DecisionAppealed():
            return _appealed(held_decision(decisions, event.of), event)
        case DecisionReviewed():
            return _reviewed(held_decision(decisions, event.of), event, evaluation)
    msg = f"{type(event).__name__}: not a known kind of event"
    raise UsageError(msg)


def held_decision(decisions: Decisions, name: str) -> HeldDecision:
    """The decision with that id. Raises UsageError with the known ids if there is none."""
    if name not in decisions:
        msg = f"no decision {name!r}; {known(decisions)}"
        raise UsageError(msg)
    return decisions[name]


def _require_possible(decisions: Decisions, event: DecisionMade, evaluation: Evaluation) -> None:
    decision = event.decision
    if decision.number != len(decisions) + 1:
        msg = f"decision {decision.id}: the next one is D-{len(decisions) + 1:04d}"
        raise UsageError(msg)
    if not decision.reason.strip():
        msg = f"decision {decision.id}: needs a reason"
        raise UsageError(msg)
    _require_independent(event.actor, evaluation, f"decide about {decision.service!r}")
    _require_records(decision, evaluation.records)
    _require_proposed(decision)
    if decision.status in FAVOURABLE:
        _require_validity(event)
    elif decision.until is not None:
        msg = f"decision {decision.id}: only an accreditation has an end"
        raise UsageError(msg)
    elif decision.status is not Status.NOT_YET and not is_accredited(
        decisions, decision.key, event.at
    ):
        msg = (
            f"{decision.service} {decision.version} is not accredited by {decision.scheme}: there "
            f"is nothing to be {decision.status}"
        )
        raise UsageError(msg)


def _require_independent(actor: str, evaluation: Evaluation, what: str) -> None:
    if not identity_of(actor):
        msg = f"who decides needs a name with letters, not {actor!r}"
        raise UsageError(msg)
    if (other := find_person(actor, evaluation.people)) is not None:
        msg = (
            f"{other} measured the service, has a part in one of its action plans, or speaks for "
            f"its supplier, and cannot {what}; somebody else must (--by NAME)"
        )
        raise UsageError(msg)


def _require_records(decision: Decision, records: Mapping[str, AnyRecord]) -> None:
    """The version and the white labels are on record, and so is the campaign, as it was judged."""
    service = same_name(decision.service)
    for kind, names in (("version", (decision.version,)), ("white-label", decision.white_labels)):
        for name in names:
            if f"{kind}:{service}\x1f{same_name(name)}" not in records:
                msg = (
                    f"{kind} {name!r} of {decision.service!r} is not in the registry; add it: "
                    f"accredit registry add {kind} NAME --supplier SUPPLIER --set of=SERVICE"
                )
                raise UsageError(msg)
    basis = decision.proposal.basis
    if basis is None:
        return
    key = f"campaign:{service}\x1f{same_name(basis.campaign)}\x1f{decision.scheme}"
    campaign = records.get(key)
    if not isinstance(campaign, CampaignRecord):
        msg = (
            f"campaign {basis.campaign!r} of {decision.service!r} by {decision.scheme} is not in "
            "the registry; 'accredit run' records it"
        )
        raise UsageError(msg)
    if campaign.journal != basis.journal:
        msg = (
            f"campaign {basis.campaign!r} was measured further, or is another one: its journal "
            "is not the one in the registry; conclude it again with 'accredit run'"
        )
        raise UsageError(msg)


def _require_proposed(decision: Decision) -> None:
    """A decision is one of those that can be made, and not more lenient than its proposal."""
    if decision.status not in LENIENCE or decision.proposal.status not in LENIENCE:
        msg = (
            f"decision {decision.id}: {decision.status} follows from the date; it cannot be decided"
        )
        raise UsageError(msg)
    if LENIENCE.index(decision.status) < LENIENCE.index(decision.proposal.status):
        reasons = "; ".join(decision.proposal.reasons)
        msg = (
            f"the rules propose {decision.proposal.status} ({reasons}); a decision can be "
            f"stricter, not more lenient: {decision.status} is"
        )
        raise UsageError(msg)
    if decision.status in FAVOURABLE and decision.proposal.basis is None:
        msg = f"decision {decision.id}: {decision.status} needs a campaign to rest on"
        raise UsageError(msg)


def _require_validity(event: DecisionMade) -> None:
    decision, latest = event.decision, year_after(event.at)
    until = decision.until
    if until is None or until.tzinfo is None or not event.at < until <= latest + TOLERANCE:
        msg = (
            f"decision {decision.id}: an accreditation ends after now and at the latest on "
            f"{latest:%Y-%m-%d}, 12 months from now"
        )
        raise UsageError(msg)


def _appealed(held: HeldDecision, event: DecisionAppealed) -> HeldDecision:
    name = held.decision.id
    if not event.reason.strip() or not identity_of(event.appellant):
        msg = f"decision {name}: an appeal needs a reason and the name of the appellant"
        raise UsageError(msg)
    if held.open_appeal is not None:
        msg = f"decision {name}: an appeal of {held.open_appeal.appellant} is open already"
        raise UsageError(msg)
    if held.is_overturned:
        msg = f"decision {name}: an appeal was upheld already; it has to be decided again"
        raise UsageError(msg)
    appeal = DecisionAppeal(appellant=event.appellant, reason=event.reason, at=event.at)
    return msgspec.structs.replace(held, appeals=(*held.appeals, appeal))


def _reviewed(held: HeldDecision, event: DecisionReviewed, evaluation: Evaluation) -> HeldDecision:
    name, appeal = held.decision.id, held.open_appeal
    if appeal is None:
        msg = f"decision {name}: no appeal against it is open"
        raise UsageError(msg)
    if not event.reason.strip():
        msg = f"decision {name}: the answer to an appeal needs a reason"
        raise UsageError(msg)
    for who, what in ((held.by, "made the decision"), (appeal.appellant, "appealed")):
        if is_same_person(event.actor, who):
            msg = f"decision {name}: {event.actor} {what}; somebody else must review it (--by NAME)"
            raise UsageError(msg)
    _require_independent(event.actor, evaluation, "review an appeal about it")
    answered = msgspec.structs.replace(
        appeal,
        upheld=event.upheld,
        answer=event.reason,
        answered_by=event.actor,
        answered=event.at,
    )
    return msgspec.structs.replace(held, appeals=(*held.appeals[:-1], answered))
