"""Certificates of decisions: when one can be issued, what it says, and which are valid now.

Nothing here signs or reads files; see ``harness.cli.certificate``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from harness.errors import UsageError
from harness.follow.accreditation import public_reason, sentence_of, status_of
from harness.follow.decisions import Decisions, held_decision, latest_of
from harness.model.action_plan import FollowUp
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
from harness.model.decision import FAVOURABLE, AccreditationStop, HeldDecision, Status
from harness.model.decision_event import CertificateIssued

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


Stops = Callable[[HeldDecision], Sequence[AccreditationStop]]
"""What stops the accreditation of a decision (``StreamState.stops_on``)."""


def why_not_in_force(
    decisions: Decisions, held: HeldDecision, stops: Sequence[AccreditationStop], now: datetime
) -> str:
    """Why no certificate can be issued for a decision now, in a sentence; empty if one can.

    ``stops`` are what stops its accreditation.
    """
    decision = held.decision
    latest = latest_of(decisions, decision.key)
    if held.void or (latest is not None and latest is not held):
        replaced = f"was replaced by {latest.decision.id}" if latest is not None else ""
        return f"decision {decision.id} {f'is void: {held.void}' if held.void else replaced}"
    if decision.status not in FAVOURABLE:
        return f"decision {decision.id} is {decision.status}, which is no accreditation"
    if stops:
        return f"{sentence_of(stops[-1])}; decide again on a campaign that begins after that"
    status = status_of(held, stops, now)
    if status not in FAVOURABLE:
        return f"the accreditation by decision {decision.id} is {status} now"
    return ""


def with_certificate(
    decisions: Decisions, event: CertificateIssued, supplier: str, stops: Stops, *, is_kept: bool
) -> HeldDecision:
    """The decision after its certificate was issued. Raises UsageError if that is not possible.

    ``supplier`` is the name of the stream. Of an event that is in a registry already (``is_kept``),
    earlier versions asked less of what is in force.
    """
    held = held_decision(decisions, event.of)
    if held.certificate is not None:
        msg = f"decision {event.of} has a certificate already: {held.certificate.number}"
        raise UsageError(msg)
    in_force = () if is_kept else stops(held)
    if why_not := why_not_in_force(decisions, held, in_force, event.at):
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


class CertificateNow(NamedTuple):
    """The status of a certificate, and why, as everybody may read it; empty if nothing stops it."""

    status: CertificateStatus
    why: str = ""


def certificate_status(
    decisions: Decisions, held: HeldDecision, stops: Sequence[AccreditationStop], now: datetime
) -> CertificateNow:
    """The status of the certificate of a decision at a time; ``stops`` are those of the decision.

    A later decision that only suspends it suspends the certificate; any other one revokes it, for
    good. What stops the accreditation without a decision suspends it too.
    """
    names = list(decisions)
    later = [
        decisions[name].decision.status
        for name in names[names.index(held.decision.id) + 1 :]
        if decisions[name].decision.key == held.decision.key and not decisions[name].void
    ]
    status = status_of(held, stops, now)
    if any(each is not Status.SUSPENDED for each in later):
        return CertificateNow(CertificateStatus.REVOKED, public_reason(stops, status))
    if status is Status.EXPIRED:
        return CertificateNow(CertificateStatus.EXPIRED)
    if later or status not in FAVOURABLE:
        return CertificateNow(CertificateStatus.SUSPENDED, public_reason(stops, status))
    return CertificateNow(CertificateStatus.VALID)


def statuses_of(decisions: Decisions, stops: Stops, now: datetime) -> Mapping[str, CertificateNow]:
    """The status of each certificate of a stream at a time, by its number.

    One that a correction of the clock undid is revoked.
    """
    void = (number for held in decisions.values() for number in held.void_certificates)
    return dict.fromkeys(void, CertificateNow(CertificateStatus.REVOKED)) | {
        held.certificate.number: certificate_status(decisions, held, stops(held), now)
        for held in decisions.values()
        if held.certificate is not None
    }
