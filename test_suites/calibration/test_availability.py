"""AVL-01 to AVL-03: outages, unfiltered times and failovers are found, to within one check."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness import pipeline
from harness.cli.availability import CheckTimes, check
from harness.cli.compose import prepare
from harness.cli.paths import CampaignPaths
from harness.cli.simulated_clock import SimulatedClock
from harness.errors import UnfinishedError
from harness.estimate.availability_metrics import NOT_CHECKED, ONE_PLACE
from harness.estimate.fault_metrics import NO_FAILOVER, NO_FAULT, NO_TYPES, UNDECLARED
from harness.estimate.outages import Outage, all_outages
from harness.judge.composite_measurements import judge_maker
from harness.model.availability import AvailabilityChecks
from harness.model.outcome import Conformity, Outcome
from harness.model.timed_event import EventNote, TestKind
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.calibration.conftest import POLICY
from test_suites.calibration.gateway_campaigns import origin_file
from test_suites.rehearsal import QUICK, read_rehearsal, rehearse, write_campaign

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SCHEME = """\
id: our-school
version: "1.0"
title: Availability
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements:
  - {id: AVL-01, n_min: 16, threshold: {at_least: 0.9, provenance: proposed, source: this test}}
  - {id: AVL-02}
  - {id: AVL-03}
"""
CONTINUITY = {"in_a_fault": "nothing_passes", "main": "fibre", "backup": "mobile"}
FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
SITES = ("north", "south")
ALLOWED = frozenset({"amber-lantern.accredit.test"})
"""The agreed sentinel that must pass: what a service knows of tests."""

Happening = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Planned:
    """What happens at a second of the simulation, and for how many seconds."""

    at: float
    what: Happening
    lasts: float


class Simulation(SimulatedClock):
    """A clock that is set forward, and what happens meanwhile, counted from ``begins``."""

    def __init__(self) -> None:
        super().__init__(NOON)
        self.begins = NOON
        self.planned: list[Planned] = []
        self._under_way: list[tuple[float, ExitStack]] = []

    async def pause(self, seconds: float) -> None:
        await super().pause(seconds)
        await asyncio.to_thread(self.settle)

    def settle(self) -> None:
        """Begin and end what is due. Faults of the range are set from another thread than its own."""
        passed = (self.at - self.begins).total_seconds()
        for due in [one for one in self._under_way if one[0] <= passed]:
            self._under_way.remove(due)
            due[1].close()
        for one in [one for one in self.planned if one.at <= passed]:
            self.planned.remove(one)
            if one.at + one.lasts > passed:
                stack = ExitStack()
                stack.enter_context(one.what())
                self._under_way.append((one.at + one.lasts, stack))

    def end(self) -> None:
        for _, stack in self._under_way:
            stack.close()
        self._under_way.clear()


class Campaign:
    """A campaign over the proxy of a range, from two sites, and a clock that is set forward."""

    def __init__(self, world: RangeTestbed, folder: Path) -> None:
        self.world, self.folder = world, folder
        (folder / "scheme.yaml").write_text(SCHEME)
        self.paths = CampaignPaths(out=folder / "out", campaign="rehearsal")
        self.clock = Simulation()
        self.path = self.write()

    def write(self, sites: tuple[str, ...] = SITES, pages: int = 25, **continuity: Any) -> Path:
        proxy = self.world.origin.services["reference"]["proxy"]["pupils"]
        declared = {key: value for key, value in (CONTINUITY | continuity).items() if value}
        lines = [
            {
                "name": f"line-{place}",
                "type": "explicit_proxy",
                "site": site,
                "options": {"proxy": proxy},
            }
            for place, site in enumerate(sites, 1)
        ]
        self.path = write_campaign(
            self.folder,
            origin=origin_file(self.world),
            lines=lines,
            categories=["GAMB"],
            sample=pages,
            limits=QUICK,
            scheme="scheme.yaml",
            service={"name": "Filter", "continuity": declared},
        )
        return self.path

    def happen(self, at: float, what: Happening, lasts: float) -> None:
        self.clock.planned.append(Planned(at, what, lasts))

    def check(self, every: float = 15, lasts: float = 600) -> None:
        self._run(CheckTimes(every=every, lasts=lasts, together=20))

    def cause(self, kind: TestKind, *, lasts: float = 75, name: str = "restart") -> None:
        """Test a fault; what happens is timed from the moment at which it has to be caused."""
        note = EventNote(kind=kind, asks="block", name=name)
        planned, self.clock.planned = self.clock.planned, []

        def announce() -> None:
            self.clock.begins, self.clock.planned = self.clock.at, planned
            self.clock.settle()

        self._run(CheckTimes(every=1, lasts=lasts, together=20), test=note, announce=announce)

    def _run(self, times: CheckTimes, **more: Any) -> None:
        clock = self.clock
        try:
            check(prepare(self.path), self.paths, times, pause=clock.pause, clock=clock, **more)
        finally:
            clock.end()

    def checks(self) -> AvailabilityChecks:
        return judge_maker(open_journal(self.paths.journal))().records.availability

    def outages(self) -> list[Outage]:
        return all_outages(self.checks())

    def outcome(self, requirement: str) -> Outcome:
        """The outcome as if the items of the campaign had been measured, which takes seconds."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(pipeline, "bar_incomplete", lambda measured, _: tuple(measured))
            return read_rehearsal(self.paths.journal).outcome(requirement, "line-1")

    # What can happen to the filter of the range.

    def down(self) -> AbstractContextManager[None]:
        return self.world.filter_down()

    def off(self) -> AbstractContextManager[None]:
        return self.with_fault(Fault(kind=FaultKind.OFF))

    @contextmanager
    def with_fault(self, fault: Fault) -> Iterator[None]:
        self.world.faults.add(fault)
        try:
            yield
        finally:
            self.world.faults.remove(fault)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    policy = FilterPolicy(blocks=lambda code, _: POLICY.expects(code, "ks2") == "block")
    folder = tmp_path_factory.mktemp("world")
    with RangeTestbed.running(folder, policy=policy, profiles=("pupils",)) as world:
        yield world


