"""Cron expressions of five fields: check them, and list the times that they name in a time zone.

The library cronsim matches fields as Debian's cron does: if the day of the month or the day of the
week begins with ``*``, both must match, otherwise one is enough. Where clocks change, this module
follows Debian's cron too (man cron, NOTES): a time that is skipped in spring counts at the first
minute after the gap, and a time that comes twice in autumn counts once. If the minute or the hour
begins with ``*``, the times follow the real hours: nothing is made up for, and both hours count.

The times of a local day depend on that day alone, so it does not matter from where one counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from zoneinfo import ZoneInfo

FIELDS = 5
LONGEST_EXPRESSION = 200
"""The most characters of an expression."""

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_CHECKED_FROM = datetime(2026, 1, 1)  # noqa: DTZ001 - the calendar is the same in every zone


def check_cron(expression: str) -> str:
    """Return an expression as it is. Raises ValueError if it is none, or names no time.

    An expression that names no time within 50 years never fires. Five fields cannot name more than
    one time a minute; a sixth field, for seconds, is refused.
    """
    fields = expression.split()
    if len(expression) > LONGEST_EXPRESSION or len(fields) != FIELDS:
        msg = "a cron expression has five fields, such as '15 6 * * *': minute, hour, day, month, "
        raise ValueError(msg + "day of the week")
    from cronsim import CronSimError  # noqa: PLC0415 - an extra, for files with such expressions

    try:
        fires = next(_fires(expression, _CHECKED_FROM), None) is not None
    except CronSimError as error:
        msg = f"{str(error)[:1].lower()}{str(error)[1:]} in this cron expression"
        raise ValueError(msg) from None
    if not fires:
        msg = "this cron expression never fires"
        raise ValueError(msg)
    return expression


def _fires(expression: str, after: datetime) -> Iterator[datetime]:
    from cronsim import CronSim  # noqa: PLC0415 - as above

    return CronSim(expression, after)


def times_of(
    expression: str, zone: ZoneInfo, after: datetime, until: datetime | None = None
) -> Iterator[datetime]:
    """Yield the times (UTC) after ``after``, up to and with ``until``; without end if it is None.

    ``expression`` must have passed ``check_cron``.
    """
    minute, hour, *of_day = expression.split()
    clock_times = _clock_times(minute, hour)
    is_fixed = not (minute.startswith("*") or hour.startswith("*"))
    start = datetime.combine(after.astimezone(zone).date(), time())
    latest = after
    for midnight in _fires(" ".join(("0", "0", *of_day)), start - _SECOND):
        for moment in _times_of_day(midnight.date(), clock_times, zone, is_fixed=is_fixed):
            if until is not None and moment > until:
                return
            if moment > latest:
                latest = moment
                yield moment


def count_times(expression: str, zone: ZoneInfo, after: datetime, until: datetime) -> int:
    """Return how many times ``times_of`` yields, which may be one a minute for a year."""
    minute, hour, *of_day = expression.split()
    clock_times = _clock_times(minute, hour)
    is_fixed = not (minute.startswith("*") or hour.startswith("*"))
    start = datetime.combine(after.astimezone(zone).date(), time())
    number, latest = 0, after
    for midnight in _fires(" ".join(("0", "0", *of_day)), start - _SECOND):
        day = midnight.date()
        if _steady_offset(day, zone) is not None:
            ends = clock_times[0], clock_times[-1]
            first, last = _times_of_day(day, ends, zone, is_fixed=is_fixed)
            if latest < first and last <= until:
                number, latest = number + len(clock_times), last
                continue
        for moment in _times_of_day(day, clock_times, zone, is_fixed=is_fixed):
            if moment > until:
                return number
            if moment > latest:
                number, latest = number + 1, moment
    return number  # pragma: no cover - an expression never ends


@lru_cache(maxsize=1024)
def _clock_times(minute: str, hour: str) -> tuple[time, ...]:
    """Return the times of day that the first two fields name."""
    day = _CHECKED_FROM
    found = _fires(f"{minute} {hour} * * *", day - _SECOND)
    return tuple(each.time() for each in takewhile(lambda each: each < day + _DAY, found))


def _times_of_day(
    day: date, clock_times: tuple[time, ...], zone: ZoneInfo, *, is_fixed: bool
) -> Iterator[datetime]:
    """Yield times of a local day in UTC, in their order; a time may be yielded twice."""
    local = (datetime.combine(day, each) for each in clock_times)
    offset = _steady_offset(day, zone)
    if offset is not None:
        yield from ((each - offset).replace(tzinfo=UTC) for each in local)
    elif is_fixed:
        for each in local:
            shown = each.replace(tzinfo=zone)
            while not _exists(shown):
                shown += _MINUTE
            yield shown.astimezone(UTC)
    else:
        both = (each.replace(tzinfo=zone, fold=fold) for each in local for fold in (0, 1))
        yield from sorted({each.astimezone(UTC) for each in both if _exists(each)})


def _steady_offset(day: date, zone: ZoneInfo) -> timedelta | None:
    """Return the offset from UTC of a local day; None if the clocks are changed on it."""
    midnight = datetime.combine(day, time(), tzinfo=zone)
    offsets = {
        each.replace(fold=fold).utcoffset()
        for each in (midnight, midnight + _DAY)
        for fold in (0, 1)
    }
    return offsets.pop() if len(offsets) == 1 else None


def _exists(shown: datetime) -> bool:
    """Whether clocks ever show this local time."""
    back = shown.astimezone(UTC).astimezone(shown.tzinfo)
    return back.replace(tzinfo=None) == shown.replace(tzinfo=None)
