"""Remove what a hub keeps no longer: evidence, journals, bundles and uploads; figures stay.

What is removed is recorded first, in the owner's stream, and then removed: a process that is killed
leaves the rest to the next one, which records nothing a second time. What something still open
rests on stays (``harness.follow.retention``).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from harness.cli.event_basis import needed_by
from harness.cli.hub_backup_files import UPKEEP
from harness.cli.hub_file import HubFile
from harness.cli.long_running import alone_in
from harness.cli.paths import CampaignPaths
from harness.cli.registry_session import OWNERS, RegistrySession
from harness.errors import InstrumentError
from harness.follow.replay import replay
from harness.follow.retention import campaigns_in_use
from harness.model.event import Event, RecordAdded
from harness.model.registry_record import CampaignRecord
from harness.model.retention_event import ExpiryRule, FilesExpired
from harness.model.stream import OWNER, same_name
from harness.ports.storage import Clock
from harness.store.hub import expiry

MOST_NAMES = 500
"""The most names in one event."""

KIND = str(FilesExpired.__struct_config__.tag)


class Due(NamedTuple):
    """What is removed by a rule: its name in the record, rows of a campaign, and paths."""

    rule: ExpiryRule
    older_than: datetime
    name: str
    stream: str
    paths: tuple[Path, ...]


class Kept(NamedTuple):
    """A campaign that is old enough and stays, and why."""

    campaign: str
    reason: str


@dataclass(slots=True)
class Found:
    """What is due, what stays, and what must stay whole."""

    due: list[Due] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    campaigns: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)


class Removed(NamedTuple):
    """What was removed by a rule, or would be."""

    rule: ExpiryRule
    older_than: datetime
    names: tuple[str, ...]
    files: int
    size: int


class Expiry:
    """Finds and removes what is too old. One process at a time does so."""

    def __init__(self, hub: HubFile, session: RegistrySession, clock: Clock) -> None:
        self._hub, self._session, self._clock = hub, session, clock
        self._registry = session.registry

    def look(self) -> tuple[list[Removed], list[Kept]]:
        """What would be removed now, and what stays although it is old. Changes nothing."""
        found = self._found()
        return _sums(found.due), found.kept

    def carry_out(
        self, actor: str, is_stopped: Callable[[], bool] = lambda: False
    ) -> tuple[list[Removed], list[Kept]]:
        """Record and remove what is due; return what was, and what stays.

        Once ``is_stopped`` it ends, and leaves the rest to the next time. Raises UsageError while a
        backup or another such process works; InstrumentError.
        """
        with alone_in(self._hub.folder / UPKEEP):
            found = self._found()
            removed = _sums(found.due)
            self._record(found.due, actor)
            for each in found.due:
                if is_stopped():
                    break
                self._remove(each)
            return removed, found.kept

    def _found(self) -> Found:
        found, now = Found(), self._clock.now()
        for stream in self._registry.streams():
            if stream != OWNER:
                self._look_at_stream(stream, now, found)
        found.due += self._bundles(found, now)
        found.due += self._uploads(now)
        return found

    def _look_at_stream(self, stream: str, now: datetime, found: Found) -> None:
        with self._registry.reading(stream) as access:
            events = access.events()
        state = replay(events)
        in_use = campaigns_in_use(state, now)
        found.campaigns |= in_use.keys()
        for run, campaign in state.runs.items():
            if same_name(campaign) in in_use:
                found.runs.add(hashlib.sha256(run.encode()).hexdigest())
        for campaign, recorded in _recorded(events).items():
            due = list(self._of_campaign(stream, campaign, recorded, now))
            if due and (reason := in_use.get(same_name(campaign))):
                found.kept.append(Kept(campaign, reason))
            else:
                found.due += due

    def _of_campaign(
        self, stream: str, campaign: str, recorded: datetime, now: datetime
    ) -> Iterator[Due]:
        """What is due of a campaign that was recorded last at that time."""
        if Path(campaign).name != campaign:
            return
        paths = CampaignPaths(out=self._hub.results, campaign=campaign)
        parts: dict[ExpiryRule, tuple[Path, ...]] = {
            "evidence": (paths.evidence,),
            "items": (paths.journal, paths.verdicts, paths.allure),
        }
        for rule, folders in parts.items():
            limit = self._hub.retention.older_than(rule, now)
            if limit is None or recorded >= limit:
                continue
            held = tuple(path for each in folders for path in (each, _aside(each)) if path.is_dir())
            with self._registry.transaction() as connection:
                has_rows = expiry.has_details(
                    connection, stream, campaign, evidence=rule == "evidence"
                )
            if held or has_rows:
                yield Due(rule, limit, campaign, stream, held)

    def _bundles(self, found: Found, now: datetime) -> Iterator[Due]:
        """Bundles that nobody waits for, and that are of no campaign which must stay."""
        limit = self._hub.retention.older_than("bundles", now)
        if limit is None:
            return
        with self._registry.transaction() as connection:
            kept = {
                use.sha256
                for use in expiry.bundle_uses(connection)
                if use.is_open
                or use.run in found.runs
                or same_name(use.campaign) in found.campaigns
            }
        folder = self._hub.folder
        for pattern in ("bundles/*/*.zip", "sent/bundles/*/*.zip"):
            for path in _older(folder.glob(pattern), limit):
                if path.stem not in kept:
                    yield Due("bundles", limit, path.stem, "", (path,))

    def _uploads(self, now: datetime) -> Iterator[Due]:
        """Files that were never complete, and bundles that were put aside."""
        limit = self._hub.retention.older_than("uploads", now)
        if limit is None:
            return
        for pattern in ("uploads/*/*.part", "sent/parts/*/*.part", "aside/*/*.zip"):
            for path in _older(self._hub.folder.glob(pattern), limit):
                yield Due("uploads", limit, path.stem, "", (path,))

    def _record(self, due: list[Due], actor: str) -> None:
        """Record what was not recorded yet, in one transaction."""
        if not due:
            return
        with self._registry.writing(OWNER) as access:
            held = {
                (event.rule, name)
                for _, event in access.found(kind=[KIND])
                if isinstance(event, FilesExpired)
                for name in event.names
            }
            new = [each for each in due if (each.rule, each.name) not in held]
            events = [
                FilesExpired(at=self._clock.now(), actor=actor, **removed._asdict())
                for start in range(0, len(new), MOST_NAMES)
                for removed in _sums(new[start : start + MOST_NAMES])
            ]
            if events:
                self._session.record_in(access, OWNERS, events, needed_by(access, events))

    def _remove(self, due: Due) -> None:
        """Remove rows and files. A folder leaves its place first, so that it is whole or gone."""
        if due.stream:
            with self._registry.transaction(is_writing=True) as connection:
                if due.rule == "evidence":
                    expiry.remove_evidence(connection, due.stream, due.name)
                else:
                    expiry.remove_items(connection, due.stream, due.name)
        try:
            for path in due.paths:
                if path.is_symlink() or not path.is_dir():
                    path.unlink(missing_ok=True)
                    continue
                aside = _aside(path) if not path.name.endswith(EXPIRED) else path
                if aside != path:
                    shutil.rmtree(aside, ignore_errors=True)
                    path.rename(aside)
                shutil.rmtree(aside)
        except OSError as error:
            msg = f"{error.filename or due.name}: cannot be removed: {error.strerror or error}"
            raise InstrumentError(msg) from None


EXPIRED = ".expired"


def _aside(folder: Path) -> Path:
    """Where a folder is while it is removed."""
    return folder.with_name(folder.name + EXPIRED)


def _recorded(events: Iterable[Event]) -> dict[str, datetime]:
    """The campaigns of a stream, and when each was recorded last."""
    found: dict[str, datetime] = {}
    for event in events:
        if isinstance(event, RecordAdded) and isinstance(event.record, CampaignRecord):
            name = event.record.id
            found[name] = max(event.at, found.get(name, event.at))
    return found


def _older(paths: Iterable[Path], limit: datetime) -> Iterator[Path]:
    for path in sorted(paths):
        try:
            if path.lstat().st_mtime < limit.timestamp():
                yield path
        except FileNotFoundError:  # moved meanwhile
            continue


def _sums(due: Iterable[Due]) -> list[Removed]:
    """What is due, by rule."""
    found: dict[ExpiryRule, Removed] = {}
    for each in due:
        files, size = _size_of(each.paths)
        held = found.get(each.rule, Removed(each.rule, each.older_than, (), 0, 0))
        names = held.names if each.name in held.names else (*held.names, each.name)
        found[each.rule] = held._replace(
            names=names, files=held.files + files, size=held.size + size
        )
    return list(found.values())


def _size_of(paths: Iterable[Path]) -> tuple[int, int]:
    """How many files there are at and below paths, and their bytes."""
    files = [
        file
        for path in paths
        for file in (path.rglob("*") if path.is_dir() else (path,))
        if file.is_file()
    ]
    return len(files), sum(file.stat().st_size for file in files)
