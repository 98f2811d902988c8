"""Decisions on accreditation: who may decide what, and appeals (ISO/IEC 17065, 7.6 and 7.13).

The rules propose and a named person decides, who took no part in the evaluation. The person may be
stricter than the proposal, never more lenient: evidence that is missing cannot be decided away.
Somebody else reviews the evaluation before an accreditation is decided (7.5). What stops an
accreditation, and what ends that, is in ``harness.follow.accreditation``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from harness.errors import UsageError, known
from harness.follow.accreditation import (
    Sources,
    sentence_of,
    status_of,
    stops_about,
    stops_of,
    why_not_new_enough,
)
from harness.model.action_plan import ActionPlan, Finding
from harness.model.decision import (
    FAVOURABLE,
    LENIENCE,
    STOPPED,
    Decision,
    DecisionAppeal,
    HeldDecision,
    HeldRecommendation,
    Recommendation,
    Status,
)
from harness.model.decision_event import (
    DecisionAppealed,
    DecisionEvent,
    DecisionMade,
    DecisionReviewed,
    EvaluationReviewed,
)
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
    """The last decision about a service, version and scheme (``Decision.key``), or ``None``.

    One that is void counts only if there is no other.
    """
    about = [one for one in decisions.values() if one.decision.key == key]
    valid = [one for one in about if not one.void]
    return next(iter((valid or about)[-1:]), None)


def standing(decisions: Decisions) -> tuple[HeldDecision, ...]:
    """The decisions that no later one about the same replaced, oldest first."""
    last = {key: latest_of(decisions, key) for key in _keys_of(decisions)}
    return tuple(one for one in decisions.values() if last[one.decision.key] is one)


def _keys_of(decisions: Decisions) -> set[str]:
    return {one.decision.key for one in decisions.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a decision is checked against: open records by key, and who took part in what.

    ``people`` are all who may not decide about the service (``people_of``), ``sources`` is what can
    stop its accreditation, ``alarms`` are the ids of its alarms, ``recommended`` the reviews of
    evaluations on record. Of an event that is in a registry already (``is_kept``), what earlier
    versions allowed is not refused.
    """

    records: Mapping[str, AnyRecord]
    people: tuple[str, ...]
    sources: Sources
    alarms: Collection[str] = ()
    recommended: tuple[HeldRecommendation, ...] = ()
    is_kept: bool = False


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


def held_recommendation(event: EvaluationReviewed, evaluation: Evaluation) -> HeldRecommendation:
    """The recommendation of a review. Raises UsageError if it is not possible.

    Who reviews took no part in the evaluation, and recommends nothing more lenient than the rules
    propose.
    """
    said = event.recommendation
    basis = said.proposal.basis
    if basis is None or not said.reason.strip():
        msg = "the review of an evaluation needs a campaign and a reason"
        raise UsageError(msg)
    people = (*evaluation.people, *basis.judges)
    _require_independent(event.actor, people, f"review the evaluation of {said.service!r}")
    _require_records(said, evaluation.records)
    _require_proposed(said, "the recommendation")
    return HeldRecommendation(recommendation=said, by=event.actor, at=event.at)


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
    basis = decision.proposal.basis
    people = (*evaluation.people, *(basis.judges if basis is not None else ()))
    _require_independent(event.actor, people, f"decide about {decision.service!r}")
    _require_records(decision, evaluation.records)
    _require_proposed(decision, f"decision {decision.id}")
    if decision.status in FAVOURABLE:
        _require_validity(event)
        if not evaluation.is_kept:
            _require_new_enough(event, evaluation.sources)
            _require_reviewed(event, evaluation.recommended)
        return
    if decision.until is not None:
        msg = f"decision {decision.id}: only an accreditation has an end"
        raise UsageError(msg)
    if decision.status in STOPPED:
        _require_stoppable(latest_of(decisions, decision.key), event, evaluation)


def _require_stoppable(
    latest: HeldDecision | None, event: DecisionMade, evaluation: Evaluation
) -> None:
    """There is an accreditation that can be stopped, and the cause of that is on record."""
    decision, sources = event.decision, evaluation.sources
    status = status_of(latest, stops_of(latest, sources), event.at) if latest else Status.NOT_YET
    if status not in STOPPABLE:
        msg = (
            f"{decision.service} {decision.version} is not accredited by {decision.scheme}: there "
            f"is nothing to be {decision.status}"
        )
        raise UsageError(msg)
    plans = {plan.id for _, plan in sources.plans}
    if decision.cause and decision.cause not in {*evaluation.alarms, *plans, *evaluation.records}:
        msg = (
            f"decision {decision.id}: no alarm, plan or complaint {decision.cause!r} is on record; "
            "give an id such as A-0001 or P-0001, or the name of a complaint"
        )
        raise UsageError(msg)


