"""Working time: weekends do not count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.waits import DAY, working_seconds

FRIDAY = datetime(2026, 3, 6, 15, tzinfo=UTC)
moments = st.timedeltas(timedelta(days=-2000), timedelta(days=2000)).map(FRIDAY.__add__)


@pytest.mark.parametrize(
    ("days", "counted"),
    [
        (0, 0.0),
        (0.25, 0.25 * DAY),
        (1, 9 * 3600.0),  # the rest of Friday
        (2, 9 * 3600.0),
        (3, DAY),  # Monday at the same hour
        (7, 5 * DAY),
        (14, 10 * DAY),
        (-1, 0.0),
    ],
)
def test_only_monday_to_friday_counts(days: float, counted: float) -> None:
    assert working_seconds(FRIDAY, FRIDAY + timedelta(days=days)) == counted


def test_time_that_begins_on_a_weekend_counts_from_monday() -> None:
    saturday = FRIDAY + timedelta(days=1)

    assert working_seconds(saturday, saturday + timedelta(days=1)) == 0.0
    assert working_seconds(saturday, saturday + timedelta(days=2)) == 15 * 3600.0


@given(moments, moments, moments)
def test_parts_of_a_time_add_up(one: datetime, other: datetime, last: datetime) -> None:
    first, middle, end = sorted((one, other, last))
    parts = working_seconds(first, middle) + working_seconds(middle, end)

    assert working_seconds(first, end) == pytest.approx(parts, abs=1e-3)
    assert 0.0 <= parts <= (end - first).total_seconds() + 1e-3
