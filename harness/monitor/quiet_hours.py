"""Quiet hours: hours of the local week in which no run may start, and the free time between them.

If the clocks change at the begin or the end of quiet hours, the longer reading counts: where a time
comes twice, they last until it is shown again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from harness.model.declared import Declared

DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAY_NAMES: tuple[DayName, ...] = get_args(DayName)

WEEK = timedelta(days=7)
_HORIZON_DAYS = 16
_DAY = timedelta(days=1)
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES

ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
EndTime = Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


class QuietHours(Declared):
    """One window, which begins on each of ``days`` and may end on the next day."""

    begins: ClockTime = Field(alias="from")
    ends: EndTime = Field(alias="to")
    days: Annotated[tuple[DayName, ...], Field(min_length=1)] = DAY_NAMES

    @model_validator(mode="after")
    def _has_a_length(self) -> QuietHours:
        if self.begins == self.ends:
            msg = "from and to are the same; for a whole day write from 00:00 to 24:00"
            raise ValueError(msg)
        return self

    @property
    def minutes(self) -> tuple[int, int]:
        """The begin and the end, in minutes from the midnight before the begin."""
        begins, ends = (int(text[:2]) * 60 + int(text[3:]) for text in (self.begins, self.ends))
        return begins, ends if ends > begins else ends + _DAY_MINUTES


class Gap(NamedTuple):
    """A span without quiet hours, in UTC; ``ends`` is not part of it."""

    begins: datetime
    ends: datetime

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self.ends - self.begins


def cover_the_week(windows: Sequence[QuietHours]) -> bool:
    """Whether no minute of the week is left free."""
    quiet = bytearray(_WEEK_MINUTES)
    for window in windows:
        begins, ends = window.minutes
        for day in window.days:
            first = DAY_NAMES.index(day) * _DAY_MINUTES + begins
            for minute in range(first, first + ends - begins):
                quiet[minute % _WEEK_MINUTES] = 1
    return all(quiet)


def free_gaps(windows: Sequence[QuietHours], zone: ZoneInfo, after: datetime) -> Iterator[Gap]:
    """Yield the spans without quiet hours from ``after`` on, about 16 days ahead.

    The first begins at ``after`` if that is free; the last is cut off where looking ahead ends.
    """
    free_from = after
    for begins, ends in _windows(windows, zone, after):
        if begins > free_from:
            yield Gap(free_from, begins)
        free_from = max(free_from, ends)
    horizon = after + _HORIZON_DAYS * _DAY
    if free_from < horizon:
        yield Gap(free_from, horizon)


def earliest_start(
    at: datetime, expected: timedelta, windows: Sequence[QuietHours], zone: ZoneInfo
) -> datetime:
    """Return the earliest time from ``at`` on at which a run of that length meets no quiet hours.

    A run that is longer than every span of the next week may start at the first free time.
    """
    if not windows:
        return at
    first: datetime | None = None
    for gap in free_gaps(windows, zone, at):
        if gap.begins >= at + WEEK:
            break
        if gap.length >= expected:
            return gap.begins
        first = first or gap.begins
    return first or at + WEEK


def _windows(
    windows: Sequence[QuietHours], zone: ZoneInfo, after: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield begin and end (UTC) of each window around and after a time, by their begin."""
    first = after.astimezone(zone).date() - 2 * _DAY
    ordered = sorted(windows, key=lambda window: window.minutes)
    for number in range(_HORIZON_DAYS + 2):
        day = first + number * _DAY
        for window in ordered:
            if DAY_NAMES[day.weekday()] in window.days:
                begins, ends = window.minutes
                yield min(_both(day, begins, zone)), max(_both(day, ends, zone))


def _both(day: date, minutes: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return a local time in UTC, before and after a change of the clocks; mostly the same."""
    local = datetime.combine(day, time(), tzinfo=zone) + timedelta(minutes=minutes)
    return local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC)
