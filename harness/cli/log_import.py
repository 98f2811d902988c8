"""``accredit log import``: read a service's log, and keep what it shows of the campaign's requests.

Nothing else of the log is kept. A log that cannot be read as a whole is refused as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from harness.cli.growing_log import complete_lines
from harness.cli.paths import JOURNAL, journal_folder
from harness.cli.printing import say
from harness.errors import UsageError, known
from harness.interop.log_join import (
    LogJoin,
    reading_observations,
    secret_forms,
)
from harness.model.campaign import LineDeclaration
from harness.model.corpus import Item
from harness.model.facts import FoundSecret, LogEntryFacts, LogFileFacts
from harness.model.log_case import log_case
from harness.model.observation import CONTROL, Observation
from harness.model.plain_twin import next_number
from harness.model.service_log import next_turn
from harness.ports.storage import Clock, Journal, WallClock

if TYPE_CHECKING:
    from harness.interop.logs.line_reader import LogOptions

EVERY = 10.0
"""Seconds between two looks at a log that is followed."""
DAY = 86_400.0


def import_command(
    journal: JOURNAL,
    log: Annotated[
        Path, typer.Argument(help="The log of the service; it may be compressed (.gz).")
    ],
    form: Annotated[str, typer.Option("--format", help="Its format: accredit list importers")],
    *,
    line: Annotated[
        list[str] | None,
        typer.Option(help="A line whose service keeps this log; default: all. May be repeated."),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="For csv, json and syslog: a YAML file that names columns.")
    ] = None,
    part: Annotated[
        str, typer.Option(help="Its name, if the service keeps several logs of these requests.")
    ] = "",
    timezone: Annotated[
        str, typer.Option(help="Where times in the log have no zone: such as Europe/London.")
    ] = "",
    follow: Annotated[
        float, typer.Option(min=0, max=DAY, help="Look again for so many seconds, as it grows.")
    ] = 0.0,
    every: Annotated[
        float, typer.Option(min=0.1, max=3600, help="Seconds between two such looks.")
    ] = EVERY,
) -> None:
    """Read a service's log, and keep in the journal what it shows of the campaign's requests."""
    from harness.interop.logs.line_reader import LogOptions  # noqa: PLC0415 - keep the start light
    from harness.interop.logs.mapping import read_mapping  # noqa: PLC0415 - the same

    clock = WallClock()
    options = LogOptions(
        now=clock.now(),
        zone=_zone(timezone) if timezone else None,
        mapping=read_mapping(mapping) if mapping else None,
    )
    source = LogSource(path=log, form=form, options=options, covers=tuple(line or ()), part=part)
    import_log(
        journal_folder(journal),
        source,
        clock,
        looks=_looks(follow, every, time.sleep) if follow else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSource:
    """A log, its format and what the user says about it.

    ``covers`` are lines of the campaign; ``part`` tells several logs of the same requests apart.
    """

    path: Path
    form: str
    options: LogOptions
    covers: tuple[str, ...] = ()
    part: str = ""


def import_log(folder: Path, source: LogSource, clock: Clock, looks: Iterable[None] = ()) -> None:
    """Read a log once, and again after each of ``looks``; what is new each time is kept.

    Raises UsageError, FaultyDocument for a log that cannot be read, or a journal without requests.
    """
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    journal = open_journal(folder)
    journal.write()
    try:
        _require_lines(source.covers, journal.header.campaign.lines)
        seen = list(journal.sentinels())
        state = _Import(journal, seen, source, clock)
        if state.has_nothing:
            msg = (
                f"{folder}: holds no requests that a log could show, and no changes of the policy; "
                "make them first (accredit log send, accredit watch)"
            )
            raise UsageError(msg)
        state.look(is_followed=False)
        for _ in looks:
            state.look(is_followed=True)
            if state.is_complete:
                break
        state.tell()
    finally:
        journal.seal()
        journal.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The requests and changes that a log is searched for, by their ids."""

    requests: dict[str, Item]
    changes: dict[str, Item]

    @classmethod
    def of(cls, observations: Iterable[Observation], covers: tuple[str, ...]) -> Wanted:
        """Read them from the observations of a journal other than those of items."""
        requests, changes = dict[str, Item](), dict[str, Item]()
        for one in observations:
            on_line = one.key.line != CONTROL and (not covers or one.key.line in covers)
            if one.role == "logged" and on_line and log_case(one.item.stratum) is not None:
                requests[one.item.id] = one.item
            elif one.role == "poll" and one.event is not None:
                changes[one.item.id] = one.item
        return cls(requests=requests, changes=changes)

    @property
    def with_secrets(self) -> list[Item]:
        """The requests that carried secrets."""
        found = ((item, log_case(item.stratum)) for item in self.requests.values())
        return [item for item, each in found if each is not None and each.case.secrets]


