"""A campaign over the range's proxy from two sites, checked by a clock that is set forward."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness import pipeline
from harness.cli.availability import CheckTimes, check
from harness.cli.compose import prepare
from harness.cli.paths import CampaignPaths
from harness.cli.simulated_clock import SimulatedClock
from harness.estimate.outages import Outage, all_outages
from harness.judge.composite_measurements import judge_maker
from harness.model.availability import AvailabilityChecks
from harness.model.outcome import Outcome
from harness.model.timed_event import EventNote, TestKind
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import origin_file
from test_suites.kit.campaigns.rehearsal import QUICK, Rehearsal, read_rehearsal, write_campaign

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
SITES = ("north", "south")
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


class CheckedCampaign:
    """A campaign over the proxy of a range, from two sites, and a clock that is set forward."""

    def __init__(self, world: RangeTestbed, folder: Path) -> None:
        self.world, self.folder = world, folder
        (folder / "scheme.yaml").write_text(SCHEME)
        self.paths = CampaignPaths(out=folder / "out", campaign="rehearsal")
        self.clock = Simulation()
        self.path = self.write()

    def write_names(self) -> Path:
        """The same over a name server, which is asked for names alone."""
        server = self.world.origin.services["reference"]["resolver"]["pupils"]
        line = {
            "name": "line-1",
            "type": "resolver",
            "site": "north",
            "options": {"server": server},
        }
        self.path = write_campaign(
            self.folder,
            origin=origin_file(self.world),
            lines=[line],
            categories=["GAMB"],
            sample=25,
            probes=["dns"],
            limits=QUICK,
            scheme="scheme.yaml",
        )
        return self.path

    def write(
        self,
        sites: tuple[str, ...] = SITES,
        pages: int = 25,
        further: tuple[str, ...] = (),
        *,
        open_further: bool = False,
        **continuity: Any,
    ) -> Path:
        """Write the file; at the sites of ``further`` are lines for checks alone.

        With ``open_further`` nothing is filtered there.
        """
        proxy = self.world.origin.services["reference"]["proxy"]["pupils"]
        declared = {key: value for key, value in (CONTINUITY | continuity).items() if value}
        lines = [
            {
                "name": f"line-{place}",
                "type": "explicit_proxy",
                "site": site,
                "options": {"proxy": proxy},
            }
            for place, site in enumerate((*sites, *further), 1)
        ]
        for line in lines[len(sites) :] if open_further else ():
            line |= {"type": "control", "options": {}}
        self.path = write_campaign(
            self.folder,
            origin=origin_file(self.world),
            lines=lines[: len(sites)],
            availability_lines=lines[len(sites) :],
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

    def cause(self, kind: TestKind, *, lasts: float = 60, name: str = "restart") -> None:
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

    def known_hosts(self) -> list[str]:
        """The agreed hosts of the campaign that its checks draw from."""
        return [one.host for one in prepare(self.path).items]

    def checks(self) -> AvailabilityChecks:
        return judge_maker(open_journal(self.paths.journal))().records.availability

    def outages(self) -> list[Outage]:
        return all_outages(self.checks())

    def outcome(self, requirement: str, line: str = "line-1") -> Outcome:
        """The outcome as if the items of the campaign had been measured, which takes seconds."""
        return self.concluded().outcome(requirement, line)

    def concluded(self) -> Rehearsal:
        """All outcomes as if the items had been measured."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(pipeline, "bar_incomplete", lambda measured, _: tuple(measured))
            return read_rehearsal(self.paths.journal)

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
