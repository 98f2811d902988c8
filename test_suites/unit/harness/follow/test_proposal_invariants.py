"""Whatever a campaign shows and however plans stand: what a proposal never does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from harness.follow.deadlines import is_critical
from harness.follow.proposal import propose
from harness.model.action_plan import TO_AGREE, ActionPlan, Finding, FollowUp, PlanState
from harness.model.decision import FAVOURABLE, LENIENCE, Proposal, Status
from harness.model.escalation import Escalation, Level
from harness.model.outcome import Assessment, Conformity, Outcome
from test_suites.unit.harness.follow.conftest import NOW, _assessment, _outcome
from test_suites.unit.harness.follow.proposal_cases import BASIS, DAY, HEAD, retest

PLACES = [f"URL-{number:02d}" for number in range(1, 6)]
SEVERITIES = st.sampled_from(["Crit", "Maj", "Maj", "Min"])
ANY_STATE = st.sampled_from(list(PlanState))
GOOD_SEVERITIES = st.sampled_from(["Maj", "Min"])
GOOD_STATE = st.sampled_from([PlanState.IN_PROGRESS, PlanState.VERIFIED, PlanState.CLOSED])
LEVELS = st.sampled_from([None, None, None, *Level])


@st.composite
def findings(draw: st.DrawFn, number: int, place: str = "") -> FollowUp:
    """A finding about a place, opened before or by the campaign, and its plan.

    Half are well followed up, so that favourable proposals are common; some have a single fault.
    """
    kind = draw(st.sampled_from(["good", "good", "good", "unagreed", "late", "any"]))
    if kind != "any":
        state = PlanState.SUBMITTED if kind == "unagreed" else draw(GOOD_STATE)
        due = NOW - DAY if kind == "late" else NOW + DAY
        each = _finding(number, place or "URL-05", state, draw(GOOD_SEVERITIES))
        assert each.plan is not None
        return replace(each, plan=replace(each.plan, due=due, original_due=due))
    state = draw(ANY_STATE)
    level = draw(LEVELS)
    due = NOW + draw(st.integers(-1, 3)) * DAY
    ago = draw(st.sampled_from([0, 0, 9]))
    each = _finding(number, place or draw(st.sampled_from(PLACES)), state, draw(SEVERITIES))
    finding = replace(
        each.finding,
        campaign="winter" if ago else "spring",
        opened=NOW - ago * DAY,
        categories=draw(st.sampled_from([("GAMB",), ("GAMB",), ("ILL",)])),
    )
    notice = Escalation(at=NOW, level=level or Level.SUSPENDED, reason="r", exit_criteria="e")
    assert each.plan is not None
    plan = replace(
        each.plan,
        due=due,
        original_due=due,
        retests=(retest(NOW - draw(st.integers(0, 3)) * DAY),),
        escalations=(notice,) if level else (),
    )
    return FollowUp(finding=finding, plan=draw(st.sampled_from([plan, plan, plan, plan, None])))


def _finding(number: int, place: str, state: PlanState, severity: str) -> FollowUp:
    """A finding of the campaign with a plan that is not late, whose last re-test conforms."""
    finding = Finding(
        id=f"F-{number:04d}", campaign="spring", requirement=place, title="", severity=severity,
        scheme="becta-2008", scheme_version="1.0", profile="ks2", line="proxy", statement="",
        missed=("a",), categories=("GAMB",), sampled=60, opened=NOW, service="Safe Net",
        supplier="Acme",
    )  # fmt: skip
    plan = ActionPlan(
        id=f"P-{number:04d}", finding=finding.id, owner="Acme", corrective_action="Mend",
        due=NOW + DAY, original_due=NOW + DAY, state=state, opened=NOW, retests=(retest(NOW),),
    )  # fmt: skip
    return FollowUp(finding=finding, plan=plan)


Shown = tuple[Outcome, ...]
Held = tuple[FollowUp, ...]


@st.composite
def services(draw: st.DrawFn) -> tuple[Shown, Held]:
    """Outcomes, and findings with plans: one for most failures, and a few others."""
    places = draw(st.lists(st.sampled_from(PLACES), unique=True, max_size=4))
    usual = st.sampled_from([Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM])
    results = usual if draw(st.booleans()) else st.sampled_from(list(Conformity))
    shown = tuple(
        _outcome(
            draw(results),
            requirement=place,
            severity=draw(st.one_of(GOOD_SEVERITIES, SEVERITIES)),
            binding=draw(st.sampled_from([True, True, False])),
        )
        for place in places
    )
    about = [one.requirement.id for one in failing(shown)]
    about = [place for place in about if draw(st.sampled_from([True, True, True, False]))]
    others = [""] * draw(st.sampled_from([0, 0, 1, 2]))
    return shown, tuple(draw(findings(n, place)) for n, place in enumerate([*about, *others], 1))


def assessed(shown: tuple[Outcome, ...]) -> Assessment:
    return replace(_assessment(*shown), journal_head=HEAD)


def proposed(
    shown: tuple[Outcome, ...], held: tuple[FollowUp, ...], *, accredited: bool = False
) -> Proposal:
    return propose(assessed(shown), BASIS, held, NOW, is_accredited=accredited)


def rank(proposal: Proposal) -> int:
    """How good a proposal is; 0 is the worst."""
    return -LENIENCE.index(proposal.status)


def failing(shown: tuple[Outcome, ...]) -> list[Outcome]:
    binding = [one for one in shown if one.requirement.binding]
    return [one for one in binding if one.conformity is Conformity.DOES_NOT_CONFORM]


ONE = _outcome(Conformity.CONFORMS)


@given(service=services(), accredited=st.booleans())
@example(service=((ONE, _outcome(Conformity.INSUFFICIENT)), ()), accredited=False)
@example(service=((ONE, _outcome(Conformity.DOES_NOT_CONFORM)), ()), accredited=False)
def test_nothing_favourable_despite_an_obstacle(
    service: tuple[Shown, Held], accredited: bool
) -> None:
    shown, held = service
    proposal = proposed(shown, held, accredited=accredited)

    assert proposal.reasons
    assert bool(proposal.conditions) is (proposal.status is Status.WITH_ACTION_PLAN)
    if proposal.status not in FAVOURABLE:
        return
    binding = [one for one in shown if one.requirement.binding]
    assert binding
    assert all(one.conformity is not Conformity.INSUFFICIENT for one in binding)
    running = [each for each in held if each.plan is None or not each.plan.is_ended]
    for each in running:
        assert each.plan is not None
        assert each.plan.level not in {Level.SUSPENDED, Level.WITHDRAWN}
        assert not each.plan.is_overdue(NOW)
        assert each.plan.state not in TO_AGREE
        assert each.plan.state is PlanState.VERIFIED or not is_critical(each.finding)
    assert {one.plan for one in proposal.conditions} == {
        each.plan.id for each in running if each.plan
    }
    for outcome in failing(shown):
        of_it = [each for each in held if each.finding.requirement == outcome.requirement.id]
        fixed = {each.plan.state for each in of_it if each.plan}
        assert fixed & {PlanState.VERIFIED, PlanState.CLOSED} or (
            fixed - TO_AGREE and outcome.requirement.severity != "Crit"
        )


@given(
    service=services(),
    accredited=st.booleans(),
    severity=SEVERITIES,
    other=findings(9).filter(lambda each: each.plan is None or not each.plan.is_ended),
    worse=st.sampled_from([Conformity.INSUFFICIENT, Conformity.DOES_NOT_CONFORM]),
)
def test_an_obstacle_more_never_makes_a_proposal_better(
    service: tuple[Shown, Held],
    accredited: bool,
    severity: str,
    other: FollowUp,
    worse: Conformity,
) -> None:
    shown, held = service
    before = proposed(shown, held, accredited=accredited)
    failed = _outcome(worse, requirement="URL-99", severity=severity)
    elsewhere = replace(other, finding=replace(other.finding, requirement="URL-98"))

    with_outcome = proposed((*shown, failed), held, accredited=accredited)
    with_plan = proposed(shown, (*held, elsewhere), accredited=accredited)

    assert rank(with_outcome) <= min(rank(before), -LENIENCE.index(Status.NOT_YET))
    assert rank(with_plan) <= min(rank(before), -LENIENCE.index(Status.WITH_ACTION_PLAN))


@given(service=services(), accredited=st.booleans(), later=st.integers(0, 200))
def test_time_never_makes_a_proposal_better(
    service: tuple[Shown, Held], accredited: bool, later: int
) -> None:
    shown, held = service
    then = NOW + timedelta(days=later)
    after = propose(assessed(shown), BASIS, held, then, is_accredited=accredited)

    assert rank(after) <= rank(proposed(shown, held, accredited=accredited))


@given(data=st.data(), service=services(), accredited=st.booleans())
def test_the_order_of_outcomes_and_findings_does_not_matter(
    data: st.DataObject, service: tuple[Shown, Held], accredited: bool
) -> None:
    shown, held = service
    mixed = tuple(data.draw(st.permutations(shown))), tuple(data.draw(st.permutations(held)))

    expected = proposed(shown, held, accredited=accredited)

    assert proposed(*mixed, accredited=accredited) == expected


@given(service=services(), accredited=st.booleans())
def test_without_a_campaign_nothing_favourable(
    service: tuple[Shown, Held], accredited: bool
) -> None:
    proposal = propose(None, None, service[1], NOW, is_accredited=accredited)

    assert proposal.status not in FAVOURABLE
    assert proposal.status is not Status.SUSPENDED or accredited
