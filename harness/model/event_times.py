"""Checks of the times of events in a stream, and how times and durations are written.

Times may run backwards by at most ``TOLERANCE``, except after a recorded correction of the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from harness.errors import UsageError
from harness.model.event import ClockCorrected, Event, StreamOpened
from harness.model.stream import StreamHead

TOLERANCE = timedelta(minutes=1)
"""How far an event may be dated before an earlier one, or after the present time."""


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
    """Yield events that are dated more than the tolerance before an earlier event.

    Events after a correction of the clock are compared with it and what follows it.
    """
    latest: tuple[int, datetime] | None = None
    for position, event in enumerate(events, 1):
        if latest is None or isinstance(event, ClockCorrected) or event.at >= latest[1]:
            latest = (position, event.at)
        elif event.at < latest[1] - TOLERANCE:
            yield BackwardEvent(
                position=position, at=event.at, earlier_position=latest[0], earlier_at=latest[1]
            )


def head_after(head: StreamHead | None, stream: str, event: Event, digest: str) -> StreamHead:
    """Return the head of a stream after one more event, whose hash is ``digest``.

    The event may be dated before earlier ones.
    """
    if head is None:
        name = event.name if isinstance(event, StreamOpened) else ""
        return StreamHead(
            stream=stream, name=name, events=1, hash=digest, latest=event.at, latest_position=1
        )
    position = head.events + 1
    moved = replace(head, events=position, hash=digest)
    is_latest = isinstance(event, ClockCorrected) or event.at >= head.latest
    return replace(moved, latest=event.at, latest_position=position) if is_latest else moved


def require_times(
    head: StreamHead | None, added: Iterable[Event], now: datetime | None = None
) -> None:
    """Raise UsageError if an event to be added is dated before those held, or after ``now``.

    ``head`` is that of the stream, if it has one; ``now`` is the time of an injected clock, without
    which only the order is checked. Events already held may run backwards; that does not prevent
    adding later ones.
    """
    latest = (head.latest, head.latest_position) if head else None
    for position, event in enumerate(added, head.events + 1 if head else 1):
        kind = event.__struct_config__.tag
        if now is not None and event.at > now + TOLERANCE:
            msg = (
                f"{kind}: dated {_date(event.at)}, {lasting(event.at - now)} after this machine's "
                f"clock ({_date(now)}); check both clocks, and try again"
            )
            raise UsageError(msg)
        if latest is None or isinstance(event, ClockCorrected) or event.at >= latest[0]:
            latest = event.at, position
        elif event.at < latest[0] - TOLERANCE:
            msg = (
                f"event {position} is dated {_date(event.at)}, "
                f"{lasting(latest[0] - event.at)} before event {latest[1]} of "
                f"the registry ({_date(latest[0])}): check this machine's clock; if it is "
                "right now and was wrong then, record that with 'accredit plan correct-clock'"
            )
            raise UsageError(msg)


def require_not_behind(heads: Iterable[StreamHead], now: datetime) -> None:
    """Raise UsageError if a stream holds an event that is later than a clock.

    With such a clock an accreditation that ended could be published as one that holds.
    """
    latest = max((head.latest for head in heads), default=now)
    if latest > now + TOLERANCE:
        msg = (
            f"the registry holds an event of {_date(latest)}, {lasting(latest - now)} after this "
            f"machine's clock ({_date(now)}), so what holds now is not known: check the clock; if "
            "it is right, record that it was wrong then with 'accredit plan correct-clock'"
        )
        raise UsageError(msg)


def lasting(duration: timedelta) -> str:
    """Format a duration in its two largest units, such as ``3 d 4 h`` or ``1 min 30 s``."""
    left, parts = int(duration.total_seconds()), []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "less than 1 s"


def in_utc(at: datetime) -> str:
    """A time as people read it, such as ``2026-12-01 09:00 UTC``."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _date(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
