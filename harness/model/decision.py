"""Decisions on accreditation: who decided what about which version of a service, and on what basis.

Terms follow ISO/IEC 17065:2012, 7.6 (decision) and 7.11 (suspension, withdrawal).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from harness.model.certificate import IssuedCertificate
from harness.model.content_identity import Parts
from harness.model.signature import shown_identity
from harness.model.stream import same_name


class Status(StrEnum):
    """What a service's accreditation can be.

    ``expired`` follows from the date alone, ``under-review`` from a recall of what was decided on.
    ``terminated``: the supplier gave the accreditation up (ISO/IEC 17065, 7.11).
    """

    ACCREDITED = "accredited"
    WITH_ACTION_PLAN = "accredited-with-action-plan"
    NOT_YET = "not-yet"
    UNDER_REVIEW = "under-review"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


FAVOURABLE = (Status.ACCREDITED, Status.WITH_ACTION_PLAN)
"""The statuses of a service that is accredited, the better one first."""

LENIENCE = (
    Status.ACCREDITED,
    Status.WITH_ACTION_PLAN,
    Status.NOT_YET,
    Status.SUSPENDED,
    Status.TERMINATED,
    Status.WITHDRAWN,
)
"""The statuses that can be decided, the most lenient first."""

STOPPED = (Status.UNDER_REVIEW, Status.SUSPENDED, Status.TERMINATED, Status.WITHDRAWN)
"""The statuses of an accreditation that something stopped, the gravest last."""


class StopKind(StrEnum):
    """What stopped an accreditation."""

    DECISION = "decision"
    PLAN = "plan"
    ALARM = "alarm"
    RECALL = "recall"
    COMPLAINT = "complaint"
    APPEAL = "appeal"


class AccreditationStop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that stopped an accreditation at ``since``, and the ``status`` that it gives.

    ``about`` is the id of the decision, plan or review by which it was stopped.
    ``requirements`` are what the stop rests on; empty: everything. ``is_lasting`` says that no
    newer evidence ends it yet, such as a plan that is escalated and not closed.
    ``known`` are the journals that were decided on before it: they are older, whatever their clock
    said.
    """

    kind: StopKind
    about: str
    status: Status
    since: datetime
    requirements: tuple[str, ...] = ()
    is_lasting: bool = False
    known: tuple[str, ...] = ()


class Margin(msgspec.Struct, frozen=True, kw_only=True):
    """By how much the evidence exceeds a threshold, for one requirement, profile and line.

    ``bound`` is the one-sided bound that decides, not the measured value: the lower one of a
    quantity that must be ``at-least`` the ``threshold``, the upper one otherwise. ``exceeds`` is
    how far it lies on the right side; negative on the wrong one. All three are in ``unit``.
    """

    requirement: str
    profile: str
    line: str
    unit: str
    side: Literal["at-least", "at-most"]
    threshold: float
    bound: float
    exceeds: float