@pytest.fixture
def campaign(world: RangeTestbed, tmp_path: Path) -> Iterator[Campaign]:
    yield Campaign(world, tmp_path)
    world.faults.clear()


# AVL-01


def test_an_outage_of_40_seconds_is_reported_to_within_one_check(campaign: Campaign) -> None:
    campaign.happen(200, campaign.down, 40)

    campaign.check(every=15, lasts=600)

    found = campaign.outages()
    began, ended = NOON + timedelta(seconds=200), NOON + timedelta(seconds=240)
    assert [one.line for one in found] == ["line-1", "line-2"]
    for one in found:
        assert one.good is not None
        assert one.better is not None
        assert one.most is not None
        assert one.good < began <= one.begins <= one.good + timedelta(seconds=30)
        assert one.ends - timedelta(seconds=5) < ended <= one.better
        assert one.least - 5 <= 40 <= one.most <= 40 + 2 * 30
        assert one.state == "down"
        assert "connection_refused" in one.why


def test_a_service_that_is_up_and_filters_conforms(campaign: Campaign) -> None:
    campaign.check(lasts=450)

    found = rehearse(campaign.path).outcome("AVL-01", "line-1")

    assert found.conformity is CONFORMS, found.reasons
    assert found.metric.value == 1.0
    assert found.metric.n == 30
    assert "unknown time, which counts for and against the service: 0 %" in found.metric.method


def test_a_service_that_is_down_for_long_does_not_conform(campaign: Campaign) -> None:
    campaign.happen(100, campaign.down, 300)

    campaign.check(lasts=600)

    found = campaign.outcome("AVL-01")
    assert found.conformity is FAILS, found.reasons
    (witness,) = found.witnesses
    assert witness.saw[0].startswith("down for ")
    assert 0.4 < (found.metric.value or 0) < 0.6


