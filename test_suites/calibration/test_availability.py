"""AVL-01 to AVL-03: outages, unfiltered times and failovers are found, to within one check."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from harness.cli.availability import CheckTimes, check
from harness.cli.compose import prepare
from harness.cli.paths import CampaignPaths
from harness.estimate.outages import Outage, all_outages
from harness.judge.composite_measurements import judge_maker
from harness.model.outcome import Conformity, Outcome
from harness.model.timed_event import EventNote, TestKind
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.calibration.conftest import POLICY
from test_suites.calibration.gateway_campaigns import origin_file
from test_suites.rehearsal import QUICK, read_rehearsal, write_campaign

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SCHEME = """\
id: our-school
version: "1.0"
title: Availability
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements:
  - {id: AVL-01, threshold: {at_least: 0.9, provenance: proposed, source: this test}}
  - {id: AVL-02}
  - {id: AVL-03}
"""
CONTINUITY = {"in_a_fault": "nothing_passes", "main": "fibre", "backup": "mobile"}
FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
SITES = ("north", "south")


@dataclass
class Simulation:
    """A clock that stands still but in pauses, and what happens at which second of it."""

    happens: list[tuple[float, Callable[[], AbstractContextManager[Any]], float]] = field(
        default_factory=list
    )
    time: datetime = NOON

    def __post_init__(self) -> None:
        self._stack = ExitStack()
        self._under_way: list[tuple[float, ExitStack]] = []

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return perf_counter()

    async def pause(self, seconds: float) -> None:
        """Let time pass, and begin and end what happens meanwhile, in another thread."""
        self.time += timedelta(seconds=seconds)
        await asyncio.to_thread(self.settle)

    def settle(self) -> None:
        passed = (self.time - NOON).total_seconds()
        for end, stack in [one for one in self._under_way if one[0] <= passed]:
            stack.close()
            self._under_way.remove((end, stack))
        for begins, what, lasts in [one for one in self.happens if one[0] <= passed]:
            self.happens.remove((begins, what, lasts))
            if begins + lasts > passed:
                stack = ExitStack()
                stack.enter_context(what())
                self._under_way.append((begins + lasts, stack))

    def end(self) -> None:
        for _, stack in self._under_way:
            stack.close()
        self._under_way.clear()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    policy = FilterPolicy(blocks=lambda code, _: POLICY.expects(code, "ks2") == "block")
    folder = tmp_path_factory.mktemp("world")
    with RangeTestbed.running(folder, policy=policy, profiles=("pupils",)) as world:
        yield world


class Campaign:
    """A campaign over the proxy of a range, from two sites, and a clock that is set forward."""

    def __init__(self, world: RangeTestbed, folder: Path) -> None:
        self.world, self.folder = world, folder
        (folder / "scheme.yaml").write_text(SCHEME)
        self.clock = Simulation()
        self.path = self.write()

    def write(self, sites: tuple[str, ...] = SITES, continuity: Any = CONTINUITY) -> Path:
        proxy = self.world.origin.services["reference"]["proxy"]["pupils"]
        self.path = write_campaign(
            self.folder,
            origin=origin_file(self.world),
            lines=[
                {"name": site, "type": "explicit_proxy", "site": site, "options": {"proxy": proxy}}
                for site in sites
            ],
            whole=["GAMB"],
            categories=["GAMB"],
            sample=1,
            limits=QUICK,
            scheme="scheme.yaml",
            service={"name": "Filter", "continuity": continuity},
        )
        self.paths = CampaignPaths(out=self.folder / "out", campaign="rehearsal")
        return self.path

    def off(self) -> AbstractContextManager[None]:
        """The filter lets everything pass for a while."""
        return fault_of(self.world, Fault(kind=FaultKind.OFF))

    def check(self, every: float, lasts: float) -> int:
        times = CheckTimes(every=every, lasts=lasts, together=10)
        try:
            return check(
                prepare(self.path), self.paths, times, pause=self.clock.pause, clock=self.clock
            )
        finally:
            self.clock.end()

    def test(self, kind: TestKind, name: str = "restart", lasts: float = 90) -> None:
        """Test a fault; what happens is timed from when it is to be caused."""
        planned, self.clock.happens = self.clock.happens, []

        def announce() -> None:
            begins = (self.clock.time - NOON).total_seconds()
            self.clock.happens = [(begins + after, what, long) for after, what, long in planned]
            self.clock.settle()

        note = EventNote(kind=kind, asks="block", name=name)
        try:
            check(
                prepare(self.path),
                self.paths,
                CheckTimes(every=1, lasts=lasts, together=10),
                test=note,
                announce=announce,
                pause=self.clock.pause,
                clock=self.clock,
            )
        finally:
            self.clock.end()

    def outages(self) -> list[Outage]:
        journal = open_journal(self.paths.journal)
        return all_outages(judge_maker(journal)().records.availability)

    def outcome(self, requirement: str, line: str = "north") -> Outcome:
        return read_rehearsal(self.paths.journal).outcome(requirement, line)


def fault_of(world: RangeTestbed, fault: Fault) -> AbstractContextManager[None]:
    stack = ExitStack()
    world.faults.add(fault)
    stack.callback(world.faults.remove, fault)
    return stack  # type: ignore[return-value]  # entering gives the stack


@pytest.fixture
def campaign(world: RangeTestbed, tmp_path: Path) -> Iterator[Campaign]:
    yield Campaign(world, tmp_path)
    world.faults.clear()


def test_an_outage_of_40_seconds_is_reported_to_within_one_check(campaign: Campaign) -> None:
    campaign.clock.happens = [(200.0, campaign.world.filter_down, 40.0)]

    campaign.check(every=15, lasts=600)

    found = campaign.outages()
    assert [one.line for one in found] == ["north", "south"]
    for one in found:
        assert one.good is not None and one.better is not None and one.most is not None
        began, ended = NOON + timedelta(seconds=200), NOON + timedelta(seconds=240)
        assert one.good < began <= one.begins
        assert one.ends - timedelta(seconds=5) < ended <= one.better
        assert one.least <= 40 <= one.most <= 40 + 2 * 30
        assert one.state == "down"
        assert "connection_refused" in one.why
    run = campaign.outcome("AVL-01")
    print(run)


def test_x(campaign: Campaign) -> None:
    campaign.clock.happens = [(20.0, campaign.off, 300.0)]
    campaign.check(every=15, lasts=600)
    print(campaign.outages())
    print(campaign.outcome("AVL-01"))


def test_f(campaign: Campaign) -> None:
    campaign.clock.happens = [(0.5, campaign.world.filter_down, 10.0)]
    campaign.test("fault")
    print(campaign.outages())
    print(campaign.outcome("AVL-03"))
