"""Findings and action plans: who corrects a finding, how and by when.

States follow METHOD (d): draft, submitted, returned, agreed, in progress, claimed, verifying,
verified, closed; or superseded, if the scheme changed. A claim alone does not verify a plan:
``verified`` needs a re-test that conforms.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

import msgspec

from harness.model.content_identity import AllowedChange, Parts
from harness.model.deviation import Deviation, DeviationKind, DeviationState
from harness.model.escalation import Escalation, Level
from harness.model.later_evidence import later_evidence
from harness.model.metric_spec import SPECS
from harness.model.retest_schedule import SampleRule
from harness.model.signature import shown_identity
from harness.model.soak import SOAK_DAYS, SoakCampaign
from harness.model.stream import same_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The record of one failed outcome. ``missed`` are the ids of the items that failed.

    ``metric`` is the name of what was measured, ``measured_with`` what with, by content; both are
    empty in records from before they were kept. ``rule`` is how a sample decides; ``None`` if each
    item counts, and in such records.
    """

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
    metric: str = ""
    measured_with: Parts = ()
    rule: SampleRule | None = None

    @property
    def rests_on_items(self) -> bool:
        """Whether items were tried that can be tried again; else a new campaign is measured."""
        spec = SPECS.get(self.metric)
        return spec is None or later_evidence(spec) is None

    @property
    def subject(self) -> Subject:
        """What identifies the finding across campaigns."""
        place = self.requirement, self.profile, self.line
        return subject_of(self.supplier, self.service, self.scheme, place)


Subject = tuple[str, str, str, str, str, str]


def subject_of(supplier: str, service: str, scheme: str, place: tuple[str, str, str]) -> Subject:
    """Return what identifies a finding; the names of supplier and service without their case.

    ``place`` is requirement, profile and line.
    """
    return (same_name(supplier), same_name(service), scheme, *place)


class PlanState(StrEnum):
    """Where a plan stands. ``overdue`` is derived from the clock and never stored."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    AGREED = "agreed"
    IN_PROGRESS = "in-progress"
    CLAIMED = "claimed"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    CLOSED = "closed"
    SUPERSEDED = "superseded"


TO_AGREE = frozenset({PlanState.DRAFT, PlanState.SUBMITTED, PlanState.RETURNED})
"""The states before a plan is agreed."""

WORKED_ON = TO_AGREE | {PlanState.AGREED, PlanState.IN_PROGRESS}
"""The states before a fix is claimed."""

FIXED = frozenset({PlanState.VERIFIED, PlanState.CLOSED})
"""The states in which a re-test showed that the failure was fixed."""

ENDED = frozenset({PlanState.CLOSED, PlanState.SUPERSEDED})
"""The states that nothing leads out of."""


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


CONTAINED = "Failure contained"
"""The milestone by which a critical failure no longer does harm; its date is a rule."""


class Retest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt to verify a plan: the missed items again, and a fresh sample.

    ``attempt`` counts from 1 (0: recorded before attempts were counted), and ``alpha`` is the level
    of the fresh sample's decision (0: no sample decides). ``extension`` is how many fresh items of
    each kind the next attempt needs to decide what this one left undecided, or 0. ``unchanged`` are
    the requirements that conformed before and conform again, ``worse`` says what does not. After it
    verified a fix, the fix has to hold for ``soak_days``. ``begun`` is when its campaign began;
    ``None`` for a re-test by people, and in records from before it was kept.
    """

    campaign: str
    at: datetime
    outcome: RetestResult
    statement: str
    missed_tested: int
    missed_still_failing: tuple[str, ...]
    fresh_tested: int
    attempt: int = 0
    alpha: float = 0.0
    extension: int = 0
    unchanged: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    soak_days: int = SOAK_DAYS
    begun: datetime | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEvidence:
    """A document that shows what was done; its bytes are kept under ``sha256``."""

    sha256: str
    name: str
    size: int
    what: str
    by: str
    at: datetime