STOPPABLE = (*FAVOURABLE, Status.UNDER_REVIEW, Status.SUSPENDED)
"""The statuses of an accreditation that can be suspended, withdrawn or terminated."""


def _require_new_enough(event: DecisionMade, sources: Sources) -> None:
    """Nothing bars the evidence, which began after all stops, and no stop is left."""
    decision, basis = event.decision, event.decision.proposal.basis
    key = (decision.service, decision.version, decision.scheme)
    stops = stops_about(decision.service, decision.scheme, sources)
    lasting = [sentence_of(stop) for stop in stops if stop.is_lasting]
    wrong: list[str] = []
    if basis is not None:
        wrong += basis.bars
        wrong += why_not_new_enough(basis, key, sources, event.at)
        if basis.begun > event.at + TOLERANCE:
            wrong.append(f"campaign {basis.campaign} began later than now: check the clock")
    for why in (*lasting, *wrong):
        msg = f"decision {decision.id} cannot be {decision.status}: {why}"
        raise UsageError(msg)


def _require_reviewed(event: DecisionMade, recommended: Iterable[HeldRecommendation]) -> None:
    """Somebody else reviewed the same evidence, and recommended nothing stricter."""
    decision = event.decision
    about = [one for one in recommended if _is_about(one.recommendation, decision)]
    if not about:
        msg = (
            f"decision {decision.id}: nobody has reviewed this evaluation; before an accreditation "
            "is decided, another person recommends it: accredit decision recommend "
            f"{decision.status} RESULTS --reason TEXT --by NAME"
        )
        raise UsageError(msg)
    last = about[-1]
    if is_same_person(last.by, event.actor):
        msg = (
            f"decision {decision.id}: {last.by} reviewed the evaluation and cannot decide about "
            "it; somebody else must (--by NAME)"
        )
        raise UsageError(msg)
    status = last.recommendation.status
    if LENIENCE.index(decision.status) < LENIENCE.index(status):
        msg = (
            f"decision {decision.id}: the review recommends {status} ({last.recommendation.reason})"
            f"; a decision can be stricter, not more lenient: {decision.status} is"
        )
        raise UsageError(msg)


def _is_about(said: Recommendation, decision: Decision) -> bool:
    """Whether a recommendation is about the evidence of a decision, judged by the same rules."""
    evidence = [
        basis and (basis.campaign, basis.journal, basis.rules)
        for basis in (said.proposal.basis, decision.proposal.basis)
    ]
    return said.key == decision.key and evidence[0] == evidence[1]


def _require_independent(actor: str, people: tuple[str, ...], what: str) -> None:
    if not identity_of(actor):
        msg = f"who decides needs a name with letters, not {actor!r}"
        raise UsageError(msg)
    if (other := find_person(actor, people)) is not None:
        msg = (
            f"{other} measured the service or judged evidence of it, has a part in one of its "
            f"action plans, or speaks for its supplier, and cannot {what}; somebody else must "
            "(--by NAME)"
        )
        raise UsageError(msg)


def _require_records(decision: Decision | Recommendation, records: Mapping[str, AnyRecord]) -> None:
    """The version and the white labels are on record, and so is the campaign, as it was judged."""
    service = same_name(decision.service)
    labels = decision.white_labels if isinstance(decision, Decision) else ()
    for kind, names in (("version", (decision.version,)), ("white-label", labels)):
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


def _require_proposed(decision: Decision | Recommendation, what: str) -> None:
    """A decision is one of those that can be made, and not more lenient than its proposal."""
    if decision.status not in LENIENCE or decision.proposal.status not in LENIENCE:
        msg = f"{what}: {decision.status} follows from what happened; it cannot be decided"
        raise UsageError(msg)
    if LENIENCE.index(decision.status) < LENIENCE.index(decision.proposal.status):
        reasons = "; ".join(decision.proposal.reasons)
        msg = (
            f"the rules propose {decision.proposal.status} ({reasons}); a decision can be "
            f"stricter, not more lenient: {decision.status} is"
        )
        raise UsageError(msg)
    if decision.status in FAVOURABLE and decision.proposal.basis is None:
        msg = f"{what}: {decision.status} needs a campaign to rest on"
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
    _require_independent(event.actor, evaluation.people, "review an appeal about it")
    answered = msgspec.structs.replace(
        appeal,
        upheld=event.upheld,
        answer=event.reason,
        answered_by=event.actor,
        answered=event.at,
    )
    return msgspec.structs.replace(held, appeals=(*held.appeals[:-1], answered))
