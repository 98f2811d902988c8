"""Read times that options give."""

from __future__ import annotations

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


def utc_time(text: str, option: str) -> datetime:
    """Return a date or time in UTC; one that names no offset is of UTC. Raises UsageError."""
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # Overflow: the offset leads out of all years
        msg = f"{option} {text!r} is not a date or time; write 2026-11-24 or 2026-11-24T12:00:00Z"
        raise UsageError(msg) from None