PlanRole = Literal["supplier", "assessor"]
"""For whom somebody signs a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSignature:
    """A signature of the terms of a plan, whose digest is ``terms``, by a registered contact."""

    role: PlanRole
    signer: str
    key: str
    terms: str
    signature: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn:
    """An update from the vendor that a fix depends on."""

    at: datetime
    vendor: str
    result: str


CHECK_IN = timedelta(days=30)
"""The longest time between two check-ins with a vendor (FedRAMP, ``poam.md``: monthly)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A later due date, and the one before it; ``key`` is set if the approver signed it."""

    at: datetime
    was: datetime
    due: datetime
    reason: str
    approver: str
    key: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def identity(self) -> str:
        """How it is known who approved it."""
        return shown_identity(self.approver, self.key or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlan:
    """The state of a plan, derived from its events.

    ``corrective_action`` fixes the failure, ``containment`` limits it until then, and
    ``preventive_action`` keeps it from coming back; ``explanation`` is the supplier's own.
    ``submitted_by`` last submitted it to be agreed, and ``claimed_by`` last claimed the fix;
    ``verifying`` is the campaign of the running re-test, or empty; ``reported`` is when it was last
    said or measured how the work stands; ``ended`` is when it was closed or superseded. ``soaks``
    are the campaigns since the fix was verified, ``relapses`` how often such a campaign showed that
    a verified fix did not hold. ``changes`` are the differences between its campaigns that somebody
    allowed. ``actors`` are all who acted on the plan or owned it, ``approvers`` all who approved or
    rejected something of it. ``breaches`` describe recorded events that current rules would refuse.
    ``history`` is text for readers.
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
    containment: str = ""
    preventive_action: str = ""
    explanation: str = ""
    evidence: tuple[PlanEvidence, ...] = ()
    signatures: tuple[PlanSignature, ...] = ()
    submitted_by: str = ""
    claimed_by: str = ""
    verifying: str = ""
    milestones: tuple[Milestone, ...] = ()
    retests: tuple[Retest, ...] = ()
    soaks: tuple[SoakCampaign, ...] = ()
    relapses: int = 0
    extensions: tuple[Extension, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    check_ins: tuple[CheckIn, ...] = ()
    canaries: tuple[CanarySet, ...] = ()
    changes: tuple[AllowedChange, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    reported: datetime | None = None
    ended: datetime | None = None
    actors: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    breaches: tuple[str, ...] = ()
    history: tuple[str, ...] = field(default_factory=tuple)

    @property
    def is_ended(self) -> bool:
        """Whether it is closed or superseded; nothing more happens then."""
        return self.state in ENDED

    @property
    def level(self) -> Level | None:
        """The level that it was escalated to, by the escalations that count, or ``None``."""
        counted = self.counted_escalations
        return counted[-1].level if counted else None

    @property
    def counted_escalations(self) -> tuple[Escalation, ...]:
        """The escalations that count, oldest first: those that were not dropped."""
        return tuple(each for each in self.escalations if not each.dropped)

    @property
    def tries(self) -> int:
        """How many re-tests decided a fresh item, whatever came of them: each spent its level."""
        return sum(one.fresh_tested > 0 for one in self.retests)

    @property
    def soak_ends(self) -> datetime | None:
        """When the soak period of a verified plan is over; ``None`` if it is not verified."""
        if self.state is not PlanState.VERIFIED or not self.retests:
            return None
        last = self.retests[-1]
        return last.at + timedelta(days=max(0, last.soak_days))

    @property
    def extension(self) -> int:
        """How many fresh items of each kind the next re-test needs, if the last decided nothing."""
        return self.retests[-1].extension if self.retests else 0

    @property
    def latest_due(self) -> datetime:
        """The latest date on which it may be agreed that the plan is due, without an extension."""
        return max((self.original_due, *(extension.due for extension in self.extensions)))

    @property
    def requested(self) -> Deviation | None:
        """The deviation that was asked for and is not decided, or ``None``."""
        last = self.deviations[-1] if self.deviations else None
        return last if last and last.state is DeviationState.REQUESTED else None

    @property
    def approved(self) -> tuple[Deviation, ...]:
        """The deviations that were approved, oldest first; each ends."""
        return tuple(each for each in self.deviations if each.state is DeviationState.APPROVED)

    def excused_until(self, deviation: Deviation) -> datetime:
        """The end of an approved deviation. One that waits for a vendor needs check-ins as well."""
        if deviation.kind is not DeviationKind.VENDOR_DEPENDENCY:
            return deviation.until
        heard = [each.at for each in self.check_ins]
        asked = deviation.decided or deviation.requested
        return min(deviation.until, max((asked, *heard)) + CHECK_IN)

    def deviation_at(self, now: datetime) -> Deviation | None:
        """The deviation that excuses lateness at a time, or ``None``."""
        held = [each for each in self.approved if now <= self.excused_until(each)]
        return max(held, key=self.excused_until, default=None)

    def is_waiting(self, now: datetime) -> bool:
        """Whether a vendor dependency was approved and has not ended."""
        held = self.deviation_at(now)
        return held is not None and held.kind is DeviationKind.VENDOR_DEPENDENCY

    @property
    def effective_due(self) -> datetime:
        """When the plan is due; an approved deviation moves that back until its end."""
        return max((self.due, *(self.excused_until(each) for each in self.approved)))

    def contained_by(self, due: datetime) -> datetime:
        """When a containment that is due then has to be done: only a false positive excuses it."""
        kind = DeviationKind.FALSE_POSITIVE
        wrong = (self.excused_until(each) for each in self.approved if each.kind is kind)
        return max((due, *wrong))

    def overdue_since(self, now: datetime) -> datetime | None:
        """Since when the plan is not closed in time, or its failure not contained; ``None`` if not.

        A deviation excuses a late fix until its end. A failure has to be contained all the same,
        unless the finding may be a false positive.
        """
        late = self.late_after
        return late if late is not None and now > late else None

    @property
    def late_after(self) -> datetime | None:
        """After which time it is overdue (``overdue_since``); ``None`` once its fix is verified."""
        if self.is_ended or self.state is PlanState.VERIFIED:
            return None
        dates = [self.effective_due]
        if self.state in WORKED_ON and (contained := self.containment_due) is not None:
            dates.append(self.contained_by(contained))
        return min(dates)

    def is_overdue(self, now: datetime) -> bool:
        """Whether the plan is not closed in time, or a failure is not contained in time."""
        return self.overdue_since(now) is not None

    @property
    def containment_due(self) -> datetime | None:
        """When the failure is to be contained; ``None`` if it is, or if no rule asks for it."""
        return next(
            (step.due for step in self.milestones if step.title == CONTAINED and not step.done),
            None,
        )

    @property
    def loaded_by(self) -> datetime | None:
        """The time by which all canaries of the plan are loaded, or ``None`` without canaries."""
        return max((canaries.loaded_by for canaries in self.canaries), default=None)

    @property
    def next_check_in(self) -> datetime | None:
        """When the next check-in with the vendor is due, or ``None``."""
        waits = [
            each.decided or each.requested
            for each in self.approved
            if each.kind is DeviationKind.VENDOR_DEPENDENCY
        ]
        heard = [*waits, *(each.at for each in self.check_ins)]
        return None if self.is_ended or not heard else max(heard) + CHECK_IN


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A finding and its plan, which is ``None`` if none was drafted.

    ``version`` is that of the service in which it was found; empty if it is not known.
    """

    finding: Finding
    plan: ActionPlan | None = None
    version: str = ""
