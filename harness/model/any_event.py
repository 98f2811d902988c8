"""Every kind of event, by which stored events are read."""

from __future__ import annotations

from harness.model.access_event import (
    ActCarriedOut,
    BundleUploaded,
    EvidenceRead,
    HeadsWitnessed,
    PasswordSet,
    PersonAdded,
    PersonChanged,
    PersonDisabled,
    PersonEnabled,
    SecondFactorReset,
    SecondFactorSet,
    SessionsRevoked,
    SignedIn,
    SignedOut,
    SignInRefused,
    TokenMade,
    TokenRevoked,
)
from harness.model.decision_event import (
    CertificateIssued,
    DecisionAppealed,
    DecisionMade,
    DecisionReviewed,
    EvaluationReviewed,
)
from harness.model.event import (
    AppealDecided,
    CanariesMade,
    ChangeAllowed,
    ClockCorrected,
    DeviationApproved,
    DeviationRejected,
    DeviationRequested,
    EvidenceAdded,
    FindingOpened,
    FixClaimed,
    PlanAgreed,
    PlanClosed,
    PlanDetailed,
    PlanDeviated,
    PlanDrafted,
    PlanEscalated,
    PlanExtended,
    PlanProgressed,
    PlanReturned,
    PlanSigned,
    PlanSubmitted,
    PlanSuperseded,
    RecordAdded,
    RecordClosed,
    RegistryMigrated,
    RetestConcluded,
    RetestPostponed,
    RetestStarted,
    SoakMeasured,
    StreamOpened,
    VendorCheckedIn,
)
from harness.model.field_event import (
    FieldDrawn,
    FieldSeedCommitted,
    FieldSiteAdded,
    FieldVisited,
)
from harness.model.fleet_event import AgentEnrolled, AgentInvited, AgentRevoked
from harness.model.recall_event import RecallMade
from harness.model.registration_event import (
    CampaignConcluded,
    CampaignRegistered,
    CampaignStarted,
    CampaignStopped,
)
from harness.model.retention_event import FilesExpired
from harness.model.sample_event import SampleDisclosed, SeedCommitted, SeedContributed
from harness.model.surveillance_event import (
    AlarmAcknowledged,
    AlarmRaised,
    AlarmRetested,
    MonitoringDeclared,
    RunBegun,
    SurveillanceRun,
)

AnyEvent = (
    StreamOpened
    | RegistryMigrated
    | RecordAdded
    | RecordClosed
    | FindingOpened
    | AppealDecided
    | ClockCorrected
    | SeedCommitted
    | SeedContributed
    | SampleDisclosed
    | CampaignRegistered
    | CampaignStarted
    | CampaignStopped
    | CampaignConcluded
    | FieldSeedCommitted
    | FieldDrawn
    | FieldSiteAdded
    | FieldVisited
    | AgentInvited
    | AgentEnrolled
    | AgentRevoked
    | FilesExpired
    | ActCarriedOut
    | BundleUploaded
    | EvidenceRead
    | HeadsWitnessed
    | PasswordSet
    | PersonAdded
    | PersonChanged
    | PersonDisabled
    | PersonEnabled
    | SecondFactorReset
    | SecondFactorSet
    | SessionsRevoked
    | SignedIn
    | SignedOut
    | SignInRefused
    | TokenMade
    | TokenRevoked
    | PlanDrafted
    | PlanSubmitted
    | PlanReturned
    | PlanAgreed
    | PlanDetailed
    | EvidenceAdded
    | PlanSigned
    | PlanProgressed
    | FixClaimed
    | CanariesMade
    | RetestPostponed
    | ChangeAllowed
    | RetestStarted
    | RetestConcluded
    | SoakMeasured
    | PlanExtended
    | PlanDeviated
    | DeviationRequested
    | DeviationApproved
    | DeviationRejected
    | VendorCheckedIn
    | PlanEscalated
    | PlanSuperseded
    | PlanClosed
    | DecisionMade
    | DecisionAppealed
    | DecisionReviewed
    | EvaluationReviewed
    | CertificateIssued
    | RecallMade
    | MonitoringDeclared
    | RunBegun
    | SurveillanceRun
    | AlarmRaised
    | AlarmAcknowledged
    | AlarmRetested
)
"""Every kind of event; what is stored is read back as one of these."""
