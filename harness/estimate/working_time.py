"""Working time: the time between two moments without Saturdays and Sundays, in UTC.

Public holidays are not known here; they count as working days.
"""

from __future__ import annotations

from datetime import datetime, timedelta

DAY = 86_400.0
WORKING_DAYS = 5
"""Monday to Friday: the first days of a week (ISO 8601)."""


def working_seconds(begin: datetime, end: datetime) -> float:
    """Return the seconds from ``begin`` until ``end`` that are not on a weekend.

    Both are aware. A day has 24 hours, so five working days are 432,000 seconds. 0 if ``end`` is
    not later.
    """
    if end <= begin:
        return 0.0
    return _since_monday(end, begin) - _since_monday(begin, begin)


def _since_monday(moment: datetime, first: datetime) -> float:
    """Return the working seconds from the Monday of the week of ``first`` until a moment."""
    day = first.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = day - timedelta(days=day.weekday())
    weeks, left = divmod((moment - monday).total_seconds(), 7 * DAY)
    return weeks * WORKING_DAYS * DAY + min(left, WORKING_DAYS * DAY)
