"""``accredit plan extend``, ``deviate``, ``decide-deviation``, ``check-in`` and ``supersede``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.paths import REGISTRY_OPTION, chosen_registry
from harness.cli.person_identity import IDENTITY, acting
from harness.cli.plan_step import APPROVER, BY, DUE, PLAN, SUPPLIER, clock, end_of, record
from harness.cli.registry_session import current_user, open_session
from harness.errors import UsageError
from harness.model.deviation import DeviationKind
from harness.model.event import (
    DeviationApproved,
    DeviationRejected,
    DeviationRequested,
    PlanExtended,
    PlanSuperseded,
    VendorCheckedIn,
)

APPROVERS_IDENTITY = Annotated[
    Path | None,
    typer.Option("--identity", help="The approver signs: the private key, a PEM file."),
]


def extend_command(
    plan: PLAN,
    due: DUE,
    reason: Annotated[str, typer.Option(help="Why the fix takes longer.")],
    approver: APPROVER,
    by: BY = "",
    identity: APPROVERS_IDENTITY = None,
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Extend the due date. The original date stays on record."""
    extended = PlanExtended(
        at=clock.now(),
        actor=by or current_user(),
        plan=plan,
        due=end_of(due),
        reason=reason,
        approver=approver,
    )
    record(plan, extended, registry, supplier, identity)


def deviate_command(
    plan: PLAN,
    kind: Annotated[DeviationKind, typer.Option(help="The kind of deviation.")],
    until: DUE,
    reason: Annotated[str, typer.Option(help="Why it cannot be fixed earlier.")],
    mitigation: Annotated[str, typer.Option(help="What reduces the risk until then.")],
    *,
    severity: Annotated[
        str, typer.Option(help="The lower severity of a risk adjustment: Maj or Min.")
    ] = "",
    vendor: Annotated[str, typer.Option(help="The vendor that a fix waits for.")] = "",
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Ask for a deviation until a date; somebody without a part in the plan decides on it.

    The plan stays open. If it is approved, the plan is not overdue before that date.
    """
    requested = DeviationRequested(
        at=clock.now(),
        actor=by or current_user(),
        plan=plan,
        kind=kind,
        reason=reason,
        mitigation=mitigation,
        until=end_of(until),
        severity=severity,
        vendor=vendor,
    )
    record(plan, requested, registry, supplier)


def decide_deviation_command(
    plan: PLAN,
    reason: Annotated[str, typer.Option(help="Why it is approved or rejected.")],
    *,
    approve: Annotated[bool, typer.Option("--approve", help="Approve what is requested.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Reject what is requested.")] = False,
    by: Annotated[
        str, typer.Option(help="Who decides; has no other part in the plan. Default: you.")
    ] = "",
    identity: IDENTITY = None,
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Approve or reject the deviation that is requested."""
    if approve is reject:
        msg = "say which: --approve or --reject"
        raise UsageError(msg)
    kind = DeviationApproved if approve else DeviationRejected
    with open_session(chosen_registry(registry), clock=clock) as session:
        actor = acting(session, by, identity)
    decided = kind(at=clock.now(), actor=actor, plan=plan, reason=reason)
    record(plan, decided, registry, supplier, identity)


def check_in_command(
    plan: PLAN,
    vendor: Annotated[str, typer.Option(help="The vendor the fix depends on.")],
    result: Annotated[str, typer.Option(help="What the vendor said.")],
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Record an update from the vendor the fix depends on; the next one is due within 30 days."""
    checked_in = VendorCheckedIn(
        at=clock.now(), actor=by or current_user(), plan=plan, vendor=vendor, result=result
    )
    record(plan, checked_in, registry, supplier)


def supersede_command(
    plan: PLAN,
    scheme_version: Annotated[str, typer.Option(help="The new version of the finding's scheme.")],
    reason: Annotated[str, typer.Option(help="What the new version changes for the finding.")],
    approver: APPROVER,
    by: BY = "",
    identity: APPROVERS_IDENTITY = None,
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """End a plan because the scheme changed. A campaign by the new version shows what holds now."""
    superseded = PlanSuperseded(
        at=clock.now(),
        actor=by or current_user(),
        plan=plan,
        scheme_version=scheme_version,
        reason=reason,
        approver=approver,
    )
    record(plan, superseded, registry, supplier, identity)
