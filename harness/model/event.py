"""Events of the registry: what somebody did about a finding, its plan, a label or another record.

All of these change only by events and are derived from them. ``harness.model.event_times`` checks
the times of events.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import msgspec

from harness.model.action_plan import (
    CanarySet,
    Finding,
    Milestone,
    PlanRole,
    Retest,
)
from harness.model.corpus import Appeal
from harness.model.deviation import DeviationKind
from harness.model.escalation import Level
from harness.model.registry_record import AnyRecord
from harness.model.signature import Signed
from harness.model.soak import SoakCampaign


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """The fields of all events: when it happened, who did it, and that person's signature.

    An event that nobody signed is written without ``signed`` (``harness.follow.identities``).
    """

    at: datetime
    actor: str
    signed: Signed | msgspec.UnsetType = msgspec.UNSET

    @property
    def about(self) -> str:
        """The id of the finding, plan or record that the event is about, or empty."""
        return ""

    @property
    def topic(self) -> str:
        """What it is found by beside that: of a finding its subject, of a draft the finding."""
        return ""

    @property
    def uses(self) -> str:
        """The campaign that a finding came from, or that a re-test begins; else empty."""
        return ""


class StreamOpened(Event, frozen=True, kw_only=True, tag="stream-opened"):
    """The first event of a stream, with the name of the supplier, or of the scheme's owner."""

    name: str


class RegistryMigrated(Event, frozen=True, kw_only=True, tag="registry-migrated"):
    """The one chain of an earlier version, of so many events, was divided into streams."""

    events: int
    hash: str


class RecordAdded(Event, frozen=True, kw_only=True, tag="record-added"):
    """A record was added, such as a service, a site or a complaint."""

    record: AnyRecord

    @property
    def about(self) -> str:
        """The key of the record."""
        return self.record.key


ComplaintOutcome = Literal["upheld", "partly-upheld", "not-upheld", "withdrawn"]
OUTCOMES: tuple[ComplaintOutcome, ...] = get_args(ComplaintOutcome)
"""What may become of a complaint."""


class RecordClosed(Event, frozen=True, kw_only=True, tag="record-closed"):
    """A record is no longer valid, or was dealt with; it stays readable.

    ``record`` is its key, such as ``service:safe net``. ``outcome`` is what became of a complaint;
    other records have none, nor have complaints that an earlier version closed.
    """

    record: str
    reason: str
    outcome: ComplaintOutcome | msgspec.UnsetType = msgspec.UNSET

    @property
    def about(self) -> str:
        """The key of the record."""
        return self.record


class FindingOpened(Event, frozen=True, kw_only=True, tag="finding-opened"):
    """A requirement was not met."""

    finding: Finding

    @property
    def about(self) -> str:
        """The id of the finding."""
        return self.finding.id

    @property
    def topic(self) -> str:
        """What the finding is about, as one text."""
        return "\x1f".join(self.finding.subject)

    @property
    def uses(self) -> str:
        """The campaign of the finding."""
        return self.finding.campaign


class AppealDecided(Event, frozen=True, kw_only=True, tag="appeal-decided"):
    """Somebody decided whether an item is labelled wrongly."""

    appeal: Appeal


class ClockCorrected(Event, frozen=True, kw_only=True, tag="clock-corrected"):
    """The clock was wrong: earlier events may be dated later than they happened.

    This event may be dated before earlier ones, so that a registry whose newest event lies in the
    future can be used again. Earlier escalations by rule that are dated after it count no more.
    """

    reason: str


class PlanEvent(Event, frozen=True, kw_only=True):
    """An event of the plan with the id ``plan``."""

    plan: str

    @property
    def about(self) -> str:
        """The id of the plan."""
        return self.plan


class PlanDrafted(PlanEvent, frozen=True, kw_only=True, tag="plan-drafted"):
    """A plan was drawn up for a finding, with the latest date that its severity allows."""

    finding: str
    owner: str
    corrective_action: str
    due: datetime
    milestones: tuple[Milestone, ...]

    @property
    def topic(self) -> str:
        """The id of the finding."""
        return self.finding


class PlanProposal(PlanEvent, frozen=True, kw_only=True):
    """Who does what until when, as it is submitted or agreed.

    ``due`` may bring the date forward; ``milestones`` replace those of the draft. Empty texts leave
    those of the plan.
    """

    owner: str
    corrective_action: str
    root_cause: str = ""
    due: datetime | None = None
    containment: str = ""
    preventive_action: str = ""
    explanation: str = ""
    milestones: tuple[Milestone, ...] = ()


class PlanSubmitted(PlanProposal, frozen=True, kw_only=True, tag="plan-submitted"):
    """The supplier submitted the plan to the assessor."""


class PlanReturned(PlanEvent, frozen=True, kw_only=True, tag="plan-returned"):
    """A submitted plan was not agreed; the reason says what has to change."""

    reason: str


