"""An action plan says who puts a finding right, how and by when; only a re-test closes it.

States follow METHOD (d): draft, agreed, in progress, claimed, verifying, verified, closed.
A claim alone changes nothing: ``verified`` is reached only through a conforming re-test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlan:
    """The fold of a plan's events.

    ``claimed_by`` is who last said that the fix is in; ``verifying`` is the campaign of the
    re-test that is running, empty at other times. ``history`` is for people.
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
    history: tuple[str, ...] = field(default_factory=tuple)

    def is_overdue(self, now: datetime) -> bool:
        """Whether the due date has passed while the plan is not closed."""
        return self.state is not PlanState.CLOSED and now > self.due
