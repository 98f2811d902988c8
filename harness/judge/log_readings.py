"""The readings of logs, what each shows of a request, and how they differ.

A file that was read again, byte for byte the same, counts as it was read last: with another time
zone, mapping or name of its part. Otherwise no reading replaces another: entries of all count, and
what a later reading of the same part adds or lacks is a fact of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from harness.model.facts import AlertReportFacts, LogEntryFacts, LogFileFacts
from harness.model.log_entry import LogEntry
from harness.model.observation import Observation
from harness.model.service_alert import SPOOL
from harness.model.service_log import READ_AFTER, ROUND, LogReading

MARGIN = timedelta(seconds=2)
"""How far from the end of a file that another file continues its entries are not compared."""


class Differences(NamedTuple):
    """Numbers of two readings, of which the later one differs in what it shows of a request.

    ``repaired``: the first should have shown the request and did not, the second does. ``altered``:
    the second lacks or changes what the first showed.
    """

    repaired: tuple[int, int] | None = None
    altered: tuple[int, int] | None = None


class LogReadings:
    """The readings by their rounds, and what each holds of an item."""

    def __init__(self, observations: Iterable[Observation]) -> None:
        self.readings: dict[int, LogReading] = {}
        self.reports: list[AlertReportFacts] = []
        self.by_item: defaultdict[str, dict[int, LogEntryFacts]] = defaultdict(dict)
        self._by_line: dict[str, dict[int, LogReading]] = {}
        held: defaultdict[int, int] = defaultdict(int)
        of_requests = set[int]()
        for one in sorted(observations, key=lambda one: one.key.round):
            if isinstance(one.facts, LogFileFacts):
                self.readings[one.key.round] = reading_of(one, one.facts)
            elif isinstance(one.facts, LogEntryFacts):
                self.by_item[one.key.item][one.key.round] = one.facts
                held[one.key.round] += len(one.facts.entries) + one.facts.more
                if not all(entry.action for entry in one.facts.entries):
                    of_requests.add(one.key.round)
            elif isinstance(one.facts, AlertReportFacts):
                self.reports.append(one.facts)
        for number, entries in held.items():
            if number in self.readings:
                reading = self.readings[number]
                self.readings[number] = msgspec.structs.replace(reading, entries=entries)
        # A record of administration alone says nothing of requests.
        self._compared = {
            number
            for number, one in self.readings.items()
            if number in of_requests or not one.changes
        }
        whole = {
            one.sha256: number for number, one in self.readings.items() if not one.is_continued
        }
        self._last = {
            number: max(number, whole.get(one.sha256, number))
            for number, one in self.readings.items()
        }

    def entries_of(self, item: str) -> tuple[LogEntry, ...]:
        """All entries of an item, those of later readings without repetition.

        A line may have another number in a later copy of a log, so numbers are not compared.
        """
        found: list[LogEntry] = []
        seen_before: set[LogEntry] = set()
        held = self.by_item.get(item, {})
        for number in sorted({self._last.get(number, number) for number in held}):
            entries = held[number].entries if number in held else ()
            unnumbered = [msgspec.structs.replace(entry, line=0) for entry in entries]
            pairs = zip(entries, unnumbered, strict=True)
            found += [entry for entry, same in pairs if same not in seen_before]
            seen_before.update(unnumbered)
        return tuple(found)

    def more_of(self, item: str) -> int:
        """How many entries of an item a reading holds beyond those that are kept."""
        return max((facts.more for facts in self.by_item.get(item, {}).values()), default=0)

    def seen(self, item: str, line: str) -> tuple[datetime | None, datetime | None]:
        """When an entry of an item was first read, and when it had last been looked for in vain."""
        of_line = self._of_line(line)
        shown = self.by_item.get(item, {}).items()
        held = [number for number, facts in shown if facts.entries and number in of_line]
        if not held:
            return None, None
        first = of_line[min(held)]
        earlier = [one.at for number, one in of_line.items() if number < min(held)]
        if first.looked_before is not None:
            earlier.append(first.looked_before)
        return first.at, max(earlier, default=None)

    def differences(self, item: str, line: str, ended: datetime) -> Differences:
        """How later readings differ from those in which a request that ``ended`` then had to be.

        Readings of the same part of the line's log are compared, from ``READ_AFTER`` seconds after
        the request on, as far as both cover the time of an entry. Times are those of the log.
        """
        if len(self._of_line(line)) < 2:  # noqa: PLR2004 - two are needed to compare
            return Differences()
        repaired: tuple[int, int] | None = None
        altered: tuple[int, int] | None = None
        settled: list[_Shown] = []
        for one in self._shown(item, line):
            before = [each for each in settled if each.reading.part == one.reading.part]
            lacked = next((each for each in reversed(before) if each.lacks(one, ended)), None)
            if lacked is not None and not lacked.entries:
                repaired = repaired or (lacked.number, one.number)
            changed = next((each for each in reversed(before) if one.lacks(each, ended)), None)
            if changed is None and lacked is not None and lacked.entries:
                changed = lacked
            if changed is not None:
                altered = altered or (changed.number, one.number)
            if one.reading.at >= ended + timedelta(seconds=READ_AFTER):
                settled.append(one)
        return Differences(repaired, altered)

    def _shown(self, item: str, line: str) -> Iterator[_Shown]:
        """What each reading of a line's log shows of an item, in their order.

        A reading that continues another one holds only what is new in it.
        """
        held, before = self.by_item.get(item, {}), frozenset[LogEntry]()
        for number, one in sorted(self._of_line(line).items()):
            last = self._last[number]
            if last not in self._compared:
                continue
            if last in held:
                before = frozenset(map(_compared, held[last].entries))
            elif not self.readings[last].is_continued:
                before = frozenset()
            yield _Shown(
                one.number, msgspec.structs.replace(self.readings[last], at=one.at), before
            )

    def _of_line(self, line: str) -> dict[int, LogReading]:
        """The readings of the log of a line, by their rounds."""
        if line not in self._by_line:
            self._by_line[line] = {
                number: one
                for number, one in self.readings.items()
                if one.format != SPOOL and self.readings[self._last[number]].is_of(line)
            }
        return self._by_line[line]


class _Shown(NamedTuple):
    """What a reading of a log shows of one item."""

    number: int
    reading: LogReading
    entries: frozenset[LogEntry]

    def lacks(self, other: _Shown, ended: datetime) -> bool:
        """Whether the other one shows an entry that this one should show as well, and does not.

        Formats may say more or less of an entry: then only having none at all is compared.
        """
        if self.reading.sha256 == other.reading.sha256:
            return False
        if self.entries and self.reading.format != other.reading.format:
            return False
        missing = other.entries - self.entries
        return any(self._covers(entry.at, ended, other.reading) for entry in missing)

    def _covers(self, at: datetime | None, ended: datetime, other: LogReading) -> bool:
        """Whether this file covers an entry by its time; or the request, if it is not continued."""
        one = self.reading
        if at is None or one.first is None or one.last is None or other.first is None:
            return False
        if other.first <= one.first and one.first + MARGIN <= ended <= one.last - MARGIN:
            return True
        before = MARGIN if other.first < one.first else timedelta()
        after = MARGIN if other.first > one.first else timedelta()
        return one.first + before <= at <= one.last - after


def _compared(entry: LogEntry) -> LogEntry:
    """What is compared of an entry: who, which computer, what, when, and what was done."""
    return LogEntry(
        line=0,
        at=entry.at,
        user=entry.user,
        client=entry.client,
        device=entry.device,
        method=entry.method,
        url=entry.url,
        verdict=entry.verdict,
        category=entry.category,
    )


def reading_of(observation: Observation, facts: LogFileFacts) -> LogReading:
    """Return what a reading of a log, of alerts or of a mailbox was."""
    return LogReading(
        number=observation.key.round - ROUND,
        at=observation.started,
        looked_before=facts.looked_before,
        format=facts.format,
        sha256=facts.sha256,
        lines=facts.lines,
        changes=facts.changes,
        covers=facts.covers,
        first=facts.first,
        last=facts.last,
        searched=facts.searched,
        secrets=facts.secrets,
        name=observation.item.value,
        part=facts.part,
    )
