"""The terms of a plan, which supplier and assessor sign (Ed25519, RFC 8032; JSON by RFC 8785)."""

from __future__ import annotations

import hashlib
from typing import Any

from harness.follow.exit_query import exit_query_of
from harness.model.action_plan import ActionPlan, Finding, PlanRole
from harness.model.event import PlanEvent, PlanSigned
from harness.model.person_names import is_same_person

PREFIX = "accredit/plan-terms/1"
"""Stands before what is signed, so that a signature of something else is none of a plan.

If the content of the terms changes, they need another number, and plans that were signed before
keep this one.
"""


def terms_of(plan: ActionPlan, finding: Finding) -> str:
    """Return what is agreed: the finding, who does what until when, exceptions, and the end.

    A later extension, deviation or detail makes other terms.
    """
    query, agreed = exit_query_of(finding), plan.approved[-1] if plan.approved else None
    terms: dict[str, Any] = {
        "plan": plan.id,
        "finding": finding.id,
        "supplier": finding.supplier,
        "service": finding.service,
        "severity": finding.severity,
        "scheme": f"{finding.scheme} {finding.scheme_version}",
        "requirement": f"{finding.requirement} [{finding.profile}-{finding.line}]",
        "statement": finding.statement,
        "missed": list(finding.missed),
        "owner": plan.owner,
        "corrective_action": plan.corrective_action,
        "root_cause": plan.root_cause,
        "containment": plan.containment,
        "preventive_action": plan.preventive_action,
        "explanation": plan.explanation,
        "due": plan.due.isoformat(),
        "milestones": [[step.title, step.due.isoformat()] for step in plan.milestones],
        "deviation": [agreed.kind, agreed.until.isoformat(), agreed.reason] if agreed else [],
        "exit": [query.missed, query.failing, query.fresh, query.outcome],
    }
    from harness.signing import canonical  # noqa: PLC0415 - cryptography is heavy

    return canonical(terms, f"plan {plan.id}").decode()


def digest_of(plan: ActionPlan, finding: Finding) -> str:
    """Return the SHA-256 of the terms, in hexadecimal."""
    return hashlib.sha256(terms_of(plan, finding).encode()).hexdigest()


def text_to_sign(plan: ActionPlan, finding: Finding, role: PlanRole, signer: str) -> bytes:
    """Return the bytes that a person signs for the supplier or the assessor."""
    return "\n".join((PREFIX, role, signer, terms_of(plan, finding))).encode()


def signature_fault_in(plan: ActionPlan, finding: Finding, event: PlanEvent) -> str | None:
    """The reason why a signature is not valid; ``None`` if it is, or the event is none.

    It must be of the present terms. No person or key signs for both sides, and neither the owner of
    the plan nor the person who claimed the fix signs for the assessor.
    """
    if not isinstance(event, PlanSigned):
        return None
    from harness.signing import is_signed_by  # noqa: PLC0415 - cryptography is heavy

    text = text_to_sign(plan, finding, event.role, event.signer)
    if event.terms != digest_of(plan, finding):
        return f"plan {plan.id}: the signature is of other terms; read the plan again and sign it"
    if not is_signed_by(event.key, event.signature, text):
        return f"plan {plan.id}: the signature of {event.signer} is not valid"
    for other in plan.signatures:
        is_same = other.key == event.key or is_same_person(other.signer, event.signer)
        if is_same and other.role != event.role:
            return (
                f"plan {plan.id}: {other.signer} signed for the {other.role}; somebody else, with "
                f"another key, must sign for the {event.role}"
            )
    if event.role == "assessor":
        for part, name in (("owns it", plan.owner), ("claimed the fix", plan.claimed_by)):
            if is_same_person(name, event.signer):
                return (
                    f"plan {plan.id}: {event.signer} {part} and cannot sign for the assessor; "
                    "somebody else must"
                )
    return None
