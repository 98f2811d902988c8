"""Events of the registry, and checks of their times.

Each event records what somebody did about a finding, its plan or a label. Findings and plans change
only by events and are derived from them. Event times may run backwards by at most ``TOLERANCE``,
except after a recorded correction of the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from harness.errors import UsageError
from harness.model.action_plan import (
    CanarySet,
    DeviationKind,
    Finding,
    Level,
    Milestone,
    Retest,
)
from harness.model.corpus import Appeal


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """The fields of all events: when it happened, and who did it."""

    at: datetime
    actor: str


class FindingOpened(Event, frozen=True, kw_only=True, tag="finding-opened"):
    """A requirement was not met."""

    finding: Finding


class AppealDecided(Event, frozen=True, kw_only=True, tag="appeal-decided"):
    """Somebody decided whether an item is labelled wrongly."""

    appeal: Appeal


class ClockCorrected(Event, frozen=True, kw_only=True, tag="clock-corrected"):
    """The clock was wrong: earlier events may be dated later than they happened.

    This event may be dated before earlier ones, so that a registry whose newest event lies in the
    future can be used again.
    """

    reason: str


class PlanEvent(Event, frozen=True, kw_only=True):
    """An event of the plan with the id ``plan``."""

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
    """Somebody claims that the fix is done; only a re-test verifies it."""

    statement: str


class CanariesMade(PlanEvent, frozen=True, kw_only=True, tag="canaries-made"):
    """New agreed canaries were made for re-tests, and the time was declared when they are loaded.

    No re-test of the plan may start before that time.
    """

    canaries: CanarySet


class RetestPostponed(PlanEvent, frozen=True, kw_only=True, tag="retest-postponed"):
    """The sentinels showed that nothing could be judged, so no item was tried at that time.

    ``reason`` says what they showed. It is no re-test: the plan stays as it was.
    """

    reason: str


class RetestStarted(PlanEvent, frozen=True, kw_only=True, tag="retest-started"):
    """A re-test of the claim started, in a campaign of its own."""

    campaign: str


class RetestConcluded(
    PlanEvent, frozen=True, kw_only=True, tag="retest-concluded", omit_defaults=True
):
    """The re-test ended; ``retest`` names its campaign, ``service`` is the service it measured.

    ``service`` is empty in registries from before it was recorded, and then left out of the text
    that the registry's hash chain covers.
    """

    retest: Retest
    service: str = ""


class PlanExtended(PlanEvent, frozen=True, kw_only=True, tag="plan-extended"):
    """The due date moved, for a reason, approved by somebody who has no other part in the plan."""

    due: datetime
    reason: str
    approver: str


class PlanDeviated(PlanEvent, frozen=True, kw_only=True, tag="plan-deviated"):
    """A deviation was agreed until a date, approved by somebody who has no other part in it."""

    kind: DeviationKind
    reason: str
    mitigation: str
    approver: str
    until: datetime


class VendorCheckedIn(PlanEvent, frozen=True, kw_only=True, tag="vendor-checked-in"):
    """The vendor that the fix depends on gave an update."""

    vendor: str
    result: str


class PlanEscalated(PlanEvent, frozen=True, kw_only=True, tag="plan-escalated"):
    """The plan was escalated; ``exit_criteria`` say what ends the escalation."""

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
    | CanariesMade
    | RetestPostponed
    | RetestStarted
    | RetestConcluded
    | PlanExtended
    | PlanDeviated
    | VendorCheckedIn
    | PlanEscalated
    | PlanClosed
)
"""Every kind of event; what is stored is read back as one of these."""


TOLERANCE = timedelta(minutes=1)
"""How far an event may be dated before an earlier one, or after the present time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackwardEvent:
    """An event that is dated before an earlier one; positions count from 1."""

    position: int
    at: datetime
    earlier_position: int
    earlier_at: datetime

    def __str__(self) -> str:
        by = lasting(self.earlier_at - self.at)
        return (
            f"event {self.position} ({_date(self.at)}) is dated {by} before "
            f"event {self.earlier_position} ({_date(self.earlier_at)}), which came first"
        )


def backward_events(events: Iterable[Event]) -> Iterator[BackwardEvent]:
    """Yield events that are dated more than the tolerance before an earlier event.

    Events after a correction of the clock are compared with it and what follows it.
    """
    latest: tuple[int, datetime] | None = None
    for position, event in enumerate(events, 1):
        if latest is None or isinstance(event, ClockCorrected) or event.at >= latest[1]:
            latest = (position, event.at)
        elif event.at < latest[1] - TOLERANCE:
            yield BackwardEvent(
                position=position, at=event.at, earlier_position=latest[0], earlier_at=latest[1]
            )


def require_times(
    held: Sequence[Event], added: Sequence[Event], now: datetime | None = None
) -> None:
    """Raise UsageError if an event to be added is dated before those held, or after ``now``.

    ``now`` is the time of an injected clock; without it only the order is checked. Events already
    held may run backwards; that does not prevent adding later ones.
    """
    for event in added:
        kind = event.__struct_config__.tag
        if now is not None and event.at > now + TOLERANCE:
            msg = (
                f"{kind}: dated {_date(event.at)}, {lasting(event.at - now)} after this machine's "
                f"clock ({_date(now)}); check both clocks, and try again"
            )
            raise UsageError(msg)
    for fault in backward_events([*held, *added]):
        if fault.position > len(held):
            msg = (
                f"event {fault.position} is dated {_date(fault.at)}, "
                f"{lasting(fault.earlier_at - fault.at)} before event {fault.earlier_position} of "
                f"the registry ({_date(fault.earlier_at)}): check this machine's clock; if it is "
                "right now and was wrong then, record that with 'accredit plan correct-clock'"
            )
            raise UsageError(msg)


def lasting(duration: timedelta) -> str:
    """Format a duration in its two largest units, such as ``3 d 4 h`` or ``1 min 30 s``."""
    left, parts = int(duration.total_seconds()), []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "less than 1 s"


def in_utc(at: datetime) -> str:
    """A time as people read it, such as ``2026-12-01 09:00 UTC``."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _date(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