def test_a_service_that_is_up_without_filtering_is_not_available(campaign: Campaign) -> None:
    campaign.happen(100, campaign.off, 300)

    campaign.check(lasts=600)

    found = campaign.outcome("AVL-01")
    assert found.conformity is FAILS, found.reasons
    (witness,) = found.witnesses
    assert witness.saw[0].startswith("unfiltered for ")
    assert {one.state for one in campaign.checks().checks} == {"filtered", "unfiltered"}


def test_one_missed_page_is_no_outage(campaign: Campaign) -> None:
    missed = frozenset(f"gamb-{number:03}.canary.accredit.test" for number in range(1, 10))
    campaign.world.faults.add(Fault(kind=FaultKind.MISS, hosts=missed))

    campaign.check(lasts=300)

    pages = [page for one in campaign.checks().checks for page in one.harmful]
    assert "open" in {page.result for page in pages}
    assert {one.state for one in campaign.checks().checks} == {"filtered"}


def test_without_a_second_site_nothing_is_shown(campaign: Campaign) -> None:
    campaign.write(sites=("north", "north"))
    campaign.check(lasts=450)

    found = campaign.outcome("AVL-01")

    assert found.conformity is OPEN
    assert found.leaning == "pass"
    assert ONE_PLACE in found.reasons


def test_few_hosts_could_be_recognised(campaign: Campaign) -> None:
    campaign.write(pages=5)
    campaign.check(lasts=90)

    found = campaign.outcome("AVL-01")

    assert found.conformity is OPEN
    assert any("hosts that must be blocked were tried" in each for each in found.reasons)


def test_time_in_which_the_control_line_is_down_counts_for_and_against(campaign: Campaign) -> None:
    dead = Fault(kind=FaultKind.DEAD, service="origin")
    campaign.happen(100, lambda: campaign.with_fault(dead), 200)

    campaign.check(lasts=600)

    assert campaign.outages() == []
    assert {one.state for one in campaign.checks().checks} == {"filtered", "unknown"}
    found = campaign.outcome("AVL-01")
    assert found.conformity is OPEN
    assert found.metric.lower is not None
    assert found.metric.lower < 0.7
    assert found.metric.upper == 1.0


def test_without_checks_it_is_said_how_to_make_them(campaign: Campaign) -> None:
    run = rehearse(campaign.path)

    said = {name: run.outcome(name, "line-1") for name in ("AVL-01", "AVL-02", "AVL-03")}

    assert {one.conformity for one in said.values()} == {OPEN}
    assert NOT_CHECKED in said["AVL-01"].reasons or said["AVL-01"].metric.n == 0
    assert said["AVL-02"].metric.n == said["AVL-03"].metric.n == 0


# Hostile services


class OnlyKnownHosts(Fault):
    """A fault of all hosts but those by which a service recognises tests."""

    def touches(self, host: str, profile: str, service: str) -> bool:
        return host not in ALLOWED and super().touches(host, profile, service)


def test_a_service_that_answers_for_the_hosts_of_tests_alone_is_down(campaign: Campaign) -> None:
    """It answers for the agreed sentinel, whoever asks, although all else gets an error page."""
    broken = OnlyKnownHosts(kind=FaultKind.REFUSE)
    object.__setattr__(broken, "hosts", _Every())

    campaign.happen(0, lambda: campaign.with_fault(broken), 600)
    campaign.check(lasts=450)

    assert {one.state for one in campaign.checks().checks} == {"down"}
    assert campaign.outcome("AVL-01").conformity is FAILS


class _Every(frozenset[str]):
    """Every host."""

    def __contains__(self, host: object) -> bool:
        return True


def test_a_service_that_is_up_at_the_rhythm_of_checks_alone_is_down(campaign: Campaign) -> None:
    """It filters for two seconds of every fifteen, when a steady check would be due."""
    for beat in range(40):
        campaign.happen(15 * beat + 1, campaign.off, 13)

    campaign.check(every=15, lasts=600)

    found = campaign.outcome("AVL-01")
    assert found.conformity is FAILS, found.reasons
    assert (found.metric.value or 0) < 0.5


# AVL-03


