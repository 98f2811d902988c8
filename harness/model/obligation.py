"""Obligations: what somebody has to do about a plan, a decision or a review, and by when."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from harness.model.escalation import Level


class Lane(StrEnum):
    """How urgent an obligation is, the most urgent first."""

    ESCALATED = "escalated"
    OVERDUE = "overdue"
    SOON = "due within 14 days"
    ON_TRACK = "on track"


class ObligationKind(StrEnum):
    """What an obligation is about."""

    AGREEMENT = "agreement"
    PLAN = "plan"
    MILESTONE = "milestone"
    PROGRESS = "progress"
    CHECK_IN = "check-in"
    DEVIATION_DECISION = "deviation-decision"
    DEVIATION_END = "deviation-end"
    CANARIES = "canaries"
    SOAK = "soak"
    VALIDITY = "validity"
    APPEAL = "appeal"
    NEW_DECISION = "new-decision"
    REVIEW = "review"
    COMPLAINT = "complaint"


class Party(StrEnum):
    """Who has to act."""

    SUPPLIER = "supplier"
    ASSESSOR = "assessor"
    DECISION_MAKER = "decision-maker"


class Obligation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is due by a date; who must act, and what to do, in words.

    ``id`` stays the same while the date moves, and is unique among those of a supplier; a plan's
    begins with the id of the plan. ``what`` names what is due, ``about`` is the plan, decision or
    review, ``plan`` is empty unless it is about one. ``original_due`` is the date before extensions
    or deviations, if it was another. ``overdue_days`` counts days of the calendar (UTC); it is 0 on
    the day itself. ``revision`` grows with each event that may have changed the obligation.
    """

    id: str
    kind: ObligationKind
    what: str
    supplier: str
    service: str
    about: str
    due: datetime
    lane: Lane
    party: Party
    who: str
    act: str
    plan: str = ""
    finding: str = ""
    requirement: str = ""
    severity: str = ""
    level: Level | None = None
    original_due: datetime | None = None
    overdue_days: int = 0
    revision: int = 0
