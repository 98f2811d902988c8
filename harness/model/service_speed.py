"""What is known of a service's speed: rounds of transfers over its line and the control line.

A round is measured within a minute or so: each transfer over both lines, one after the other, in
an order that is drawn; then the lines are loaded, and items are tried idle and under load.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from pydantic import Field

from harness.model.declared import Declared
from harness.model.observation import Timings
from harness.model.transfer import Direction, Transfer

Megabits = Annotated[float, Field(gt=0, le=100_000)]


class Bandwidth(Declared):
    """The bandwidth that the line must have, in megabits per second (PRF-01).

    The defaults are those of a primary school.
    """

    down: Megabits = 100.0
    up: Megabits = 30.0

    def of(self, direction: Direction) -> float:
        """Return the bandwidth of a direction in bytes per second."""
        return (self.down if direction == "down" else self.up) * 1e6 / 8


Came = Literal["whole", "failed", "refused", "unknown"]
"""What came of a transfer: all of it; nothing or a part; something else in its place, as of a
filter that blocks it; or our own equipment failed."""


class TimedTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer over one line: what came, and when.

    ``began`` is in monotonic seconds, ``seconds`` is how long it took, ``busy`` the share of that
    in which our own client was computing.
    """

    item: str
    transfer: Transfer
    came: Came
    started: datetime
    began: float
    seconds: float
    busy: float = 0.0
    timings: Timings = Timings()
    failure: str = ""

    @property
    def ended(self) -> datetime:
        """When it ended."""
        return self.started + timedelta(seconds=self.seconds)


class SpeedRound(msgspec.Struct, frozen=True, kw_only=True):
    """The transfers of one round over a service's line and over the control line.

    ``fault`` says what was wrong with the sentinels beside it; empty if nothing was.
    """

    line: str
    profile: str
    number: int
    service: tuple[TimedTransfer, ...]
    control: tuple[TimedTransfer, ...]
    fault: str = ""


class TriedUnderLoad(msgspec.Struct, frozen=True, kw_only=True):
    """An item that was tried while the line was idle, or while it was loaded (PRF-08).

    ``loaded_by`` counts the transfers under way at the time, of those that then arrived whole.
    ``blocked_after`` is how many seconds the answer took, where it was blocked.
    """

    item: str
    value: str
    category: str
    line: str
    profile: str
    round: int
    is_loaded: bool
    state: Literal["blocked", "allowed", "undecided"]
    why: str = ""
    loaded_by: int = 0
    blocked_after: float | None = None
    control_after: float | None = None


class ServiceSpeed(msgspec.Struct, frozen=True, kw_only=True):
    """The rounds of a campaign, and the items tried in them."""

    rounds: tuple[SpeedRound, ...] = ()
    items: tuple[TriedUnderLoad, ...] = ()

    @property
    def lines(self) -> frozenset[str]:
        """The lines whose speed was measured."""
        return frozenset(one.line for one in self.rounds)

    def of(self, line: str, profile: str) -> ServiceSpeed:
        """Return what belongs to one line and profile."""
        return ServiceSpeed(
            rounds=tuple(one for one in self.rounds if (one.line, one.profile) == (line, profile)),
            items=tuple(one for one in self.items if (one.line, one.profile) == (line, profile)),
        )
