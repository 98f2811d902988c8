"""Outcomes, assessments and findings for the tests of the follow stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness.follow.plan_terms import digest_of, text_to_sign
from harness.model.action_plan import (
    ActionPlan,
    CanarySet,
    Finding,
    Milestone,
    PlanRole,
    PlanState,
    Retest,
    RetestResult,
)
from harness.model.deviation import DeviationKind
from harness.model.escalation import Level
from harness.model.event import (
    CanariesMade,
    ChangeAllowed,
    DeviationApproved,
    DeviationRejected,
    DeviationRequested,
    EvidenceAdded,
    FixClaimed,
    PlanAgreed,
    PlanClosed,
    PlanDetailed,
    PlanDeviated,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    PlanProgressed,
    PlanReturned,
    PlanSigned,
    PlanSubmitted,
    PlanSuperseded,
    RetestConcluded,
    RetestPostponed,
    RetestStarted,
    SoakMeasured,
    VendorCheckedIn,
)
from harness.model.metric import Metric
from harness.model.outcome import Assessment, Conformity, Outcome, Witness
from harness.model.scheme import Measure, Requirement, Threshold
from harness.model.soak import SoakCampaign

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CANARIES = CanarySet(pack="canaries/P-0001-1", sha256="0" * 64, items=("gamb-121",), loaded_by=NOW)


@pytest.fixture(scope="session")
def now() -> datetime:
    """The moment at which these tests happen."""
    return NOW


@pytest.fixture(scope="session")
def make_outcome() -> Callable[..., Outcome]:
    """``make_outcome(Conformity.CONFORMS, n=60)``: an outcome of URL-01 for ks2 on proxy."""
    return _outcome


@pytest.fixture(scope="session")
def make_assessment() -> Callable[..., Assessment]:
    """``make_assessment(outcome, ..., campaign="spring")``."""
    return _assessment


@pytest.fixture(scope="session")
def finding() -> Finding:
    """Two missed items of gambling, found at ``now``."""
    return Finding(
        id="F-0001",
        campaign="spring",
        requirement="URL-01",
        title="Gambling is blocked",
        severity="Crit",
        scheme="becta-2008",
        scheme_version="1.0",
        profile="ks2",
        line="proxy",
        statement="58 of 60",
        missed=("gamb-001", "gamb-002"),
        categories=("GAMB",),
        sampled=60,
        opened=NOW,
        service="Safe Net",
        supplier="Acme",
    )


@pytest.fixture
def plan(now: datetime) -> ActionPlan:
    due = now + timedelta(days=30)
    return ActionPlan(
        id="P-0001",
        finding="F-0001",
        owner="Acme",
        corrective_action="Mend",
        due=due,
        original_due=due,
        state=PlanState.DRAFT,
        opened=now,
        milestones=(Milestone(title="Fix in the service", due=due),),
        root_cause="a stale list",
        containment="a second list",
        preventive_action="a check each day",
    )


def signed(
    plan: ActionPlan,
    finding: Finding,
    role: PlanRole = "supplier",
    *,
    key: str = "",
    signer: str = "",
) -> dict[str, Any]:
    """The fields of a signature of a plan's terms; each role has a key and a signer of its own."""
    private = Ed25519PrivateKey.from_private_bytes((key or role)[:1].encode() * 32)
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signer = signer or f"{role} Lee"
    return {
        "role": role,
        "signer": signer,
        "key": public.hex(),
        "terms": digest_of(plan, finding),
        "signature": private.sign(text_to_sign(plan, finding, role, signer)).hex(),
    }


def _conforming(now: datetime) -> Retest:
    return Retest(
        campaign="again",
        at=now,
        outcome=RetestResult.CONFORMS,
        statement="",
        missed_tested=2,
        missed_still_failing=(),
        fresh_tested=60,
    )


