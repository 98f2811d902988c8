"""Whether the times of events run forwards, as far as the order of the registry says.

An event may be dated up to ``TOLERANCE`` before an earlier one, which several clocks that are
kept by NTP may do. Each event is compared with the latest one before it, not with the one just
before, so that many small steps backwards do not add up unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from harness.errors import UsageError
from harness.model.event import ClockCorrected, Event

TOLERANCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackwardEvent:
    """An event that is dated before an earlier one; positions count from 1."""

    position: int
    at: datetime
    earlier_position: int
    earlier_at: datetime

    def __str__(self) -> str:
        by = lasting(self.earlier_at - self.at)
        return (
            f"event {self.position} ({_date(self.at)}) is dated {by} before "
            f"event {self.earlier_position} ({_date(self.earlier_at)}), which came first"
        )


def backward_events(events: Iterable[Event]) -> Iterator[BackwardEvent]:
    """The events that are dated more than the tolerance before one that came first.

    A correction of the clock starts anew: what comes after it is compared with it.
    """
    latest: tuple[int, datetime] | None = None
    for position, event in enumerate(events, 1):
        if latest is None or isinstance(event, ClockCorrected) or event.at >= latest[1]:
            latest = (position, event.at)
        elif event.at < latest[1] - TOLERANCE:
            yield BackwardEvent(
                position=position, at=event.at, earlier_position=latest[0], earlier_at=latest[1]
            )


def latest_time(events: Iterable[Event]) -> datetime | None:
    """The latest time since the last correction of the clock; ``None`` without events."""
    latest: datetime | None = None
    for event in events:
        if latest is None or isinstance(event, ClockCorrected) or event.at > latest:
            latest = event.at
    return latest


def require_times(
    held: Sequence[Event], added: Sequence[Event], now: datetime | None = None
) -> None:
    """Raise UsageError if an event to be added is dated before those held, or after ``now``.

    ``now`` is the time of an injected clock; without it only the order is looked at. What is
    held already may run backwards: that is shown, and bars nothing that comes after it.
    """
    for event in added:
        kind = event.__struct_config__.tag
        if now is not None and event.at > now + TOLERANCE:
            msg = (
                f"{kind}: dated {_date(event.at)}, {lasting(event.at - now)} after this machine's "
                f"clock ({_date(now)}); check both clocks, and try again"
            )
            raise UsageError(msg)
    for fault in backward_events([*held, *added]):
        if fault.position > len(held):
            msg = (
                f"event {fault.position} is dated {_date(fault.at)}, "
                f"{lasting(fault.earlier_at - fault.at)} before event {fault.earlier_position} of "
                f"the registry ({_date(fault.earlier_at)}): check this machine's clock; if it is "
                "right now and was wrong then, record that with 'accredit plan correct-clock'"
            )
            raise UsageError(msg)


def lasting(duration: timedelta) -> str:
    """A duration in its two largest units: ``3 d 4 h``, ``90 s`` as ``1 min 30 s``."""
    left, parts = int(duration.total_seconds()), []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "less than 1 s"


def _date(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
