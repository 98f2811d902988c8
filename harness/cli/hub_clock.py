"""A clock that follows the hub's signed time, for a device whose own clock may be wrong.

The reading is kept in a file, by which the processes that measure use the same clock. What they
record names the largest error, which grows while no new reading comes, and the reading's age. The
system's clock may be set while the device runs: the hub's time does not change with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from harness.errors import UsageError
from harness.fleet.signed_time import ClockReading
from harness.model.instrument_record import DRIFT, ClockState
from harness.store.atomic_write import write_document
from harness.untrusted.regular_file import read_bounded

MOST_BYTES = 1000


class _Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hub's time ``at`` a moment of the device's clock ``steady``, and its largest error."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    bound: Annotated[float, msgspec.Meta(ge=0)]
    steady: float
    boot: str


_KEPT = msgspec.json.Decoder(_Kept)
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def steady() -> float:
    """Seconds since the device was started, with those in which it slept where these are known."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def system_now() -> datetime:
    """The system's time, right or wrong."""
    return datetime.now(UTC)


class HubClock:
    """The hub's time ``at`` the moment ``read`` of ``steady``, and what has passed since then.

    ``reading_bound`` is the largest error in seconds at that moment.
    """

    def __init__(
        self,
        at: datetime,
        reading_bound: float,
        read: float,
        *,
        steady: Callable[[], float] = steady,
        system: Callable[[], datetime] = system_now,
    ) -> None:
        self.at, self.reading_bound, self.read = at, reading_bound, read
        self._steady, self._system = steady, system

    @classmethod
    def of(
        cls,
        reading: ClockReading,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        steady: Callable[[], float] = steady,
        system: Callable[[], datetime] = system_now,
    ) -> HubClock:
        """The clock of a reading that was just taken; ``monotonic`` is the clock that it names."""
        passed = monotonic() - reading.read
        at = system() + timedelta(seconds=reading.offset - passed)
        return cls(at, reading.bound, steady() - passed, steady=steady, system=system)

    def now(self) -> datetime:
        """The hub's time, in UTC."""
        return self.at + timedelta(seconds=self.age)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic()

    @property
    def offset(self) -> float:
        """What has to be added to the system's clock now, in seconds."""
        return (self.now() - self._system()).total_seconds()

    @property
    def age(self) -> float:
        """How long ago the clock was read, in seconds."""
        return max(0.0, self._steady() - self.read)

    @property
    def bound(self) -> float:
        """The largest error now, in seconds: that of the reading, and what a clock may drift."""
        return self.reading_bound + DRIFT * self.age

    def state(self) -> ClockState:
        """What a result records of the clock."""
        return ClockState(offset=0.0, bound=self.bound, hub_age=round(self.age, 3))


def keep_clock(clock: HubClock, path: Path) -> None:
    """Write a clock for other processes of this device. Raises InstrumentError, UsageError."""
    kept = _Kept(at=clock.at, bound=clock.reading_bound, steady=clock.read, boot=_boot())
    write_document(path, msgspec.json.encode(kept) + b"\n")


def clock_from(path: Path) -> HubClock:
    """The clock of a file of ``keep_clock``.

    Raises UsageError if there is none, or if the device was started again since.
    """
    try:
        kept = _KEPT.decode(read_bounded(path, MOST_BYTES))
    except OSError as error:
        msg = f"{path}: the hub's time cannot be read: {error.strerror or error}"
        raise UsageError(msg) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{path}: the hub's time cannot be read: {error}"
        raise UsageError(msg) from None
    if kept.boot != _boot() or kept.steady > steady():
        msg = f"{path}: this device was started again since the hub's time was read"
        raise UsageError(msg)
    return HubClock(kept.at.astimezone(UTC), kept.bound, kept.steady)


def clock_left(path: Path) -> HubClock | None:
    """The clock that an earlier process left, or ``None`` if there is none that can be trusted.

    Where the system does not tell one start of the device from another, none can be.
    """
    if not _boot():
        return None
    try:
        return clock_from(path)
    except UsageError:
        return None


def _boot() -> str:
    """What tells one start of this device from another; empty where the system does not say."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