def test_a_service_that_stops_in_a_fault_leaks_nothing(campaign: Campaign) -> None:
    campaign.write(sites=("north",))
    campaign.happen(0.5, campaign.down, 8)

    campaign.cause("fault")

    found = campaign.outcome("AVL-03")
    assert found.conformity is CONFORMS, found.reasons
    assert found.metric.k == 0
    assert found.metric.n >= 30


def test_a_service_that_fails_open_at_a_restart_does_not_conform(campaign: Campaign) -> None:
    """It is down for four seconds, and lets everything pass for three, until its lists are read."""
    campaign.write(sites=("north",))
    campaign.happen(0.5, campaign.down, 4)
    campaign.happen(4.5, campaign.off, 3)

    campaign.cause("fault")

    found = campaign.outcome("AVL-03")
    assert found.conformity is FAILS
    assert 1 <= found.metric.k <= 6
    assert "after the fault; it was blocked before" in found.witnesses[0].saw[0]


def test_pages_that_were_open_before_the_fault_are_no_leaks(campaign: Campaign) -> None:
    missed = frozenset(f"gamb-{number:03}.canary.accredit.test" for number in range(1, 40))
    campaign.world.faults.add(Fault(kind=FaultKind.MISS, hosts=missed))
    campaign.write(sites=("north",))
    campaign.happen(0.5, campaign.down, 8)

    campaign.cause("fault")

    assert campaign.outcome("AVL-03").metric.k == 0


@pytest.mark.parametrize(
    ("seconds", "declared", "said"),
    [
        (0, CONTINUITY, "restart: no check shows an effect of the fault"),
        (500, CONTINUITY, "restart: the service did not work again when the checks ended"),
        (8, {"in_a_fault": None}, UNDECLARED),
    ],
)
def test_a_fault_that_shows_nothing(
    campaign: Campaign, seconds: float, declared: dict[str, Any], said: str
) -> None:
    campaign.write(sites=("north",), **declared)
    campaign.happen(0.5, campaign.down, seconds)

    campaign.cause("fault")

    found = campaign.outcome("AVL-03")
    assert found.conformity is OPEN
    assert said in found.reasons


def test_no_fault_is_caused_while_the_service_is_down(campaign: Campaign) -> None:
    with campaign.down(), pytest.raises(UnfinishedError, match="get the service working"):
        campaign.cause("fault")

    found = campaign.outcome("AVL-03")
    assert found.conformity is OPEN
    assert NO_FAULT not in found.reasons


# AVL-02


def test_a_backup_line_that_takes_over_in_time_conforms(campaign: Campaign) -> None:
    campaign.write(sites=("north",))
    campaign.happen(0.5, campaign.down, 20)

    campaign.cause("failover", lasts=90)

    found = campaign.outcome("AVL-02")
    assert found.conformity is CONFORMS, found.reasons
    assert "pages came again after" in found.metric.method


@pytest.mark.parametrize("wrong", ["unfiltered", "late", "same type"])
def test_a_backup_line_that_is_wrong_does_not_conform(campaign: Campaign, wrong: str) -> None:
    campaign.write(sites=("north",), backup="Fibre " if wrong == "same type" else "mobile")
    campaign.happen(0.5, campaign.down, 70 if wrong == "late" else 8)
    if wrong == "unfiltered":
        campaign.happen(8.5, campaign.off, 10)

    campaign.cause("failover", lasts=120 if wrong == "late" else 75)

    found = campaign.outcome("AVL-02")
    assert found.conformity is FAILS
    parts = {part.group: part.metric.k for part in found.metric.parts}
    assert sum(count > 0 for count in parts.values()) == 1, parts


def test_a_backup_line_whose_type_is_not_declared_shows_nothing(campaign: Campaign) -> None:
    campaign.write(sites=("north",), backup=None)
    campaign.happen(0.5, campaign.down, 8)

    campaign.cause("failover")

    found = campaign.outcome("AVL-02")
    assert found.conformity is OPEN
    assert NO_TYPES in found.reasons
    assert NO_FAILOVER not in found.reasons
