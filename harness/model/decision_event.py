"""Events about decisions on accreditation, and the appeals against them."""

from __future__ import annotations

from harness.model.certificate import IssuedCertificate
from harness.model.decision import Decision, Recommendation
from harness.model.event import Event


class DecisionEvent(Event, frozen=True, kw_only=True):
    """An event about a decision."""


class DecisionMade(DecisionEvent, frozen=True, kw_only=True, tag="decision-made"):
    """The actor decided on the accreditation of a service; it replaces the decision before."""

    decision: Decision

    @property
    def about(self) -> str:
        """The id of the decision."""
        return self.decision.id

    @property
    def topic(self) -> str:
        """What it is about: the service, the version and the scheme, as one text."""
        return self.decision.key


class EvaluationReviewed(DecisionEvent, frozen=True, kw_only=True, tag="evaluation-reviewed"):
    """The actor reviewed an evaluation, and recommends what to decide (ISO/IEC 17065, 7.5)."""

    recommendation: Recommendation

    @property
    def topic(self) -> str:
        """What it is about: the service, the version and the scheme, as one text."""
        return self.recommendation.key


class AfterDecision(DecisionEvent, frozen=True, kw_only=True):
    """An event about a decision that was made, whose id is ``of``."""

    of: str

    @property
    def about(self) -> str:
        """The id of the decision."""
        return self.of


class DecisionAppealed(AfterDecision, frozen=True, kw_only=True, tag="decision-appealed"):
    """Somebody appealed against the decision with the id ``of`` (ISO/IEC 17065, 7.13)."""

    appellant: str
    reason: str


class DecisionReviewed(AfterDecision, frozen=True, kw_only=True, tag="decision-reviewed"):
    """The actor, who had no part in it, upheld or rejected the open appeal against a decision."""

    upheld: bool
    reason: str


class CertificateIssued(AfterDecision, frozen=True, kw_only=True, tag="certificate-issued"):
    """The actor issued the certificate of the decision with the id ``of`` (ISO/IEC 17065, 7.7)."""

    certificate: IssuedCertificate
