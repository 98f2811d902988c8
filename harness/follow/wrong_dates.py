"""What a correction of the clock undoes: favourable acts that are dated after it.

What was recorded before the correction cannot have happened after it, so a date after it is wrong.
A soak period that was over, a plan that was closed, an accreditation and a certificate rest on such
dates: they count no more, and have to be made again. What is against a service stays: a fix that
did not hold, a suspension, what a person escalated.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec

from harness.follow.escalation import drop_escalations
from harness.model.action_plan import ActionPlan, PlanState
from harness.model.decision import FAVOURABLE, HeldDecision
from harness.model.event import ClockCorrected
from harness.model.event_times import TOLERANCE, in_utc


def corrected_plan(plan: ActionPlan, correction: ClockCorrected) -> ActionPlan:
    """The plan after a correction of the clock; ``plan`` is it before.

    It is verified again if it was closed later than now, campaigns of its soak period that began or
    count later are left out, and a soak period begins now at the latest.
    """
    after, latest = drop_escalations(plan, correction), correction.at + TOLERANCE
    soaks = tuple(one for one in plan.soaks if one.fault or one.begun <= latest)
    if plan.state is PlanState.CLOSED and plan.ended is not None and plan.ended > latest:
        after = replace(after, state=PlanState.VERIFIED, ended=None)
    retests = tuple(
        msgspec.structs.replace(one, at=correction.at, begun=None) if one.at > latest else one
        for one in plan.retests
    )
    undone = [
        *(f"campaign {one.campaign} counts no more" for one in plan.soaks if one not in soaks),
        *(["it is not closed any more"] if after.state is not plan.state else []),
        *(["its fix counts as verified now"] if retests != plan.retests else []),
    ]
    if not undone:
        return after
    entry = (
        f"{correction.at:%Y-%m-%d %H:%M} {correction.actor}: {', '.join(undone)}: dated later than "
        f"the corrected clock: {correction.reason}"
    )
    return replace(after, soaks=soaks, retests=retests, history=(*after.history, entry))


def corrected_decision(held: HeldDecision, correction: ClockCorrected) -> HeldDecision:
    """The decision after a correction of the clock: void, if it is favourable and dated later.

    A certificate that is dated later, or of a decision that is void, is void as well.
    """
    latest = correction.at + TOLERANCE
    after = held
    if held.decision.status in FAVOURABLE and held.at > latest and not held.void:
        why = (
            f"it is dated {in_utc(held.at)}, later than the clock that was corrected on "
            f"{in_utc(correction.at)} ({correction.reason}); decide again"
        )
        after = msgspec.structs.replace(held, void=why)
    issued = held.certificate
    if issued is None or not (after.void or _issued_at(held) > latest):
        return after
    return msgspec.structs.replace(
        after, certificate=None, void_certificates=(*held.void_certificates, issued.number)
    )


class _Issued(msgspec.Struct):
    """When a certificate says that it was issued."""

    issued_at: datetime


_ISSUED = msgspec.json.Decoder(_Issued)


def _issued_at(held: HeldDecision) -> datetime:
    """When the certificate of a decision was issued; when it was decided, if that is not known."""
    if held.certificate is None:
        return held.at
    try:
        return _ISSUED.decode(held.certificate.text).issued_at
    except msgspec.MsgspecError:
        return held.at


def undone_in(before: ActionPlan, after: ActionPlan) -> str:
    """What a correction undid of a plan beside escalations, in words; empty if nothing."""
    added = after.history[len(before.history) :]
    parts = ("soaks", "retests", "state")
    is_changed = any(getattr(before, each) != getattr(after, each) for each in parts)
    return added[-1].partition(": ")[2] if is_changed and added else ""
