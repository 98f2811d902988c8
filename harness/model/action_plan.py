"""Findings and action plans: who corrects a finding, how and by when.

States follow METHOD (d): draft, agreed, in progress, claimed, verifying, verified, closed. A claim
alone does not verify a plan: ``verified`` needs a re-test that conforms.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The record of one failed outcome. ``missed`` are the ids of the items that failed."""

    id: str
    campaign: str
    requirement: str
    title: str
    severity: str
    scheme: str
    scheme_version: str
    profile: str
    line: str
    statement: str
    missed: tuple[str, ...]
    categories: tuple[str, ...]
    sampled: int
    opened: datetime
    recurrence_of: str = ""
    service: str = ""
    supplier: str = ""

    @property
    def subject(self) -> tuple[str, str, str, str, str, str]:
        """What identifies the finding across campaigns."""
        return (
            self.supplier,
            self.service,
            self.scheme,
            self.requirement,
            self.profile,
            self.line,
        )


class PlanState(StrEnum):
    """Where a plan stands. ``overdue`` is derived from the clock and never stored."""

    DRAFT = "draft"
    AGREED = "agreed"
    IN_PROGRESS = "in-progress"
    CLAIMED = "claimed"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    CLOSED = "closed"


class RetestResult(StrEnum):
    """The result of a re-test."""

    CONFORMS = "conforms"
    DOES_NOT_CONFORM = "does-not-conform"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """A dated step of a plan."""

    title: str
    due: datetime
    done: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retest:
    """One attempt to verify a plan: the missed items again, and a fresh sample."""

    campaign: str
    at: datetime
    outcome: RetestResult
    statement: str
    missed_tested: int
    missed_still_failing: tuple[str, ...]
    fresh_tested: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CanarySet:
    """New agreed canaries for re-tests of one plan, which the supplier loads by a declared time.

    ``pack`` is their folder below the results folder, ``sha256`` the digest of its item file,
    ``items`` are their ids. ``made_by`` is the person who made them.
    """

    pack: str
    sha256: str
    items: tuple[str, ...]
    loaded_by: datetime
    made_by: str = ""


class DeviationKind(StrEnum):
    """Why a service may deviate from a requirement for a time (FedRAMP, ``poam.md``).

    False positives are not deviations (wrong labels are appealed), nor is waiting for a vendor.
    """

    RISK_ADJUSTMENT = "risk-adjustment"
    OPERATIONAL_REQUIREMENT = "operational-requirement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """An agreed deviation: reason, mitigation, approver and end date.

    It only excuses lateness; the finding and its plan stay open.
    """

    kind: DeviationKind
    reason: str
    mitigation: str
    approver: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn:
    """An update from the vendor that a fix depends on."""

    at: datetime
    vendor: str
    result: str


class Level(StrEnum):
    """The levels of escalation, lowest first (METHOD (d))."""

    FINDING_REVIEW = "finding-review"
    CORRECTIVE_ACTION_PLAN = "corrective-action-plan"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


CHECK_IN = timedelta(days=30)
"""The longest time between two check-ins with a vendor (FedRAMP, ``poam.md``: monthly)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlan:
    """The state of a plan, derived from its events.

    ``claimed_by`` last claimed the fix; ``verifying`` is the campaign of the running re-test, or
    empty. ``level`` is the escalation level, ``exit_criteria`` what ends it. ``actors`` are all
    who acted on the plan or owned it, ``approvers`` all who approved an extension or a deviation.
    ``breaches`` describe recorded events that current rules would refuse. ``history`` is text for
    readers.
    """

    id: str
    finding: str
    owner: str
    corrective_action: str
    due: datetime
    original_due: datetime
    state: PlanState
    opened: datetime
    root_cause: str = ""
    claimed_by: str = ""
    verifying: str = ""
    milestones: tuple[Milestone, ...] = ()
    retests: tuple[Retest, ...] = ()
    deviation: Deviation | None = None
    check_ins: tuple[CheckIn, ...] = ()
    canaries: tuple[CanarySet, ...] = ()
    level: Level | None = None
    exit_criteria: str = ""
    actors: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    breaches: tuple[str, ...] = ()
    history: tuple[str, ...] = field(default_factory=tuple)

    def is_overdue(self, now: datetime) -> bool:
        """Whether the due date and any deviation have passed while the plan is not closed."""
        until = max(self.due, self.deviation.until) if self.deviation else self.due
        return self.state is not PlanState.CLOSED and now > until

    @property
    def loaded_by(self) -> datetime | None:
        """The time by which all canaries of the plan are loaded, or ``None`` without canaries."""
        return max((canaries.loaded_by for canaries in self.canaries), default=None)

    @property
    def next_check_in(self) -> datetime | None:
        """When the next check-in with the vendor is due, or ``None``."""
        if not self.check_ins or self.state is PlanState.CLOSED:
            return None
        return self.check_ins[-1].at + CHECK_IN


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A finding and its plan, which is ``None`` if none was drafted."""

    finding: Finding
    plan: ActionPlan | None = None
