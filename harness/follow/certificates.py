"""Certificates of decisions: when one can be issued, what it says, and which are valid now.

Nothing here signs or reads files; see ``harness.cli.certificate``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from harness.errors import UsageError
from harness.follow.decisions import Decisions, held_decision, latest_of, status_of
from harness.follow.recall import review_name
from harness.model.action_plan import ActionPlan, FollowUp
from harness.model.certificate import (
    Body,
    Certificate,
    CertificateStatus,
    CertifiedBasis,
    CertifiedScheme,
    OpenCondition,
    Scope,
    Statement,
    StatusReference,
    number_of_certificate,
)
from harness.model.decision import FAVOURABLE, HeldDecision, Status
from harness.model.decision_event import CertificateIssued
from harness.model.registry_record import AnyRecord, Review
from harness.model.stream import same_name

CERTIFICATES = msgspec.json.Decoder(Certificate)

STATEMENT = Statement(
    means=(
        "The body named here decided that this version of the service meets the minimum "
        "specification named here. It rests on measurements of the service by that specification, "
        "whose digests are given."
    ),
    does_not_mean=(
        "It does not say that the service blocks everything harmful or nothing harmless, that "
        "other versions or settings give the same results, or that results stay the same after "
        "the measurement. A school keeps its own duty to protect its pupils."
    ),
)
"""What every certificate says that it means, and does not mean."""

STATUS_LIST = StatusReference(
    note=(
        "A certificate can be suspended or revoked before it expires. Ask the body for its "
        "current status list."
    ),
    command="accredit certificate verify FILE --key KEY --status-list LIST",
)
"""How to find out whether a certificate is still valid."""


def certificate_facts(
    held: HeldDecision,
    supplier: str,
    followed: Iterable[FollowUp],
    body: Body,
    *,
    issued_by: str,
    issued_at: datetime,
) -> Certificate:
    """What a certificate of a favourable decision says, with its number.

    ``followed`` are the plans of the service. Raises UsageError if the decision is not favourable,
    or rests on no campaign.
    """
    decision, basis = held.decision, held.decision.proposal.basis
    status = FAVOURABLE.index(decision.status) if decision.status in FAVOURABLE else None
    if status is None or basis is None or decision.until is None:
        msg = f"decision {decision.id}: {decision.status} is no accreditation"
        raise UsageError(msg)
    margins = decision.proposal.margins
    draft = Certificate(
        body=body,
        supplier=supplier,
        service=decision.service,
        version=decision.version,
        white_labels=tuple(sorted(set(decision.white_labels))),
        scheme=CertifiedScheme(id=decision.scheme, version=decision.scheme_version),
        scope=tuple(sorted({Scope(profile=each.profile, line=each.line) for each in margins})),
        limited_to=basis.limited_to,
        status=("accredited", "accredited-with-action-plan")[status],
        conditions=_open_conditions(held, followed),
        decision=decision.id,
        decided_by=held.by,
        decided_key=held.key or msgspec.UNSET,
        decided_at=_to_the_second(held.at),
        valid_until=_to_the_second(decision.until),
        issued_by=issued_by,
        issued_at=_to_the_second(issued_at),
        basis=CertifiedBasis(
            journal=basis.journal,
            assessment=basis.assessment,
            rules=basis.rules,
            begun=_to_the_second(basis.begun),
            concluded=_to_the_second(basis.concluded),
        ),
        statement=STATEMENT,
        status_list=STATUS_LIST,
    )
    return msgspec.structs.replace(draft, number=number_of_certificate(canonical_form(draft)))


def canonical_form(certificate: Certificate) -> bytes:
    """The canonical form of a certificate (RFC 8785).

    It has texts alone, so that sorted keys and the shortest escapes are enough.
    """
    return msgspec.json.encode(certificate, order="sorted")


def has_own_number(certificate: Certificate) -> bool:
    """Whether the number of a certificate is the one that follows from what it says."""
    without = msgspec.structs.replace(certificate, number="")
    return certificate.number == number_of_certificate(canonical_form(without))


def _open_conditions(held: HeldDecision, followed: Iterable[FollowUp]) -> tuple[OpenCondition, ...]:
    """The conditions of a decision whose plans are open still, with the dates of now."""
    plans = {each.plan.id: each.plan for each in followed if each.plan is not None}
    left = {
        (one.requirement, plans[one.plan].due if one.plan in plans else one.due)
        for one in held.decision.proposal.conditions
        if one.plan not in plans or not plans[one.plan].is_ended
    }
    return tuple(
        OpenCondition(requirement=name, due=due.astimezone(UTC).date())
        for name, due in sorted(left)
    )


def _to_the_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def why_not_in_force(
    decisions: Decisions,
    held: HeldDecision,
    plans: Iterable[ActionPlan],
    records: Iterable[AnyRecord],
    now: datetime,
) -> str:
    """Why no certificate can be issued for a decision now, in a sentence; empty if one can.

    ``plans`` are those of its service and scheme, ``records`` the open ones of its supplier.
    """
    decision = held.decision
    latest = latest_of(decisions, decision.key)
    if latest is not None and latest is not held:
        return f"decision {decision.id} was replaced by {latest.decision.id}"
    if decision.status not in FAVOURABLE:
        return f"decision {decision.id} is {decision.status}, which is no accreditation"
    if held.is_overturned:
        return f"an appeal against decision {decision.id} was upheld; it has to be decided again"
    status = status_of(held, plans, now)
    if status not in FAVOURABLE:
        return f"the accreditation by decision {decision.id} is {status} now"
    if any(_is_recall(record, held) for record in records):
        return (
            f"decision {decision.id} was recalled, and the review of it is open; close the review "
            "or decide again"
        )
    return ""


def _is_recall(record: AnyRecord, held: HeldDecision) -> bool:
    """Whether a record is the review that ``accredit recall`` opens about a decision."""
    return (
        isinstance(record, Review)
        and record.trigger == "recall"
        and same_name(record.of) == same_name(held.decision.service)
        and record.id.startswith(review_name(held.decision.id))
    )


def with_certificate(
    decisions: Decisions,
    event: CertificateIssued,
    supplier: str,
    plans: Callable[[HeldDecision], Iterable[ActionPlan]],
    records: Iterable[AnyRecord],
) -> HeldDecision:
    """The decision after its certificate was issued. Raises UsageError if that is not possible.

    ``supplier`` is the name of the stream, and ``plans`` gives those of a decision's service and
    scheme.
    """
    held = held_decision(decisions, event.of)
    if held.certificate is not None:
        msg = f"decision {event.of} has a certificate already: {held.certificate.number}"
        raise UsageError(msg)
    if why_not := why_not_in_force(decisions, held, plans(held), records, event.at):
        msg = f"no certificate can be issued: {why_not}"
        raise UsageError(msg)
    _require_same(held, event, supplier)
    return msgspec.structs.replace(held, certificate=event.certificate)


def _require_same(held: HeldDecision, event: CertificateIssued, supplier: str) -> None:
    """The certificate says what was decided, by whom and until when, under its own number."""
    issued, decision = event.certificate, held.decision
    msg = f"decision {decision.id}: its certificate says something else than the decision"
    try:
        said = CERTIFICATES.decode(issued.text)
    except msgspec.MsgspecError:
        raise UsageError(msg) from None
    until = _to_the_second(decision.until) if decision.until else None
    expected = (decision.id, decision.service, decision.version, decision.scheme, decision.status)
    found = (said.decision, said.service, said.version, said.scheme.id, Status(said.status))
    is_same = (
        expected == found
        and (said.decided_by, said.decided_key or "") == (held.by, held.key)
        and said.valid_until == until
        and (said.issued_by, said.issued_at) == (event.actor, _to_the_second(event.at))
        and said.supplier == supplier
        and set(said.white_labels) == set(decision.white_labels)
        and issued.number == said.number
        and has_own_number(said)
        and issued.sha256 == hashlib.sha256(issued.text.encode()).hexdigest()
    )
    if not is_same:
        raise UsageError(msg)


def certificate_status(
    decisions: Decisions, held: HeldDecision, plans: Iterable[ActionPlan], now: datetime
) -> CertificateStatus:
    """The status of the certificate of a decision at a time.

    A later decision that only suspends it suspends the certificate; any other one revokes it, for
    good. What suspends the accreditation without a decision (``status_of``) suspends it too.
    """
    names = list(decisions)
    later = [
        decisions[name].decision.status
        for name in names[names.index(held.decision.id) + 1 :]
        if decisions[name].decision.key == held.decision.key
    ]
    status = status_of(held, plans, now)
    if any(each is not Status.SUSPENDED for each in later):
        return CertificateStatus.REVOKED
    if status is Status.EXPIRED:
        return CertificateStatus.EXPIRED
    if later or status not in FAVOURABLE:
        return CertificateStatus.SUSPENDED
    return CertificateStatus.VALID


def statuses_of(
    decisions: Decisions,
    plans: Callable[[HeldDecision], Iterable[ActionPlan]],
    now: datetime,
) -> Mapping[str, CertificateStatus]:
    """The status of each certificate of a stream at a time, by its number."""
    return {
        held.certificate.number: certificate_status(decisions, held, plans(held), now)
        for held in decisions.values()
        if held.certificate is not None
    }