class PlanAgreed(PlanProposal, frozen=True, kw_only=True, tag="plan-agreed"):
    """Supplier and assessor agreed the plan: as it was submitted, or in a meeting."""


class PlanDetailed(PlanEvent, frozen=True, kw_only=True, tag="plan-detailed"):
    """Details of a plan became known or were corrected; empty texts leave theirs as they are."""

    root_cause: str = ""
    containment: str = ""
    preventive_action: str = ""
    explanation: str = ""


class EvidenceAdded(PlanEvent, frozen=True, kw_only=True, tag="evidence-added"):
    """A document shows what was done. Its bytes are kept under their SHA-256, and never change."""

    sha256: str
    name: str
    size: int
    what: str


class PlanSigned(PlanEvent, frozen=True, kw_only=True, tag="plan-signed"):
    """Somebody signed the terms of the plan for the supplier or the assessor (Ed25519, RFC 8032).

    ``signer`` is a registered contact whose public key is ``key``, 32 bytes in hexadecimal;
    ``signature`` is over the terms, whose SHA-256 is ``terms``, in hexadecimal too.
    """

    role: PlanRole
    signer: str
    key: str
    terms: str
    signature: str


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

    @property
    def uses(self) -> str:
        """The campaign of the re-test."""
        return self.campaign


class ChangeAllowed(PlanEvent, frozen=True, kw_only=True, tag="change-allowed"):
    """A named person allowed what differs between the finding's campaign and a later ``campaign``.

    ``differences`` are the sentences that were refused without it.
    """

    campaign: str
    differences: tuple[str, ...]
    reason: str


class RetestConcluded(
    PlanEvent, frozen=True, kw_only=True, tag="retest-concluded", omit_defaults=True
):
    """The re-test ended; ``retest`` names its campaign, ``service`` is the service it measured.

    ``scheme`` is the id of the scheme that judged it. ``service`` and ``scheme`` are empty in
    registries from before they were recorded.
    """

    retest: Retest
    service: str = ""
    scheme: str = ""


class SoakMeasured(PlanEvent, frozen=True, kw_only=True, tag="soak-measured"):
    """A campaign after the verification showed whether the fix holds.

    It measured ``service`` by the scheme with the id ``scheme``.
    """

    soak: SoakCampaign
    service: str
    scheme: str


class PlanExtended(PlanEvent, frozen=True, kw_only=True, tag="plan-extended"):
    """The due date moved, for a reason, approved by somebody who has no other part in the plan."""

    due: datetime
    reason: str
    approver: str


class PlanDeviated(PlanEvent, frozen=True, kw_only=True, tag="plan-deviated"):
    """A deviation was agreed until a date, in one event. Only earlier versions recorded these."""

    kind: DeviationKind
    reason: str
    mitigation: str
    approver: str
    until: datetime


class DeviationRequested(PlanEvent, frozen=True, kw_only=True, tag="deviation-requested"):
    """Somebody asked for a deviation until a date.

    A risk adjustment names the lower ``severity``, a vendor dependency the ``vendor``.
    """

    kind: DeviationKind
    reason: str
    mitigation: str
    until: datetime
    severity: str = ""
    vendor: str = ""


class DeviationApproved(PlanEvent, frozen=True, kw_only=True, tag="deviation-approved"):
    """Somebody who has no other part in the plan approved the deviation that was asked for."""

    reason: str


class DeviationRejected(PlanEvent, frozen=True, kw_only=True, tag="deviation-rejected"):
    """Somebody who has no other part in the plan rejected the deviation that was asked for."""

    reason: str


class VendorCheckedIn(PlanEvent, frozen=True, kw_only=True, tag="vendor-checked-in"):
    """The vendor that the fix depends on gave an update."""

    vendor: str
    result: str


class PlanEscalated(PlanEvent, frozen=True, kw_only=True, tag="plan-escalated"):
    """The plan was escalated; ``exit_criteria`` say what ends the escalation.

    ``rule`` names the rule that asked for it. Such an escalation is no act of the person who ran
    the command, and counts no more if a correction of the clock shows that its date was wrong.
    ``rule`` is empty if a person decided to escalate.
    """

    level: Level
    reason: str
    exit_criteria: str
    rule: str = ""


class PlanSuperseded(PlanEvent, frozen=True, kw_only=True, tag="plan-superseded"):
    """The plan ended because the scheme changed, approved by somebody without a part in the plan.

    ``scheme_version`` is the new version of the finding's scheme. It shows nothing about the
    service: a campaign by the new version does.
    """

    scheme_version: str
    reason: str
    approver: str


class PlanClosed(PlanEvent, frozen=True, kw_only=True, tag="plan-closed"):
    """A verified plan was closed; it never opens again."""

    note: str = ""
