"""Read times that options give."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from harness.errors import UsageError


def aware_time(text: str, option: str) -> datetime:
    """Return a time that is written with its offset from UTC. Raises UsageError.

    ``option`` is what precedes the time on the command line, for the message: ``--changes-at``.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        msg = f"{option}{text}: write the time like 2026-11-24T12:00:00Z"
        raise UsageError(msg)
    return time


_LENGTH = re.compile(r"([0-9]{1,6})(s|m|h|d)", re.ASCII)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def seconds_of(text: str, option: str) -> float:
    """Return the seconds of a length of time such as 90s, 10m, 6h or 30d. Raises UsageError."""
    found = _LENGTH.fullmatch(text)
    if found is None or not int(found[1]):
        msg = f"{option}{text}: write a length of time like 90s, 10m, 6h or 30d"
        raise UsageError(msg)
    return int(found[1]) * _SECONDS[found[2]]


def utc_time(text: str, option: str) -> datetime:
    """Return a date or time in UTC; one that names no offset is of UTC. Raises UsageError."""
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # Overflow: the offset leads out of all years
        msg = f"{option} {text!r} is not a date or time; write 2026-11-24 or 2026-11-24T12:00:00Z"
        raise UsageError(msg) from None
