"""What happens to a service of an area while it is checked, by a clock that is set forward."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from harness.campaign.assemble import Prepared
from harness.cli.availability import CheckTimes, check
from harness.cli.compose import prepare
from harness.cli.device import MomentTimes, check_moment
from harness.cli.paths import CampaignPaths
from harness.cli.simulated_clock import SimulatedClock
from harness.errors import UnfinishedError
from harness.model.timed_event import EventNote

Happening = Literal["nothing", "checks", "fault", "failover", "network"]
"""Checks that the supplier expects; a fault that was caused; a main connection that was cut; a device
that changes its network."""

RHYTHM = 25.0
"""Seconds between two checks on average: the supplier knows it."""
CHECKS = CheckTimes(every=RHYTHM, lasts=24 * RHYTHM, together=100)
FAULTS: dict[Literal["fault", "failover"], CheckTimes] = {
    "fault": CheckTimes(every=1, lasts=60, together=100),
    "failover": CheckTimes(every=5, lasts=260, together=100),
}
"""Twenty-five checks before each fault, and then long enough to see what comes of it."""
RESTART, SWITCH, MOVE = 8.0, 20.0, 2.0
"""Seconds for which a good service is down after a restart, and before its backup line works; and for
which a device has no network."""
MOVES = MomentTimes(every=0.2, lasts=18.5, at_once=1)
CHANGES = 2
"""How often a device changes its network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What happens to a service, for how many seconds it has, and at which change (from 1)."""

    what: Happening = "nothing"
    seconds: float = 0.0
    turn: int = 0

    def is_in(self, what: Happening, begins: float = 0.0, ends: float = math.inf) -> bool:
        """Whether this happens, and began at least, but not longer ago than so many seconds."""
        return self.what == what and begins <= self.seconds < ends

    @property
    def is_down(self) -> bool:
        """Whether a good service is down: it restarts, changes to its backup, or is out of reach."""
        lasts: dict[Happening, float] = {"fault": RESTART, "failover": SWITCH, "network": MOVE}
        return any(self.is_in(what, ends=ends) for what, ends in lasts.items())


NOTHING = Moment()


class CheckedService:
    """The time of one service: while its campaign is measured nothing happens to it."""

    def __init__(self) -> None:
        self._clock = SimulatedClock(datetime.now(UTC))
        self._what: Happening = "nothing"
        self._begins = self._clock.at
        self._turn = 0

    @property
    def moment(self) -> Moment:
        """What happens to the service now."""
        passed = self._clock.at - self._begins
        return Moment(what=self._what, seconds=passed.total_seconds(), turn=self._turn)

    def check(self, campaign: Path, out: Path) -> None:
        """Check the service of a campaign, then restart it, then cut its main connection."""
        prepared = prepare(campaign)
        paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
        self._begin("checks")
        self._check(prepared, paths, CHECKS)
        for kind, times in FAULTS.items():
            self._begin("nothing")
            with suppress(UnfinishedError):  # nothing is caused where the service does not work
                self._check(prepared, paths, times, kind)

    def change_networks(self, campaign: Path, out: Path) -> None:
        """Check the service of a campaign while a device changes its network, and changes it back."""
        prepared = prepare(campaign)
        paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
        for turn in range(1, CHANGES + 1):
            self._turn = turn
            self._begin("nothing")
            with suppress(UnfinishedError):  # nothing is caused where the service does not work
                check_moment(
                    prepared, paths, "network", MOVES, pause=self._clock.pause,
                    announce=lambda: self._begin("network"), clock=self._clock,
                )  # fmt: skip
        self._begin("nothing")

    def _check(
        self,
        prepared: Prepared,
        paths: CampaignPaths,
        times: CheckTimes,
        kind: Literal["fault", "failover"] | None = None,
    ) -> None:
        happens: Happening = kind or "checks"
        check(
            prepared,
            paths,
            times,
            pause=self._clock.pause,
            test=EventNote(kind=kind, asks="block", name=kind) if kind else None,
            announce=lambda: self._begin(happens),
            clock=self._clock,
        )

    def _begin(self, what: Happening) -> None:
        self._what, self._begins = what, self._clock.at
