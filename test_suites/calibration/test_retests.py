"""Re-tests on the range: a dead line spends nothing, and fresh items never run out."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from harness.cli import canaries
from harness.cli.main import app
from harness.cli.paths import CampaignPaths
from harness.cli.registry_facts import open_plans
from harness.cli.registry_session import open_session
from harness.cli.retest import retest_plan
from harness.errors import UnfinishedError, UsageError
from harness.model.action_plan import ActionPlan, PlanState, Retest, RetestResult
from harness.model.event import FixClaimed, PlanAgreed, PlanEvent, PlanProgressed
from harness.model.observation import CONTROL
from harness.store.journal.reader import JournalReader
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import origin_file, proxy_line, world_of
from test_suites.kit.campaigns.rehearsal import QUICK, rehearse, write_campaign

SUPPLIER, ASSESSOR, PLAN = "supplier", "assessor", "P-0001"
MISSED = frozenset(f"drug-{n:03d}.canary.accredit.test" for n in range(1, 400, 3))
SIZE = 59
PROPOSED = (304, 343)
"""How many fresh items the second and third re-test have, so that a good fix passes."""
"""How many items the campaign tries, and so how many fresh ones a re-test needs."""


class SetClock:
    """A clock that the test sets; each look takes a second."""

    at = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def monotonic(self) -> float:
        return 0.0


class Following:
    """A campaign that found that drug sites pass, and its plan."""

    fault = Fault(kind=FaultKind.MISS, hosts=MISSED)

    def __init__(self, campaign: Path, world: RangeTestbed) -> None:
        self.campaign, self.out = campaign, campaign.parent / "out"
        self.clock, self.world = SetClock(), world
        world.faults.add(self.fault)
        run = rehearse(campaign)
        self.paths = CampaignPaths(out=self.out, campaign="rehearsal")
        open_plans(run.assessment, self.paths, self.clock)
        with open_session(self.paths.registry) as session:
            subject = session.plan("P-0001").finding.requirement
        assert subject == "URL-04", "the first requirement of the scheme that fails"
        at = self.clock.now()
        self.record(
            PlanAgreed(
                at=at,
                actor=ASSESSOR,
                plan=PLAN,
                owner=SUPPLIER,
                corrective_action="fix",
                root_cause="r",
                preventive_action="p",
                containment="c",
            ),
            PlanProgressed(at=at, actor=SUPPLIER, plan=PLAN, note="fixed"),
        )

    def copied(self, folder: Path) -> Following:
        """The same campaign and plan, with a registry and results of their own."""
        copied = copy(self)
        copied.clock = copy(self.clock)
        copied.out = shutil.copytree(self.out, folder)
        copied.paths = CampaignPaths(out=folder, campaign="rehearsal")
        return copied

    def record(self, *events: PlanEvent) -> None:
        with open_session(self.paths.registry, clock=self.clock) as session:
            session.advance(events[0].plan, *events)

    @property
    def plan(self) -> ActionPlan:
        with open_session(self.paths.registry, clock=self.clock) as session:
            return session.plan(PLAN).plan

    def claim(self) -> None:
        at = self.clock.now()
        self.record(FixClaimed(at=at, actor=SUPPLIER, plan=PLAN, statement="fixed"))

    def retest(self) -> tuple[Retest, PlanState]:
        quiet = Console(file=io.StringIO())
        return retest_plan(PLAN, self.campaign, self.out, ASSESSOR, quiet, self.clock)

    def tried(self, campaign: str) -> set[str]:
        """The items that a campaign tried on the service."""
        journal = JournalReader(CampaignPaths(out=self.out, campaign=campaign).journal)
        return {
            one.item.id
            for one in journal.observations()
            if one.role == "item" and one.key.line != CONTROL
        }

    def fresh_of(self, retest: Retest) -> set[str]:
        """The fresh items of a re-test: what its campaign tried, without missed and harmless ones."""
        with open_session(self.paths.registry, clock=self.clock) as session:
            missed = set(session.plan(PLAN).finding.missed)
        tried = self.tried(retest.campaign) - missed
        return {name for name in tried if not name.endswith("-twin")}


world = world_of()


@pytest.fixture(scope="module")
def found(world: RangeTestbed, tmp_path_factory: pytest.TempPathFactory) -> Following:
    """The campaign that was measured, and its plan, which each test copies."""
    campaign = write_campaign(
        tmp_path_factory.mktemp("found"),
        origin=origin_file(world),
        lines=[proxy_line(world)],
        categories=["DRUG"],
        sample=SIZE,
        items="agreed",
        limits=QUICK | {"confirmation_timeout": 1.5, "silence_timeout": 1.5, "retries": 1},
    )
    return Following(campaign, world)


@pytest.fixture
def following(found: Following, tmp_path: Path) -> Iterator[Following]:
    """A copy of the campaign and its plan, on a service that still has the fault alone."""
    found.world.faults.clear()
    found.world.faults.add(found.fault)
    copied = found.copied(tmp_path / "run" / "out")
    copied.campaign = tmp_path / "run" / "campaign.yaml"
    shutil.copy(found.campaign, copied.campaign)
    yield copied
    found.world.faults.clear()


SENTINELS = frozenset({"amber-lantern.accredit.test", "copper-meadow.accredit.test"})
DYING = frozenset(sorted(MISSED)[:10])
"""Items that the fix was to block, and of which nothing comes any more where a line dies."""


def silent(hosts: frozenset[str], after: int = 0) -> Fault:
    """A proxy that gives no answer any more, after so many requests."""
    return Fault(kind=FaultKind.SILENT, hosts=hosts, service="proxy", after=after)


DEAD = {
    "the origin is away": (Fault(kind=FaultKind.DEAD), "the origin does not answer for amber-lant"),
    "the line is dead": (
        silent(SENTINELS),
        "amber-lantern.accredit.test should have passed, but co",
    ),
    "the filter is off": (Fault(kind=FaultKind.OFF), "the filter seems to be off: copper-meadow"),
    "a log-in page": (Fault(kind=FaultKind.CAPTIVE), "amber-lantern.accredit.test should have pas"),
}


def test_without_sentinels_no_item_is_tried(following: Following) -> None:
    """Nothing would show whether the line is alive, so every batch would be void."""
    following.claim()
    text = following.campaign.read_text(encoding="utf-8")
    none = "sentinels: {must_allow: [], must_block: []}\n"
    following.campaign.write_text(none + text, encoding="utf-8")

    with pytest.raises(UnfinishedError, match=r"no sentinel was tried .line proxy, profile pupils"):
        following.retest()

    assert PlanState.CLAIMED is following.plan.state


def test_where_the_sentinels_fail_no_item_is_tried(following: Following) -> None:
    following.claim()
    before = sorted(path.name for path in following.out.iterdir())
    following.world.faults.remove(following.fault)

    for number, (name, (fault, why)) in enumerate(DEAD.items(), 1):
        following.world.faults.add(fault)
        with pytest.raises(UnfinishedError, match=why) as stopped:
            following.retest()
        following.world.faults.remove(fault)

        message = str(stopped.value)
        assert "no item was tried, and the plan is still claimed" in message, name
        assert "then give the same command again" in message, name
        assert "(line proxy, profile pupils, probe web)" in message, name
        assert "without that" not in message, name
        plan = following.plan
        assert (PlanState.CLAIMED, (), "") == (plan.state, plan.retests, plan.verifying), name
        postponed = ["re-test postponed, no item was tried" in entry for entry in plan.history]
        assert number == sum(postponed), name
        assert before == sorted(path.name for path in following.out.iterdir()), name

    retest, state = following.retest()
    assert (RetestResult.CONFORMS, PlanState.VERIFIED) == (retest.outcome, state)
    assert retest.campaign.endswith("retest-1"), "what was postponed is no re-test"


def test_who_claimed_the_fix_cannot_even_try_the_sentinels(following: Following) -> None:
    following.claim()
    quiet = Console(file=io.StringIO())

    with pytest.raises(UsageError, match="supplier claimed the fix and cannot verify it"):
        retest_plan(PLAN, following.campaign, following.out, SUPPLIER, quiet, following.clock)


def test_items_that_a_dying_line_left_undecided_are_drawn_again(following: Following) -> None:
    following.claim()
    following.world.faults.add(silent(SENTINELS | DYING, after=30))

    first, state = following.retest()

    assert (RetestResult.INSUFFICIENT, PlanState.CLAIMED) == (first.outcome, state)
    assert "missed items could not be decided" in first.statement
    following.world.faults.clear()
    again, state = following.retest()

    assert (RetestResult.CONFORMS, PlanState.VERIFIED) == (again.outcome, state)
    assert following.fresh_of(first) == following.fresh_of(again), "nothing was spent"


DELAY = 1.0
"""Seconds; far more than a loaded machine adds to a page on loopback, if few are fetched at once."""


def test_a_fix_that_delays_harmless_pages_is_not_verified(
    following: Following, tmp_path: Path
) -> None:
    """Every missed item is blocked and no page is, but pages wait; without that it is verified."""
    patient = following.campaign.read_text(encoding="utf-8")
    for hasty, calm in (("timeout: 0.7", "timeout: 20"), ("concurrency: 40", "concurrency: 10")):
        assert hasty in patient
        patient = patient.replace(hasty, calm)
    following.campaign.write_text(patient, encoding="utf-8")
    journal = JournalReader(following.paths.journal)
    harmless = {one.item.value for one in journal.observations() if one.item.id[-5:] == "-twin"}
    assert len(harmless) >= SIZE
    following.world.faults.remove(following.fault)
    slow = Fault(kind=FaultKind.SLOW, hosts=frozenset(harmless), service="proxy", delay=DELAY)
    following.world.faults.add(slow)
    following.claim()
    undelayed = following.copied(tmp_path / "copy")

    retest, state = following.retest()

    assert (RetestResult.DOES_NOT_CONFORM, PlanState.IN_PROGRESS) == (retest.outcome, state)
    assert retest.missed_still_failing == ()
    assert "OVB-01" in retest.unchanged
    (worse,) = retest.worse
    assert worse.startswith("harmless pages wait ")
    assert " ms longer than before (median; at least " in worse
    following.world.faults.remove(slow)

    again, state = undelayed.retest()

    assert (RetestResult.CONFORMS, PlanState.VERIFIED) == (again.outcome, state)
    assert "harmless pages wait" in again.statement


def test_three_re_tests_of_one_plan_in_a_row(
    following: Following, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(canaries, "clock", following.clock)
    fresh: list[set[str]] = []

    def failing() -> Retest:
        following.claim()
        retest, state = following.retest()
        assert (RetestResult.DOES_NOT_CONFORM, PlanState.IN_PROGRESS) == (retest.outcome, state)
        fresh.append(following.fresh_of(retest))
        return retest

    said = failing().statement
    assert said.startswith("attempt 1, judged at 97.5 %: ")
    assert "of 61 fresh items were blocked (" in said, "all that are left"
    assert "the fresh items that are left allow no more re-tests of the proposed" in said

    following.claim()
    with pytest.raises(UnfinishedError, match=f"only 0 fresh items of DRUG .* needs {SIZE}; noth"):
        following.retest()
    assert 1 == len(following.plan.retests)
    loaded = make_canaries(following, tmp_path / "new.txt", retests=2)
    assert f"drug-{120 + sum(PROPOSED)}.canary.accredit.test" in loaded
    with pytest.raises(UsageError, match="canaries are loaded by 2026-12-01 09:00 UTC; re-test af"):
        following.retest()
    assert PlanState.CLAIMED is following.plan.state
    following.clock.at = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)

    retest, _ = following.retest()
    assert RetestResult.DOES_NOT_CONFORM is retest.outcome
    assert "fresh items that are left allow 1 more re-test of the" in retest.statement
    fresh.append(following.fresh_of(retest))
    following.world.faults.remove(following.fault)
    following.claim()
    last, state = following.retest()

    assert (RetestResult.CONFORMS, PlanState.VERIFIED) == (last.outcome, state)
    levels = [one.alpha for one in following.plan.retests]
    assert levels == pytest.approx([0.05 / 2, 0.05 / 6, 0.05 / 12])
    assert last.statement.startswith("attempt 3, judged at 99.5833 %: 0 of")
    fresh.append(following.fresh_of(last))
    assert [61, *PROPOSED] == [len(items) for items in fresh]
    assert 61 + sum(PROPOSED) == len(set().union(*fresh)), "no item is fresh twice"
    assert not set().union(*fresh) & following.tried("rehearsal")


def make_canaries(following: Following, out: Path, retests: int) -> str:
    """Make canaries that are loaded by the first of December; gives the supplier's list."""
    words = ["plan", "canaries", PLAN, str(following.campaign), "--format", "hosts"]
    words += ["--out", str(out), "--loaded-by", "2026-12-01T09:00", "--retests", str(retests)]
    ended = CliRunner().invoke(app, [*words, "--results", str(following.out), "--by", ASSESSOR])
    assert 0 == ended.exit_code, (ended.output, ended.exception)
    assert "next: from 2026-12-01 09:00 UTC on: accredit retest P-0001" in ended.stdout
    return out.read_text(encoding="utf-8")
