"""Readings of one log are compared: what was repaired or altered, and what only seems to be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.interop.log_join import reading_observations
from harness.judge.log_readings import Differences, LogReadings
from harness.model.corpus import Item
from harness.model.facts import LogEntryFacts, LogFileFacts
from harness.model.log_entry import LogEntry

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ENDED = NOON + timedelta(seconds=1)
ITEM = Item(id="log-1", value="http://a.test/b", labels=("CTRL",))
RIGHT = LogEntry(line=7, at=NOON, user="pupil7", client="192.0.2.7", url=ITEM.value)
OTHER = LogEntry(line=7, at=NOON, user="staff", client="192.0.2.7", url=ITEM.value)
AFTERWARDS = LogEntry(line=9, at=NOON + timedelta(hours=2), user="pupil7", url=ITEM.value)
CHANGE = LogEntry(line=1, at=NOON, user="admin", action="block a.test")

Read = tuple[float, Iterable[LogEntry] | None, dict[str, Any]]
"""Minutes after noon, the entries of the request (None: it is not named), and what else differs."""


def readings(*read: Read) -> LogReadings:
    made = []
    for number, (minutes, entries, changes) in enumerate(read, 1):
        facts: dict[str, Any] = {
            "format": "squid-log", "sha256": f"{number}", "bytes": 1, "lines": 9, "entries": 9,
            "first": NOON - timedelta(hours=1), "last": NOON + timedelta(hours=1),
        }  # fmt: skip
        found = {} if entries is None else {ITEM.id: LogEntryFacts(entries=tuple(entries))}
        made += reading_observations(
            "c", {ITEM.id: ITEM}, LogFileFacts(**facts | changes), found, number=number,
            at=NOON + timedelta(minutes=minutes), batch=number, name="log",
        )  # fmt: skip
    return LogReadings(made)


LATER = {"first": NOON + timedelta(seconds=1)}
EARLIER = {"last": NOON + timedelta(seconds=1)}
FOLLOWED = {"looked_before": NOON}
NOTHING, REPAIRED, ALTERED = (
    Differences(),
    Differences(repaired=(1, 2)),
    Differences(altered=(1, 2)),
)


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ((10, None, {}), (20, [RIGHT], {}), REPAIRED),
        ((10, [RIGHT], {}), (20, None, {}), ALTERED),
        ((10, [OTHER], {}), (20, [RIGHT], {}), ALTERED),
        ((10, [RIGHT], {}), (20, [RIGHT, OTHER], {}), ALTERED),
        ((10, None, {}), (20, [AFTERWARDS], {}), REPAIRED),
        ((10, [RIGHT], {}), (20, [RIGHT], {}), NOTHING),
        ((2, None, {}), (10, [RIGHT], {}), NOTHING),
        ((2, [OTHER], {}), (10, [RIGHT], {}), NOTHING),
        ((10, [RIGHT], {}), (20, None, FOLLOWED), NOTHING),
        ((10, [RIGHT], {}), (20, [], FOLLOWED), ALTERED),
        ((10, None, {"part": "north"}), (20, [RIGHT], {"part": "south"}), NOTHING),
        ((10, None, {"covers": ("b",)}), (20, [RIGHT], {}), NOTHING),
        ((10, None, {"sha256": "2"}), (20, [RIGHT], {}), NOTHING),
        ((10, [OTHER], {}), (20, [RIGHT], {"format": "w3c-log"}), NOTHING),
        ((10, [CHANGE], {"changes": 1}), (20, [RIGHT], {}), NOTHING),
        ((10, [RIGHT], {}), (20, [CHANGE], {"changes": 1}), NOTHING),
        ((10, [RIGHT], EARLIER), (20, None, LATER), NOTHING),
        ((10, None, EARLIER), (20, [RIGHT], LATER), NOTHING),
    ],
    ids=[
        "it was missing", "it is gone", "another user", "one more entry",
        "put in with a later time", "the same",
        "too early to be missed", "still being written", "only what is new", "it vanished while followed",
        "another part", "another line", "the same file", "another format", "after administration",
        "before administration", "the log was rotated", "the log was rotated early",
    ],
)  # fmt: skip
def test_readings_of_one_log_are_compared(first: Read, second: Read, found: Differences) -> None:
    assert readings(first, second).differences(ITEM.id, "a", ENDED) == found


def test_a_file_that_is_read_again_counts_as_it_was_read_last() -> None:
    wrong_zone = [LogEntry(line=7, at=NOON - timedelta(hours=1), url=ITEM.value)]
    read = readings((10, wrong_zone, {"sha256": "a"}), (20, [RIGHT], {"sha256": "a"}))

    assert read.entries_of(ITEM.id) == (RIGHT,)
    assert [one.number for one in read.readings.values()] == [1, 2]
    both = readings((10, wrong_zone, {}), (20, [RIGHT], {}))
    assert both.entries_of(ITEM.id) == (*wrong_zone, RIGHT)
