"""An event is one entry of the registry: what somebody did about a finding, its plan or a label.

Events are the only way in which a plan changes; findings and plans are folded from them.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from harness.model.action_plan import DeviationKind, Level, Milestone, Retest
from harness.model.appeal import Appeal
from harness.model.finding import Finding


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """What all events have: when it was, and who did it."""

    at: datetime
    actor: str


class FindingOpened(Event, frozen=True, kw_only=True, tag="finding-opened"):
    """A requirement was not met."""

    finding: Finding


class AppealDecided(Event, frozen=True, kw_only=True, tag="appeal-decided"):
    """Somebody decided whether an item is labelled wrongly."""

    appeal: Appeal


class ClockCorrected(Event, frozen=True, kw_only=True, tag="clock-corrected"):
    """The clock was wrong: events before this one may be dated later than they happened.

    It is never refused for its own time, so that a registry whose newest event lies in the
    future can be used again, and it stays on record.
    """

    reason: str


class PlanEvent(Event, frozen=True, kw_only=True):
    """Something done about the plan with the id ``plan``."""

    plan: str


class PlanDrafted(PlanEvent, frozen=True, kw_only=True, tag="plan-drafted"):
    """A plan was drawn up for a finding, with the latest date that its severity allows."""

    finding: str
    owner: str
    corrective_action: str
    due: datetime
    milestones: tuple[Milestone, ...]


class PlanAgreed(PlanEvent, frozen=True, kw_only=True, tag="plan-agreed"):
    """Supplier and assessor agreed who does what; ``due`` may bring the date forward."""

    owner: str
    corrective_action: str
    root_cause: str = ""
    due: datetime | None = None


class PlanProgressed(PlanEvent, frozen=True, kw_only=True, tag="plan-progressed"):
    """Work went on; ``milestone`` is the number (from 1) of one that was reached, or 0."""

    note: str
    milestone: int = 0


class FixClaimed(PlanEvent, frozen=True, kw_only=True, tag="fix-claimed"):
    """Somebody says that the fix is in. By itself this changes nothing."""

    statement: str


class RetestStarted(PlanEvent, frozen=True, kw_only=True, tag="retest-started"):
    """The claim is being put to the test, in a campaign of its own."""

    campaign: str


class RetestConcluded(
    PlanEvent, frozen=True, kw_only=True, tag="retest-concluded", omit_defaults=True
):
    """The re-test ended; its result names its campaign, and ``service`` is what that measured.

    It is empty, and left out of the text that the registry's chain covers, only in registries
    from before it was recorded.
    """

    retest: Retest
    service: str = ""


class PlanExtended(PlanEvent, frozen=True, kw_only=True, tag="plan-extended"):
    """The due date moved, for a reason, approved by somebody who has no other part in the plan."""

    due: datetime
    reason: str
    approver: str


class PlanDeviated(PlanEvent, frozen=True, kw_only=True, tag="plan-deviated"):
    """A departure was agreed until a date, approved by somebody who has no other part in it."""

    kind: DeviationKind
    reason: str
    mitigation: str
    approver: str
    until: datetime


class VendorCheckedIn(PlanEvent, frozen=True, kw_only=True, tag="vendor-checked-in"):
    """The vendor on whom the fix waits was asked, and said something."""

    vendor: str
    result: str


class PlanEscalated(PlanEvent, frozen=True, kw_only=True, tag="plan-escalated"):
    """The plan was taken a rung up; ``exit_criteria`` say what takes it down."""

    level: Level
    reason: str
    exit_criteria: str


class PlanClosed(PlanEvent, frozen=True, kw_only=True, tag="plan-closed"):
    """A verified plan was closed; it never opens again."""

    note: str = ""


AnyEvent = (
    FindingOpened
    | AppealDecided
    | ClockCorrected
    | PlanDrafted
    | PlanAgreed
    | PlanProgressed
    | FixClaimed
    | RetestStarted
    | RetestConcluded
    | PlanExtended
    | PlanDeviated
    | VendorCheckedIn
    | PlanEscalated
    | PlanClosed
)
"""Every kind of event; what is stored is read back as one of these."""
