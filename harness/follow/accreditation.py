"""The states of an accreditation: what stops it, and what ends each stop (ISO/IEC 17065, 7.11).

One rule holds for all of them: **a stop ends only by evidence that began after it.** A favourable
decision is in force as long as nothing stopped the accreditation since its campaign began. So the
same campaign never lifts the suspension that it was suspended by, whatever is decided, and evidence
from before a withdrawal never grants anything again.

========================  ============================================  ==========================
state                     what leads to it                              what ends it
========================  ============================================  ==========================
proposed                  a campaign is proposed to be decided on       a review, then a decision
accredited                a decision after a review                     a stop, a later decision,
accredited-with-action-   the same, with failures whose plans are       its last day
plan                      agreed
not-yet                   a decision on too little evidence             a decision
suspended                 a decision (of itself, or because of an       a decision on a campaign
                          alarm, a plan or a complaint), a plan that    that began after it; of a
                          is escalated, an appeal that was upheld       plan: a re-test that began
                                                                        after it, and the close
under-review              a recall of what was decided on               a decision on a campaign
                                                                        that began after it
withdrawn, terminated     a decision; a plan that is escalated          the same, and a submission
                                                                        after it
expired                   its last day is over                          a decision on a campaign
                                                                        that began after the
                                                                        decision that expired
superseded                a later decision about the same version       nothing
appealed                  an appeal; the decision stands                the answer to it
========================  ============================================  ==========================

``docs/reference/accreditation.md`` draws it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from harness.follow.recall import recalled_decision
from harness.model.action_plan import ActionPlan, Finding, PlanState, RetestResult
from harness.model.decision import (
    FAVOURABLE,
    STOPPED,
    AccreditationStop,
    Basis,
    Decision,
    HeldDecision,
    Status,
    StopKind,
    decision_key,
)
from harness.model.escalation import Level
from harness.model.event_times import in_utc
from harness.model.registry_record import Review
from harness.model.stream import same_name

STATUS_OF_LEVEL = {Level.SUSPENDED: Status.SUSPENDED, Level.WITHDRAWN: Status.WITHDRAWN}
"""The status that a plan gives the accreditation of its service when it is escalated so far."""

NEEDS_SUBMISSION = (Status.WITHDRAWN, Status.TERMINATED)
"""After these the supplier has to submit the service anew."""

CAUSES = {"A-": StopKind.ALARM, "P-": StopKind.PLAN, "complaint:": StopKind.COMPLAINT}
"""What stopped an accreditation, by how the cause of a decision begins (``Decision.cause``)."""


class RecordedReview(NamedTuple):
    """A review of the registry, and when it was recorded."""

    at: datetime
    review: Review


class Sources(NamedTuple):
    """All that can stop the accreditations of a stream.

    ``decisions`` are oldest first, ``plans`` have their findings, ``reviews`` are those that are
    not closed. ``retests`` is when each re-test started, by its plan and campaign, ``submitted``
    when each service was submitted last (``same_name``). ``versions`` are those for which campaigns
    were registered, by their runs (``Basis.run``), and ``misdated`` those that a clock registered
    which was ahead, with the time of its correction.
    """

    decisions: tuple[HeldDecision, ...]
    plans: tuple[tuple[Finding, ActionPlan], ...]
    reviews: tuple[RecordedReview, ...]
    retests: dict[tuple[str, str], datetime]
    submitted: dict[str, datetime]
    versions: dict[str, str]
    misdated: dict[str, datetime]


def stops_of(held: HeldDecision, sources: Sources) -> tuple[AccreditationStop, ...]:
    """What stops the accreditation of a decision, the gravest last; empty if nothing does.

    It counts what the evidence of the last favourable decision up to this one does not end; all of
    it, if that decision is void.
    """
    decision, key = held.decision, held.decision.key
    about = [one for one in sources.decisions if one.decision.key == key]
    stops = [
        *_of_decisions(about),
        *_of_plans(decision.service, decision.scheme, sources),
        *_of_reviews({one.decision.id for one in about}, sources),
    ]
    basis = _evidence_of(held, about)
    submitted = sources.submitted.get(same_name(decision.service))
    left = [stop for stop in stops if basis is None or not is_ended(stop, basis, submitted)]
    return tuple(sorted(left, key=lambda stop: (STOPPED.index(stop.status), stop.since)))


def stops_about(service: str, scheme: str, sources: Sources) -> tuple[AccreditationStop, ...]:
    """All that ever stopped a service, of any version: what is decided next has to be newer.

    A decision by any scheme counts, and a plan by the same ``scheme``.
    """
    name = same_name(service)
    about = [one for one in sources.decisions if same_name(one.decision.service) == name]
    stops = [
        *_of_decisions(about),
        *_of_plans(service, scheme, sources),
        *_of_reviews({one.decision.id for one in about}, sources),
    ]
    return tuple(sorted(stops, key=lambda stop: (stop.since, stop.about)))


def is_ended(stop: AccreditationStop, basis: Basis, submitted: datetime | None) -> bool:
    """Whether the evidence of a campaign ends a stop.

    ``submitted`` is the last submission of the service, which a withdrawn one needs as well.
    """
    if stop.is_lasting or not _is_newer(basis, stop):
        return False
    return stop.status not in NEEDS_SUBMISSION or (submitted is not None and submitted > stop.since)


def _is_newer(basis: Basis, stop: AccreditationStop) -> bool:
    """Whether a campaign began after a stop, however the clock was corrected meanwhile."""
    return basis.begun > stop.since and basis.journal not in stop.known


def status_of(held: HeldDecision, stops: Iterable[AccreditationStop], now: datetime) -> Status:
    """The status of an accreditation at a time, with what stops it (``stops_of``)."""
    status = held.status_at(now)
    if status not in (*FAVOURABLE, *STOPPED):
        return status
    return max((status, *(stop.status for stop in stops)), key=(*FAVOURABLE, *STOPPED).index)


def why_not_new_enough(
    basis: Basis, key: tuple[str, str, str], sources: Sources, now: datetime
) -> Iterator[str]:
    """Yield why a campaign is too old for a favourable decision; nothing if it is not.

    ``key`` is the service, the version and the scheme to decide about. The campaign has to begin
    after all that stopped the service, not before one that was decided on already, and after the
    decision of an accreditation that expired. When one began that a wrong clock registered is not
    known, and what another version showed is no evidence.
    """
    service, version, scheme = key
    measured = sources.versions.get(basis.run, "")
    if measured and same_name(measured) != same_name(version):
        yield (
            f"campaign {basis.campaign} was registered for version {measured}, and this is about "
            f"version {version}: measure that one, named in the campaign file"
        )
    campaign = f"campaign {basis.campaign} began on {in_utc(basis.begun)}"
    if (corrected := sources.misdated.get(basis.run)) is not None:
        yield (
            f"{campaign} by a clock that was ahead, which was corrected on {in_utc(corrected)}: "
            "when it began is not known; measure again"
        )
    submitted = sources.submitted.get(same_name(service))
    for stop in stops_about(service, scheme, sources):
        yield from _why_not_newer(stop, basis, campaign, submitted)
    expired: HeldDecision | None = None
    for held in sources.decisions:
        decision, other = held.decision, held.decision.proposal.basis
        if decision.key == decision_key(service, version, scheme):
            expired = held if held.status_at(now) is Status.EXPIRED else None
        if (same_name(decision.service), decision.scheme) != (same_name(service), scheme):
            continue
        if other is None or other.journal == basis.journal or held.void:
            continue
        if basis.begun < other.begun:
            yield (
                f"{campaign}, before campaign {other.campaign}, which {decision.id} was decided "
                "on: decide on that one, or measure again"
            )
    if expired is not None and basis.begun <= expired.at:
        yield (
            f"the accreditation by {expired.decision.id} has expired, and {campaign}, before it "
            "was decided: measure again"
        )


def _why_not_newer(
    stop: AccreditationStop, basis: Basis, campaign: str, submitted: datetime | None
) -> Iterator[str]:
    """Yield why the evidence of a campaign does not end a stop; a lasting one is said elsewhere."""
    if stop.is_lasting:
        return
    stopped = sentence_of(stop)
    if not _is_newer(basis, stop):
        ended_by = "only evidence that began after that ends it"
        yield f"{stopped}; {ended_by}, and {campaign}: measure again"
    elif not is_ended(stop, basis, submitted):
        yield f"{stopped}; that ends only with a new submission of the service as well"
    elif old := sorted(name for name, at in _stated_for(stop, basis) if at <= stop.since):
        yield (
            f"{stopped}; {', '.join(old)} rests on statements of people from before: have them "
            "stated anew"
        )


def _stated_for(stop: AccreditationStop, basis: Basis) -> Iterator[tuple[str, datetime]]:
    """The answers of people that a stop puts in question; a recall is about measurements alone."""
    if stop.kind is StopKind.RECALL:
        return
    for name, at in basis.stated:
        if not stop.requirements or name in stop.requirements:
            yield name, at


def sentence_of(stop: AccreditationStop) -> str:
    """What stopped an accreditation, and when, for those who may know all of it."""
    by = {
        StopKind.DECISION: f"decision {stop.about}",
        StopKind.ALARM: f"decision {stop.about}, because of an alarm",
        StopKind.COMPLAINT: f"decision {stop.about}, because of a complaint",
        StopKind.PLAN: f"action plan {stop.about}, which was escalated",
        StopKind.RECALL: f"the recall of decision {stop.about}",
        StopKind.APPEAL: f"the appeal against decision {stop.about}, which was upheld",
    }[stop.kind]
    return f"the service is {stop.status} since {in_utc(stop.since)} by {by}"


PUBLIC_WORDS = {
    StopKind.DECISION: "by a decision of the accreditation body",
    StopKind.ALARM: "after an alarm of surveillance was confirmed",
    StopKind.COMPLAINT: "after a complaint",
    StopKind.PLAN: "because a failure was not corrected as agreed",
    StopKind.RECALL: "because something that the decision rested on proved wrong",
    StopKind.APPEAL: "because an appeal against the decision was upheld",
}
"""Why an accreditation was stopped, as everybody may read it: no person, item or plan is named."""


def public_reason(stops: Iterable[AccreditationStop], status: Status) -> str:
    """Why an accreditation has a status, for everybody; empty if nothing stopped it."""
    since = [stop for stop in stops if stop.status is status]
    return PUBLIC_WORDS[max(since, key=lambda stop: stop.since).kind] if since else ""


def _evidence_of(held: HeldDecision, about: Iterable[HeldDecision]) -> Basis | None:
    """The campaign that the last favourable decision up to this one rests on."""
    found = None
    for one in about:
        basis = one.decision.proposal.basis
        if one.decision.status in FAVOURABLE and basis is not None and not one.void:
            found = basis
        if one.decision.id == held.decision.id:
            break
    return found


def _of_decisions(about: Iterable[HeldDecision]) -> Iterator[AccreditationStop]:
    """The stops that decisions are, oldest first, with the journals that were decided on before."""
    known: dict[str, None] = {}
    for held in about:
        basis = held.decision.proposal.basis
        known |= {basis.journal: None} if basis is not None else {}
        for stop in _of_decision(held):
            yield msgspec.structs.replace(stop, known=tuple(known))


def _of_decision(held: HeldDecision) -> Iterator[AccreditationStop]:
    """The stop that a decision is, or an appeal against an accreditation that was upheld."""
    decision = held.decision
    if decision.status in STOPPED:
        kind = stop_kind(decision)
        yield AccreditationStop(kind=kind, about=decision.id, status=decision.status, since=held.at)
    for appeal in held.appeals if decision.status in FAVOURABLE else ():
        if appeal.upheld and appeal.answered is not None:
            yield AccreditationStop(
                kind=StopKind.APPEAL,
                about=decision.id,
                status=Status.SUSPENDED,
                since=appeal.answered,
            )


def stop_kind(decision: Decision) -> StopKind:
    """What a decision that stops an accreditation rests on."""
    for start, kind in CAUSES.items():
        if decision.cause.startswith(start):
            return kind
    return StopKind.DECISION


def _of_plans(service: str, scheme: str, sources: Sources) -> Iterator[AccreditationStop]:
    """What plans stop that were escalated: until they are closed by a re-test that began later."""
    name = same_name(service)
    for finding, plan in sources.plans:
        if finding.scheme != scheme or same_name(finding.service) != name:
            continue
        shown = _last_shown(plan, sources)
        for escalation in plan.counted_escalations:
            status = STATUS_OF_LEVEL.get(escalation.level)
            is_over = plan.is_ended and shown is not None and shown > escalation.at
            if status is not None and not is_over:
                yield AccreditationStop(
                    kind=StopKind.PLAN,
                    about=plan.id,
                    status=status,
                    since=escalation.at,
                    requirements=(finding.requirement,),
                    is_lasting=not plan.is_ended,
                )


def _last_shown(plan: ActionPlan, sources: Sources) -> datetime | None:
    """When the last re-test began that showed the fix of a closed plan."""
    if plan.state is not PlanState.CLOSED:
        return None
    shown = [one for one in plan.retests if one.outcome is RetestResult.CONFORMS]
    if not shown:
        return None
    last = shown[-1]
    return min(last.begun or sources.retests.get((plan.id, last.campaign), last.at), last.at)


def _of_reviews(decisions: set[str], sources: Sources) -> Iterator[AccreditationStop]:
    """The recalls of some decisions, by the reviews of them."""
    for at, review in sources.reviews:
        decision = recalled_decision(review)
        if decision in decisions:
            yield AccreditationStop(
                kind=StopKind.RECALL, about=decision, status=Status.UNDER_REVIEW, since=at
            )
