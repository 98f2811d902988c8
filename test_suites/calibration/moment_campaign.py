"""A campaign over the range's proxy, checked at moments of a device by a clock that is set forward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from harness.cli.compose import prepare
from harness.cli.device import MomentTimes, check_moment
from harness.estimate.moment_metrics import MomentTest, moment_tests
from harness.model.timed_event import MOMENTS, Moment
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.calibration.availability_campaign import CheckedCampaign

SCHEME = """\
id: our-school
version: "1.0"
title: Devices
policy: uk-schools-2026
requirements: [{id: DEV-03}]
"""
PAGES = 11
"""Harmful pages, so that with the sentinel twelve are tried."""
EVERY, LASTS = 0.2, 19.0
AWAY, BACK = 0.5, 2.5
"""Seconds after the announcement at which the network goes away, and is back."""


class MomentCampaign(CheckedCampaign):
    """The campaign, and what happens to its filter at moments of a device."""

    def __init__(self, world: RangeTestbed, folder: Path) -> None:
        super().__init__(world, folder)
        (folder / "scheme.yaml").write_text(SCHEME)
        self.declare()

    def declare(self, **moments_that_cannot_occur: str) -> None:
        """Write the campaign, with moments that are declared not to occur."""
        self.write(
            sites=("north",), pages=PAGES, moments_that_cannot_occur=moments_that_cannot_occur
        )

    def test(self, moment: Moment, every: float = EVERY, lasts: float = LASTS) -> None:
        """Check while a moment is caused; what happens is timed from when it has to be."""
        clock = self.clock
        planned, clock.planned = clock.planned, []

        def announce() -> None:
            clock.begins, clock.planned = clock.at, planned
            clock.settle()

        times = MomentTimes(every=every, lasts=lasts, at_once=1)
        try:
            check_moment(
                prepare(self.path), self.paths, moment, times,
                pause=clock.pause, clock=clock, announce=announce,
            )  # fmt: skip
        finally:
            clock.end()

    def bring(self, moment: Moment, every: float = EVERY, **more: Any) -> None:
        """Test a moment at which the network goes away and returns, as it does at such a moment."""
        away = {"start": self.nowhere, "portal": self.portal}.get(moment, self.down)
        self.happen(0 if moment == "start" else AWAY, away, BACK - (moment != "start") * AWAY)
        self.test(moment, every, **more)

    def bring_all(self, times: int = 2, *, but: tuple[Moment, ...] = ()) -> None:
        """Test all moments so many times."""
        for moment in MOMENTS:
            for _ in range(0 if moment in but else times):
                self.bring(moment)

    def tests(self) -> list[MomentTest]:
        """The tests of moments in the journal."""
        return moment_tests(self.checks().of("line-1", "pupils").checks)

    def nowhere(self) -> AbstractContextManager[None]:
        """No network at all: the control does not reach the origin either."""
        return self.with_fault(Fault(kind=FaultKind.DEAD, service="origin"))

    def portal(self) -> AbstractContextManager[None]:
        """A login page in the place of each page."""
        return self.with_fault(Fault(kind=FaultKind.CAPTIVE, service="proxy"))

    def harmful_alone(self) -> AbstractContextManager[None]:
        """Harmful pages come, and no others do."""
        return self._open(self.harmful())

    def all_but_the_first_host(self) -> AbstractContextManager[None]:
        """Everything comes but what is asked for first and must be blocked."""
        return self.with_fault(_FirstHostBlocked.made(self.harmful()))

    def harmful(self) -> frozenset[str]:
        """The hosts that must be blocked and that checks draw from."""
        sentinels = prepare(self.path).campaign.sentinels.of("must_block")
        return frozenset((*self.known_hosts(), *(one.host for one in sentinels)))

    @contextmanager
    def _open(self, hosts: frozenset[str]) -> Iterator[None]:
        broken = Fault(kind=FaultKind.REFUSE, service="proxy")
        object.__setattr__(broken, "hosts", AllBut(hosts))
        missed = Fault(kind=FaultKind.MISS, hosts=hosts)
        with self.with_fault(missed), self.with_fault(broken):
            yield


class AllBut(frozenset[str]):
    """Every host but some."""

    def __contains__(self, host: object) -> bool:
        return not super().__contains__(host)


class _FirstHostBlocked(Fault):
    """A filter that is off, but for the first host that it had to block."""

    first: list[str]
    harmful: frozenset[str]

    @classmethod
    def made(cls, harmful: frozenset[str]) -> _FirstHostBlocked:
        fault = cls(kind=FaultKind.OFF)
        object.__setattr__(fault, "first", [])
        object.__setattr__(fault, "harmful", harmful)
        return fault

    def touches(self, host: str, profile: str, service: str) -> bool:
        if host in self.harmful and not self.first:
            self.first.append(host)
        return host not in self.first and super().touches(host, profile, service)
