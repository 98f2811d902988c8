"""Action plans are opened by failures, and verified only by a conforming re-test."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from harness.cli.paths import CampaignPaths
from harness.cli.registry_facts import open_plans
from harness.cli.registry_session import open_session
from harness.cli.retest import retest_plan
from harness.errors import UsageError
from harness.model.action_plan import ActionPlan, PlanState, RetestResult
from harness.model.event import FixClaimed, PlanAgreed, PlanEvent, PlanProgressed
from harness.ports.storage import WallClock
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import origin_file, proxy_line, world_of
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign

SUPPLIER, ASSESSOR = "supplier", "assessor"


def every_third(code: str) -> Fault:
    """A fault that lets a third of a category pass."""
    return Fault(
        kind=FaultKind.MISS,
        hosts=frozenset(f"{code}-{n:03d}.canary.accredit.test" for n in range(1, 121, 3)),
    )


FAULTS = {code: every_third(code) for code in ("drug", "crim")}
"""Two faults in two categories."""


world = world_of()


@pytest.fixture(scope="module")
def measured(world: RangeTestbed, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A campaign that found both faults, with its file beside its results."""
    for fault in FAULTS.values():
        world.faults.add(fault)
    return rehearse(
        write_campaign(
            tmp_path_factory.mktemp("measured"),
            origin=origin_file(world),
            lines=[proxy_line(world)],
            categories=["DRUG", "CRIM"],
            sample=60,
        )
    )


@pytest.fixture
def campaign(world: RangeTestbed, measured: Rehearsal, tmp_path: Path) -> Iterator[Path]:
    """A copy of the campaign's file, beside its results, on a service with both faults."""
    for fault in FAULTS.values():
        world.faults.add(fault)
    copied = shutil.copytree(measured.journal.parents[2], tmp_path / "run")
    yield copied / "campaign.yaml"
    world.faults.clear()


def quiet() -> Console:
    return Console(file=io.StringIO())


def record(places: CampaignPaths, *events: PlanEvent) -> None:
    with open_session(places.registry) as book:
        book.advance(events[0].plan, *events)


def claim(places: CampaignPaths, plan: ActionPlan) -> None:
    """Record a supplier's events up to the claim, from a draft or a re-opened plan."""
    at = WallClock().now()
    events: list[PlanEvent] = []
    if plan.state is PlanState.DRAFT:
        events.append(
            PlanAgreed(
                at=at,
                actor=ASSESSOR,
                plan=plan.id,
                owner=SUPPLIER,
                corrective_action="mend the list",
                root_cause="r",
                preventive_action="p",
                containment="c",
            )
        )
    if plan.state in (PlanState.DRAFT, PlanState.AGREED):
        events.append(PlanProgressed(at=at, actor=SUPPLIER, plan=plan.id, note="mended"))
    record(places, *events, FixClaimed(at=at, actor=SUPPLIER, plan=plan.id, statement="mended"))


def plan_of(places: CampaignPaths, requirement: str) -> ActionPlan:
    with open_session(places.registry) as book:
        return next(held.plan for held in book.plans() if held.finding.requirement == requirement)


def test_a_plan_is_opened_claimed_and_retested(
    world: RangeTestbed, measured: Rehearsal, campaign: Path
) -> None:
    out = campaign.parent / "out"
    places = CampaignPaths(out=out, campaign="rehearsal")
    opened = open_plans(measured.assessment, places)
    assert {PlanState.DRAFT} == {plan.state for plan in opened}
    assert () == open_plans(measured.assessment, places), "concluding again opens nothing twice"
    drug = plan_of(places, "URL-04")

    with pytest.raises(UsageError, match="draft"):
        retest_plan(drug.id, campaign, out, ASSESSOR, quiet())

    claim(places, drug)
    assert PlanState.CLAIMED is plan_of(places, "URL-04").state, "a claim alone changes nothing"
    retest, state = retest_plan(drug.id, campaign, out, ASSESSOR, quiet())
    assert (RetestResult.DOES_NOT_CONFORM, PlanState.IN_PROGRESS) == (retest.outcome, state)
    assert retest.missed_tested == len(retest.missed_still_failing)

    world.faults.remove(FAULTS["drug"])
    claim(places, plan_of(places, "URL-04"))
    with pytest.raises(UsageError, match=SUPPLIER):
        retest_plan(drug.id, campaign, out, SUPPLIER, quiet())


def test_a_conforming_retest_verifies_only_its_own_plan(
    world: RangeTestbed, measured: Rehearsal, campaign: Path
) -> None:
    out = campaign.parent / "out"
    places = CampaignPaths(out=out, campaign="rehearsal")
    open_plans(measured.assessment, places)
    drug = plan_of(places, "URL-04")
    world.faults.remove(FAULTS["drug"])
    claim(places, drug)

    retest, state = retest_plan(drug.id, campaign, out, ASSESSOR, quiet())

    assert (RetestResult.CONFORMS, PlanState.VERIFIED) == (retest.outcome, state)
    assert (60, ()) == (retest.fresh_tested, retest.missed_still_failing)
    assert PlanState.DRAFT is plan_of(places, "URL-05").state
    with pytest.raises(UsageError, match=r"is verified: .retest. is not possible"):
        retest_plan(drug.id, campaign, out, ASSESSOR, quiet())