class Basis(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The campaign that a decision rests on, as it was judged for it.

    ``journal`` is the hash of its head, ``assessment`` the SHA-256 of the assessment's file.
    ``limited_to`` is what conforming outcomes are limited to, such as "agreed list only". ``bars``
    say in sentences why the campaign supports no favourable decision, whatever it measured.
    ``judges`` are the people whose answers it counts,
    ``stated`` are the oldest answers of people by requirement, for those that conform by them.
    ``measured_with`` are the parts that it was measured and judged with, by content. ``noted`` are
    sentences to read before deciding, such as what is open under a similar name. ``run`` is the
    random id of its journal, by which it was registered; empty in decisions of earlier versions.
    """

    campaign: str
    journal: str
    assessment: str
    rules: str
    begun: datetime
    concluded: datetime
    limited_to: str = ""
    bars: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    stated: tuple[tuple[str, datetime], ...] = ()
    measured_with: Parts = ()
    noted: tuple[str, ...] = ()
    run: str = ""


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """An open action plan under which a service is accredited, and when it is due."""

    plan: str
    requirement: str
    severity: str
    state: str
    due: datetime


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules propose to decide, and why, in words.

    ``basis`` is ``None`` if no campaign was given: then nothing favourable is proposed.
    """

    status: Status
    reasons: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    margins: tuple[Margin, ...] = ()
    basis: Basis | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a named person decided about an exact version of a service, by a scheme.

    ``white_labels`` are the other names of the service that it covers. ``proposal`` is what the
    rules proposed; ``reason`` says why the person decided so. A favourable one is valid from the
    time of its event to ``until``. ``number`` counts the decisions of a stream from 1. ``cause`` is
    what a decision that stops an accreditation rests on: the id of an alarm or plan, or the key of
    a complaint; empty: the decision itself.
    """

    number: int
    service: str
    version: str
    scheme: str
    scheme_version: str
    status: Status
    reason: str
    proposal: Proposal
    until: datetime | None = None
    white_labels: tuple[str, ...] = ()
    cause: str = ""

    @property
    def id(self) -> str:
        """What people call it: ``D-0001``."""
        return f"D-{self.number:04d}"

    @property
    def key(self) -> str:
        """What it is about: the service, the version and the scheme, without the case of names."""
        return decision_key(self.service, self.version, self.scheme)


def decision_key(service: str, version: str, scheme: str) -> str:
    """The key of decisions about a version of a service by a scheme (its id)."""
    return "\x1f".join((same_name(service), same_name(version), scheme))


class Recommendation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the review of an evaluation recommends to decide (ISO/IEC 17065, 7.5).

    ``proposal`` is what the rules proposed then, by the campaign that was reviewed.
    """

    service: str
    version: str
    scheme: str
    scheme_version: str
    status: Status
    reason: str
    proposal: Proposal

    @property
    def key(self) -> str:
        """What it is about, as ``Decision.key``."""
        return decision_key(self.service, self.version, self.scheme)


class HeldRecommendation(msgspec.Struct, frozen=True, kw_only=True):
    """A recommendation as the registry holds it: who made it, and when."""

    recommendation: Recommendation
    by: str
    at: datetime


class DecisionAppeal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An appeal against a decision. It is open until ``upheld`` says what came of it.

    ``key`` is the public key with which ``answered_by`` signed the answer, if so.
    """

    appellant: str
    reason: str
    at: datetime
    upheld: bool | None = None
    answer: str = ""
    answered_by: str = ""
    answered: datetime | None = None
    key: str = ""

    @property
    def identity(self) -> str:
        """How it is known who answered it, in words."""
        return shown_identity(self.answered_by, self.key)


class HeldDecision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A decision as the registry holds it: who made it, when, and the appeals against it.

    ``certificate`` is the one that was issued for it, if any; ``key`` the public key with which it
    was signed, empty if it was not. ``void`` says why it never was in force, although it was made:
    a correction of the clock undid it. ``void_certificates`` are the numbers of certificates that
    were undone so.
    """

    decision: Decision
    by: str
    at: datetime
    appeals: tuple[DecisionAppeal, ...] = ()
    certificate: IssuedCertificate | None = None
    void: str = ""
    void_certificates: tuple[str, ...] = ()
    key: str = ""

    @property
    def identity(self) -> str:
        """How it is known who decided, in words: by a key, an account, or the name only."""
        return shown_identity(self.by, self.key)

    @property
    def open_appeal(self) -> DecisionAppeal | None:
        """The appeal that was not answered yet, or ``None``."""
        last = self.appeals[-1] if self.appeals else None
        return last if last is not None and last.upheld is None else None

    @property
    def is_overturned(self) -> bool:
        """Whether an appeal against it was upheld, so that it has to be decided again."""
        return any(appeal.upheld for appeal in self.appeals)

    def status_at(self, now: datetime) -> Status:
        """The status that it gives at a time: a favourable one expires, a void one is none yet."""
        if self.void:
            return Status.NOT_YET
        status, until = self.decision.status, self.decision.until
        is_over = status in FAVOURABLE and (until is None or now > until)
        return Status.EXPIRED if is_over else status
