"""A clock that follows the hub's signed time, for a device whose own clock may be wrong.

The reading is kept in a file, by which the processes that measure use the same clock. What they
record names the largest error, which grows while no new reading comes, and the reading's age.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import msgspec

from harness.errors import UsageError
from harness.fleet.signed_time import ClockReading
from harness.model.instrument_record import DRIFT, ClockState
from harness.store.atomic_write import write_document
from harness.untrusted.regular_file import read_bounded

MOST_BYTES = 1000


class _Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    offset: float
    bound: float
    read: float
    boot: str


_KEPT = msgspec.json.Decoder(_Kept)
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class HubClock:
    """The system's clock, corrected by a reading. ``monotonic`` is that of the system."""

    def __init__(self, reading: ClockReading) -> None:
        self.reading = reading

    def now(self) -> datetime:
        """The hub's time, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.reading.offset)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return monotonic()

    @property
    def age(self) -> float:
        """How long ago the clock was read, in seconds."""
        return max(0.0, monotonic() - self.reading.read)

    @property
    def bound(self) -> float:
        """The largest error now, in seconds: that of the reading, and what a clock may drift."""
        return self.reading.bound + DRIFT * self.age

    def state(self) -> ClockState:
        """What a result records of the clock."""
        return ClockState(offset=0.0, bound=self.bound, hub_age=round(self.age, 3))


def keep_reading(reading: ClockReading, path: Path) -> None:
    """Write a reading for other processes of this device. Raises InstrumentError."""
    kept = _Kept(offset=reading.offset, bound=reading.bound, read=reading.read, boot=_boot())
    write_document(path, msgspec.json.encode(kept) + b"\n")


def clock_from(path: Path) -> HubClock:
    """The clock of a file of ``keep_reading``.

    Raises UsageError if there is none, or if the device was started again since.
    """
    try:
        kept = _KEPT.decode(read_bounded(path, MOST_BYTES))
    except (OSError, msgspec.MsgspecError) as error:
        msg = f"{path}: the hub's time cannot be read: {error}"
        raise UsageError(msg) from None
    if kept.boot != _boot():
        msg = f"{path}: this device was started again since the hub's time was read"
        raise UsageError(msg)
    return HubClock(ClockReading(kept.offset, kept.bound, kept.read))


def _boot() -> str:
    """What tells one start of this device from another; empty where the system does not say."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
