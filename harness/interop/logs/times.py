"""Times in logs: with and without a time zone, a year, or a fraction of a second.

A local time that occurs twice (clocks go back) is taken for the second time if it is more than ten
minutes before the entry above it, else for the first; logs are written in order. If nothing was
logged in the first of the two hours, the second is taken for the first. A local time that does not
exist (clocks go forward) is refused: the zone is wrong.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from harness.errors import UsageError
from harness.interop.logs.line_reader import UnreadableLine, shown

NO_ZONE = "the times of this log have no time zone: give --timezone, such as Europe/London"
OUT_OF_ORDER = timedelta(minutes=10)
"""How far entries may be out of order before a repeated local time is its second occurrence."""
AHEAD = timedelta(days=1)
"""How far in the future a time without a year may be: the clock of the service may be wrong."""
LEAP_YEARS = 8
"""The longest time between two leap years, in years."""
MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}


class LogTimes:
    """Converts the times of one log to UTC, in the order of its entries.

    ``zone`` is that of times that state none. Its methods raise UnreadableLine for a time that does
    not exist, and UsageError if a zone is needed and not given.
    """

    def __init__(self, zone: tzinfo | None, now: datetime) -> None:
        self._zone = zone
        self._latest = now.astimezone(UTC) + AHEAD
        self._last: datetime | None = None

    def utc(self, moment: datetime) -> datetime:
        """Convert a time to UTC; a naive one is in the zone of the log."""
        try:
            found = self._local(moment) if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError:
            raise UnreadableLine(f"the time {moment} is out of range") from None
        self._last = found
        return found

    def iso(self, text: str) -> datetime:
        """Convert an ISO 8601 time such as ``2026-11-28T18:49:29.769Z``, or with a blank for T."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        # A date alone would be midnight, and a week or an ordinal date is no time of a log.
        if moment is None or not ("T" in text or " " in text):
            raise UnreadableLine(f"{shown(text)} is not a time", "expected 2026-11-28T18:49:29Z")
        return self.utc(moment)

    def epoch(self, text: str, units_a_second: int = 1) -> datetime:
        """Convert seconds (or other units) since 1970 to UTC."""
        if not (text.isascii() and text.replace(".", "", 1).isdigit()):
            raise UnreadableLine(f"{shown(text)} is not a number of seconds since 1970")
        try:
            found = datetime.fromtimestamp(float(text) / units_a_second, UTC)
        except (ValueError, OverflowError, OSError):
            raise UnreadableLine(f"{shown(text)} is not a time since 1970") from None
        self._last = found
        return found

    def parsed(self, text: str, form: str) -> datetime:
        """Convert a time in a format of ``strptime`` that has a year."""
        try:
            moment = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is added below
        except ValueError:
            raise UnreadableLine(f"{shown(text)} is not a time in the form {form}") from None
        return self.utc(moment)

    def without_year(self, month: str, day: str, clock: str) -> datetime:
        """Convert a time such as ``Nov``, ``28``, ``18:49:29`` (RFC 3164)."""
        text = f"{month} {day} {clock}"
        latest = self._latest.replace(tzinfo=None) + AHEAD
        for back in range(LEAP_YEARS + 1):
            year = latest.year - back
            try:
                hour, minute, second = map(int, clock.split(":"))
                moment = datetime(year, MONTHS[month], int(day), hour, minute, second)  # noqa: DTZ001 - the zone is added below
            except (KeyError, ValueError):
                continue  # 29 February may exist in an earlier year
            if moment <= latest and (found := self._local(moment)) <= self._latest:
                self._last = found
                return found
        raise UnreadableLine(f"{shown(text)} is not a time", "expected Nov 28 18:49:29")

    def _local(self, moment: datetime) -> datetime:
        if self._zone is None:
            raise UsageError(NO_ZONE)
        first = moment.replace(tzinfo=self._zone)
        second = first.replace(fold=1)
        before, after = first.utcoffset(), second.utcoffset()
        if before != after and before is not None and after is not None:
            if before < after:
                msg = f"the time {moment} does not exist in {self._zone}: clocks went forward"
                raise UnreadableLine(msg, "give the time zone of the log")
            if self._last is not None and self._last - first.astimezone(UTC) > OUT_OF_ORDER:
                return second.astimezone(UTC)
        return first.astimezone(UTC)