def _sound(
    now: datetime, plan: ActionPlan, finding: Finding
) -> dict[type[PlanEvent], dict[str, Any]]:
    """The fields of a sound event of each kind."""
    proposed = {"owner": "Acme", "corrective_action": "Mend", "containment": "a second list"}
    deviation = {
        "kind": DeviationKind.RISK_ADJUSTMENT,
        "reason": "a part is on order",
        "mitigation": "a second list",
        "until": now + timedelta(days=90),
    }
    return {
        PlanAgreed: proposed,
        PlanSubmitted: proposed,
        PlanReturned: {"reason": "name a milestone"},
        PlanDetailed: {"root_cause": "a node was left out"},
        EvidenceAdded: {"sha256": "a" * 64, "name": "log.txt", "size": 3, "what": "the update"},
        PlanSigned: signed(plan, finding),
        PlanProgressed: {"note": "half"},
        FixClaimed: {"statement": "mended", "actor": "Acme"},
        CanariesMade: {"canaries": replace(CANARIES, loaded_by=now + timedelta(days=4))},
        RetestPostponed: {"reason": "the service is not reached"},
        ChangeAllowed: {
            "campaign": "again",
            "differences": ("line proxy differs (aaaa, now bbbb)",),
            "reason": "the service moved",
        },
        RetestStarted: {"campaign": "again"},
        RetestConcluded: {"retest": _conforming(now), "service": "Safe Net"},
        SoakMeasured: {
            "soak": SoakCampaign(campaign="later", begun=now, conforms=True),
            "service": "Safe Net",
            "scheme": "becta-2008",
        },
        PlanExtended: {"due": now + timedelta(days=60), "reason": "parts", "approver": "Bea"},
        PlanDeviated: {**deviation, "approver": "Bea"},
        DeviationRequested: {**deviation, "severity": "Maj"},
        DeviationApproved: {"actor": "Bea", "reason": "the second list is whole"},
        DeviationRejected: {"actor": "Bea", "reason": "the second list is old"},
        PlanSuperseded: {"scheme_version": "2.0", "reason": "the row is gone", "approver": "Bea"},
        VendorCheckedIn: {"vendor": "Lists Ltd", "result": "next week"},
        PlanEscalated: {
            "level": Level.FINDING_REVIEW,
            "reason": "late",
            "exit_criteria": "the fix is claimed",
        },
        PlanClosed: {},
    }


@pytest.fixture
def made(now: datetime, plan: ActionPlan, finding: Finding) -> Callable[..., Any]:
    """An event of a kind about P-0001, sound unless told otherwise."""
    sound = _sound(now, plan, finding)

    def make(kind: type[PlanEvent], /, **differing: Any) -> PlanEvent:
        fields = {"at": now, "plan": "P-0001", "actor": "Ann", **sound[kind]}
        for name, value in differing.items():
            if kind is RetestConcluded and name not in fields:
                fields["retest"] = msgspec.structs.replace(fields["retest"], **{name: value})
            else:
                fields[name] = value
        return kind(**fields)

    return make


def _outcome(
    conformity: Conformity,
    *,
    n: int = 60,
    missed: tuple[str, ...] = (),
    binding: bool = True,
    **differing: Any,
) -> Outcome:
    requirement = Requirement(
        id=differing.pop("requirement", "URL-01"),
        title="Gambling is blocked",
        area="url",
        severity=differing.pop("severity", "Crit"),
        rule="guarded",
        measure=Measure(metric="block_rate", categories=differing.pop("categories", ("GAMB",))),
        threshold=Threshold(at_least=0.9, provenance="reported", source="BECTA"),
        binding=binding,
    )
    metric = Metric(
        name="block_rate",
        unit="share",
        value=(n - len(missed)) / n if n else None,
        k=n - len(missed),
        n=n,
        indeterminate=0,
        lower=0.91,
        upper=None,
        method="Clopper-Pearson",
        alpha=0.05,
        witnesses=missed,
    )
    return Outcome(
        requirement=requirement,
        profile=differing.pop("profile", "ks2"),
        line=differing.pop("line", "proxy"),
        conformity=conformity,
        metric=metric,
        decided_by="guarded at 95 %",
        witnesses=tuple(_witness(item) for item in missed),
        **differing,
    )


def _witness(item: str) -> Witness:
    return Witness(
        item=item,
        value=f"{item}.test",
        category="GAMB",
        state="allowed",
        mechanism="none",
        rule="R",
    )


def _assessment(*outcomes: Outcome, campaign: str = "spring", **differing: Any) -> Assessment:
    return Assessment(
        campaign=campaign,
        title="",
        service=differing.pop("service", "Safe Net"),
        supplier="Acme",
        scheme=differing.pop("scheme", "becta-2008"),
        scheme_version="1.0",
        scheme_title="",
        rules_version="1",
        concluded=NOW,
        observations=120,
        outcomes=outcomes,
        preconditions=(),
        rates=(),
        mechanisms={},
        latencies={},
        corpora=(),
    )
