"""Due times of a schedule, the planned start of a run, and the key that a run is known by.

A due time is what the cron expression says. The planned start lies later, by a jitter that a
supplier cannot predict, and outside quiet hours; every worker computes the same.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from harness.errors import UsageError
from harness.model.surveillance_event import run_key
from harness.monitor.cron_times import count_times, times_of
from harness.monitor.monitoring_file import Schedule, ScheduleId
from harness.monitor.quiet_hours import WEEK, Gap, QuietHours, earliest_start, free_gaps

YEAR = timedelta(days=365)
LONGEST_CAMPAIGN_NAME = 64
"""The most characters of ``harness.model.campaign.Name``."""

_DIGEST_DIGITS = 8
_SHARE_BITS = 64
_NO_TIME = timedelta(0)


class RunKey(NamedTuple):
    """What one due run is known by; ``service`` and ``site`` as written, ``due`` in UTC."""

    monitoring: str
    service: str
    site: str
    schedule: str
    due: datetime

    @property
    def schedule_id(self) -> ScheduleId:
        """The id of the schedule."""
        return ScheduleId.of(self.service, self.site, self.schedule)

    @property
    def text(self) -> str:
        """The key as text, as its events have it (``run_key``)."""
        names = self.monitoring, self.service, self.site, self.schedule
        return run_key(*names, self.due)

    def campaign_name(self, base: str) -> str:
        """Return a name for the campaign of this run: ``canaries-20261129T0615Z-1f0c22ab``.

        The last part is the beginning of the SHA-256 of ``text``, so that the same campaign at
        another site has another name. ``base`` is cut so that there are at most 64 characters.
        """
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:_DIGEST_DIGITS]
        tail = f"-{_minute(self.due)}-{digest}"
        return base[: LONGEST_CAMPAIGN_NAME - len(tail)] + tail


def due_times(
    schedule: Schedule, timezone: ZoneInfo, after: datetime, until: datetime | None = None
) -> Iterator[datetime]:
    """Yield the due times (UTC) after ``after``, up to and with ``until`` (None: without end)."""
    return times_of(schedule.cron, timezone, after, until)


def next_due(schedule: Schedule, timezone: ZoneInfo, after: datetime) -> datetime:
    """Return the first due time after ``after``. Raises UsageError if none comes in 50 years."""
    due = next(due_times(schedule, timezone, after), None)
    if due is None:
        msg = f"schedule {schedule.name!r} is never due after {after:%Y-%m-%d}: change its cron"
        raise UsageError(msg)
    return due


def runs_per_year(schedule: Schedule, timezone: ZoneInfo, start: datetime) -> int:
    """Return how many runs are due in the 365 days from ``start`` on."""
    last = start + YEAR - timedelta.resolution
    return count_times(schedule.cron, timezone, start - timedelta.resolution, last)


LESSONS = (time(9), time(15))
"""When lessons are on in most schools, Monday to Friday, by the clock of the monitoring file."""
SATURDAY = 5
LOOKED_AHEAD = timedelta(days=28)


def is_ever_in_lessons(
    schedule: Schedule, timezone: ZoneInfo, quiet_hours: Sequence[QuietHours], after: datetime
) -> bool:
    """Whether a run of the next four weeks begins while lessons are on, if it has no jitter."""
    for due in due_times(schedule, timezone, after, after + LOOKED_AHEAD):
        local = earliest_start(due, _NO_TIME, quiet_hours, timezone).astimezone(timezone)
        if local.weekday() < SATURDAY and LESSONS[0] <= local.time() < LESSONS[1]:
            return True
    return False


def start_of(
    due: datetime,
    key: str,
    *,
    jitter: timedelta,
    quiet_hours: Sequence[QuietHours],
    timezone: ZoneInfo,
    secret: bytes,
    expected: timedelta = _NO_TIME,
) -> datetime:
    """Return the planned start of a run: ``due`` and a jitter, outside quiet hours.

    The jitter is a whole number of seconds from 0 to below ``jitter``, drawn from
    HMAC-SHA256(``secret``, ``key``). A run that would start in quiet hours, or reach into them if
    it lasts ``expected``, is postponed to their end plus the same jitter, as often as necessary.
    If it fits into no free time that begins within a week, it starts in the longest one (the first
    of several), with as much of the jitter as leaves room for it; a run that is longer than this
    starts at its begin.
    """
    share = _share(secret, key)
    shift = _part(share, jitter)
    longest: Gap | None = None
    for gap in free_gaps(quiet_hours, timezone, due) if quiet_hours else ():
        if longest is not None and gap.begins >= due + WEEK:
            break
        start = gap.begins + shift
        if start < gap.ends and start + expected <= gap.ends:
            return start
        if longest is None or gap.length > longest.length:
            longest = gap
    if longest is None:
        return due + shift
    spare = max(longest.length - expected, _NO_TIME)
    return longest.begins + _part(share, min(jitter, spare))


def _share(secret: bytes, key: str) -> int:
    """Return a number from 0 to below 2**64 that only who has the secret can compute."""
    if not secret:
        msg = "the secret of the jitter is empty, so that anybody could predict it"
        raise ValueError(msg)
    digest = hmac.digest(secret, key.encode(), "sha256")
    return int.from_bytes(digest[: _SHARE_BITS // 8], "big")


def _part(share: int, span: timedelta) -> timedelta:
    """Return the part of a span that a share is, in whole seconds and always below the span."""
    return timedelta(seconds=share * int(span.total_seconds()) >> _SHARE_BITS)


def _minute(due: datetime) -> str:
    return due.astimezone(UTC).strftime("%Y%m%dT%H%MZ")