class _Import:
    """The looks at one log, and what they showed."""

    def __init__(
        self, journal: Journal, seen: list[Observation], source: LogSource, clock: Clock
    ) -> None:
        self._journal, self._seen = journal, seen
        self._wanted = Wanted.of(seen, source.covers)
        self._source, self._clock = source, clock
        self._first = self._number = next_turn(seen, "log")
        self._forms = secret_forms(self._wanted.with_secrets)
        self._kept: dict[str, LogEntryFacts] = {}
        self._facts: LogFileFacts | None = None
        self._looked: datetime | None = None

    @property
    def has_nothing(self) -> bool:
        """Whether there is nothing that a log could show."""
        return not self._wanted.requests and not self._wanted.changes

    @property
    def is_complete(self) -> bool:
        """Whether every request was found."""
        return self._count(self._wanted.requests) == len(self._wanted.requests)

    def look(self, *, is_followed: bool) -> None:
        """Read the log as it is now; keep the reading if it is the first, or shows more."""
        from harness.interop.logs.reading import read_log  # noqa: PLC0415 - keep the start light

        source, forms, at = self._source, self._forms, self._clock.now()
        join = LogJoin(self._wanted.requests.values(), self._wanted.changes.values())
        with complete_lines(source.path) if is_followed else nullcontext(source.path) as held:
            reading = read_log(
                held, source.form, source.options, where=str(source.path), secrets=tuple(forms)
            )
            for entry in reading:
                join.add(entry)
        counts = reading.counts
        facts = LogFileFacts(
            format=source.form,
            sha256=counts.sha256,
            bytes=counts.size,
            lines=counts.lines,
            entries=counts.entries,
            covers=source.covers,
            part=source.part,
            first=counts.first,
            last=counts.last,
            changes=join.changes,
            looked_before=self._looked,
            searched=len(forms),
            secrets=tuple(
                FoundSecret(
                    kind=forms[each.secret][0], item=forms[each.secret][1], line=each.lines[0]
                )
                for each in counts.secrets
            ),
        )
        gone = dict.fromkeys(self._kept.keys() - join.found.keys(), LogEntryFacts())
        shown = {**gone, **join.found}
        new = {item: seen for item, seen in shown.items() if seen != self._kept.get(item)}
        if self._facts is None or new or facts.secrets != self._facts.secrets:
            self._keep(facts, new, at)
            self._kept |= new
        self._facts, self._looked = facts, at

    def _keep(self, facts: LogFileFacts, new: Mapping[str, LogEntryFacts], at: datetime) -> None:
        batch = next_number(self._journal.batches())
        items = self._wanted.requests | self._wanted.changes
        made = reading_observations(
            self._journal.header.campaign.campaign,
            items,
            facts,
            new,
            number=self._number,
            at=at,
            batch=batch,
            name=self._source.path.name,
        )
        self._journal.append(batch, made)
        self._seen += made
        self._number += 1

    def tell(self) -> None:
        """Say what was read."""
        facts, wanted = self._facts, self._wanted
        assert facts is not None
        held = self._count(wanted.requests)
        say(
            f"read {facts.lines:,} lines of {self._source.form}: {held} of "
            f"{len(wanted.requests)} requests are in the log"
        )
        if wanted.changes:
            shown = self._count(wanted.changes)
            say(f"  {shown} of {len(wanted.changes)} changes of the policy are on record")
        if facts.secrets:
            say(f"  {len(facts.secrets)} secrets of the requests are in the log")
        self._tell_differences()

    def _count(self, items: Iterable[str]) -> int:
        """How many of the items the log shows."""
        none = LogEntryFacts()
        return sum(bool(self._kept.get(item, none).entries) for item in items)

    def _tell_differences(self) -> None:
        """Say how many requests this import shows in another way than an earlier one."""
        from harness.judge.log_readings import LogReadings  # noqa: PLC0415 - keep it light

        read = LogReadings(one for one in self._seen if one.role == "log")
        requests = [
            (read.differences(one.item.id, one.key.line, one.ended), one)
            for one in self._seen
            if one.role == "logged" and one.key.line != CONTROL
            if one.item.id in self._wanted.requests
        ]
        for words, pairs in (
            (
                "should have been in an earlier import: repaired afterwards",
                [one.repaired for one, _ in requests],
            ),
            (
                "an earlier import showed in another way: altered",
                [one.altered for one, _ in requests],
            ),
        ):
            if number := sum(pair is not None and pair[1] >= self._first for pair in pairs):
                say(f"  {number} of the requests {words}")
                if not self._source.part:
                    say("  if this is another log of the service, import it again with --part NAME")


def _looks(seconds: float, every: float, sleep: Callable[[float], None]) -> Iterator[None]:
    """Yield after each pause, until so many seconds have passed."""
    for _ in range(max(1, round(seconds / every))):
        sleep(every)
        yield


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        msg = f"--timezone {name}: no such time zone; write a name such as Europe/London or UTC"
        raise UsageError(msg) from None


def _require_lines(names: Iterable[str], lines: Iterable[LineDeclaration]) -> None:
    """Raise UsageError for a line that the campaign does not have."""
    have = [each.name for each in lines]
    for name in names:
        if name not in have:
            msg = f"--line {name}: the campaign has no such line; {known(have)}"
            raise UsageError(msg)
