"""An action plan says who puts a finding right, how and by when; only a re-test closes it.

States follow METHOD (d): draft, agreed, in progress, claimed, verifying, verified, closed.
A claim alone changes nothing: ``verified`` is reached only through a conforming re-test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One failed outcome. ``missed`` are the ids of the items that failed it."""

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
        """What the finding is about, whichever campaign found it."""
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
    """How a re-test ended."""

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


class DeviationKind(StrEnum):
    """Why a service may depart from a requirement for a time (FedRAMP, ``poam.md``).

    A false positive is none: a wrong label is appealed. Nor is waiting for a vendor.
    """

    RISK_ADJUSTMENT = "risk-adjustment"
    OPERATIONAL_REQUIREMENT = "operational-requirement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A departure that was agreed: why, what makes it bearable, who approved it, until when.

    It excuses lateness and nothing else: the finding stays, and so does its plan.
    """

    kind: DeviationKind
    reason: str
    mitigation: str
    approver: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn:
    """What the vendor on whom a fix waits said, and when."""

    at: datetime
    vendor: str
    result: str


class Level(StrEnum):
    """The rungs of escalation, lowest first (METHOD (d))."""

    FINDING_REVIEW = "finding-review"
    CORRECTIVE_ACTION_PLAN = "corrective-action-plan"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


CHECK_IN = timedelta(days=30)
"""A vendor is asked at least so often (FedRAMP, ``poam.md``: monthly)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlan:
    """The fold of a plan's events.

    ``claimed_by`` is who last said that the fix is in; ``verifying`` is the campaign of the
    re-test that is running, empty at other times. ``level`` is how far the plan was escalated,
    and ``exit_criteria`` what ends that. ``actors`` are all who did something with the plan or
    owned it, ``approvers`` all who approved an extension or a deviation. ``breaches`` are kept
    events that would be refused today, in words. ``history`` is for people.
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
    def next_check_in(self) -> datetime | None:
        """When the vendor must be asked again; nothing if nobody waits for one."""
        if not self.check_ins or self.state is PlanState.CLOSED:
            return None
        return self.check_ins[-1].at + CHECK_IN
