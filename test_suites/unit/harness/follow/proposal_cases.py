"""What the tests of proposals share: a basis, a re-test that conforms, and a check."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from harness.follow.proposal import propose
from harness.model.action_plan import FollowUp, Retest, RetestResult
from harness.model.corpus import PackKind
from harness.model.decision import Basis, Proposal, Status
from harness.model.outcome import Assessment, Conformity, Outcome, PrintedHead
from test_suites.unit.harness.follow.conftest import NOW

DAY = timedelta(days=1)
BEGUN = NOW - DAY
BASIS = Basis(
    campaign="spring", journal="aa", assessment="bb", rules="1", begun=BEGUN, concluded=NOW
)
HEAD = PrintedHead(held=9, hash="aa")
Propose = Callable[..., Proposal]
Make = Callable[..., Outcome]
Assess = Callable[..., Assessment]
MET, FAILED, OPEN = (
    Conformity.CONFORMS,
    Conformity.DOES_NOT_CONFORM,
    Conformity.INSUFFICIENT,
)


def retest(at: datetime, outcome: RetestResult = RetestResult.CONFORMS) -> Retest:
    return Retest(
        campaign="again",
        at=at,
        outcome=outcome,
        statement="",
        missed_tested=2,
        missed_still_failing=(),
        fresh_tested=60,
    )


def says(proposal: Proposal, status: Status, *words: str) -> None:
    """Check the status, and that each of ``words`` is in a reason."""
    assert proposal.status is status, proposal
    for word in words:
        assert any(word in reason for reason in proposal.reasons), proposal.reasons


def proposal_by(
    make_assessment: Callable[..., Assessment],
    *outcomes: Outcome,
    followed: Iterable[FollowUp] = (),
    basis: Basis = BASIS,
    items: PackKind = "real",
    now: datetime = NOW,
    accredited: bool = False,
) -> Proposal:
    """The proposal by the campaign spring with these outcomes."""
    assessment = replace(make_assessment(*outcomes), journal_head=HEAD, items=items)
    return propose(assessment, basis, tuple(followed), now, is_accredited=accredited)
