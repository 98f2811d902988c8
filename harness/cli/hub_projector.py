"""Make the rows that a hub's pages read from the events of the registry and the campaigns' files.

``hub_progress`` says up to which event the rows of a stream were made. Rows are written in one
transaction with it, under the lock of the stream, so that a process may be killed at any moment and
several may work on one registry. Rows of another edition of this code are made anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.cli.hub_campaigns import HubCampaign, campaign_row, digest_of, outcome_rows
from harness.cli.hub_causes import instrument_document
from harness.cli.hub_follow_up import FOLLOW_UP_MAKERS
from harness.cli.hub_history import Changes, HubStream, RecordedCampaign, StreamHistory
from harness.cli.hub_items import read_items
from harness.cli.hub_register import keep_field_checks, published_documents
from harness.cli.hub_series import Result, results_of, update_series
from harness.cli.hub_services import KINDS, service_documents
from harness.cli.hub_waiting import waiting_documents
from harness.cli.paths import CampaignPaths
from harness.cli.process import unexpected_message
from harness.cli.registry_session import RegistrySession
from harness.cli.site_views import assessment_of
from harness.errors import HarnessError
from harness.model.event import AppealDecided, Event
from harness.model.hub_access import Viewer
from harness.model.stream import OWNER, StreamHead
from harness.ports.storage import Clock
from harness.store.hub.item_rows import ItemRow, replace_items
from harness.store.hub.projection import (
    CampaignRow,
    Document,
    OutcomeRow,
    Progress,
    all_progress,
    drop_rows,
    keep_progress,
    progress_of,
    put_documents,
    remove_campaign,
    replace_campaign,
    replace_documents,
)
from harness.store.hub.row_security import PUBLIC_KIND
from harness.store.registry.streams import Registry, lock, read_head
from reports.dashboard.service_facts import WAITING
from reports.site.trend_causes import Instrument

if TYPE_CHECKING:
    from sqlalchemy import Connection

EDITION = "3"
"""The edition of what makes rows; a change makes the rows of every registry anew."""

DOCUMENT_MAKERS: tuple[tuple[str, Callable[[HubStream], Iterable[Document]]], ...] = (
    (WAITING, waiting_documents),
    *FOLLOW_UP_MAKERS,
    (PUBLIC_KIND, published_documents),
)
"""The kinds of documents that follow from a stream alone, each with what makes all of a stream."""

STORED_MAKERS: tuple[
    tuple[tuple[str, ...], Callable[[Connection, HubStream], Iterable[Document]]], ...
] = ((KINDS, service_documents),)
"""As ``DOCUMENT_MAKERS``, of what reads rows of campaigns and series, and makes several kinds."""

APPEAL_DECIDED = str(AppealDecided.__struct_config__.tag)

MOST_EVENTS, MOST_FOLLOWED = 40, 1000
"""How many events are read at once: of those that change rows, and of those that only are known."""

MOST_CAMPAIGNS = 3
"""How many campaigns are made within one transaction; a few more if they have one time."""


LOOK_EVERY = 1.0
"""Seconds between looks at the heads of the streams, for what other processes recorded."""


AGAIN_AFTER = timedelta(seconds=10)
"""How long a stream is left alone whose rows could not be made."""


class _Made(NamedTuple):
    """The rows of a campaign."""

    row: CampaignRow
    outcomes: tuple[OutcomeRow, ...]
    instrument: Document | None
    items: list[ItemRow]


class _Step(NamedTuple):
    """Rows to write: from this progress on, up to that event, and the stream if it is the last."""

    before: Progress
    position: int
    changes: Changes
    made: tuple[_Made, ...]
    last: HubStream | None


class Projector:
    """Brings the rows of all suppliers' streams up to date. Its methods may be called by threads.

    ``tell`` is called with a sentence about a stream whose rows cannot be made.
    """

    def __init__(
        self, registry: Registry, results: Path, clock: Clock, tell: Callable[[str], None]
    ) -> None:
        self._registry = registry
        self._results = results
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._histories: dict[str, StreamHistory] = {}
        self._days: dict[str, date] = {}
        self._told: dict[str, str] = {}
        self._again: dict[str, datetime] = {}
        self._rows_of: dict[str, datetime | None] = {OWNER: None}
        self._owner_events = -1

    def catch_up(self) -> tuple[str, ...]:
        """Make what is missing, and return the streams whose rows changed. Raises InstrumentError.

        Documents are made anew on each day, because some of them depend on the date. A stream that
        cannot be read is told of, and does not stop the others.
        """
        with self._lock:
            with self._registry.transaction() as connection:
                progress = all_progress(connection)
            now, heads = self._clock.now(), self._registry.heads()
            changed = []
            for head in heads:
                if head.stream == OWNER:
                    self._follow_owner(head)
                elif self._is_behind(head, progress.get(head.stream)):
                    changed += [head.stream] if self._project(head) else []
            for stream in {OWNER, *(head.stream for head in heads)}:
                is_made = stream not in self._again
                self._rows_of[stream] = now if is_made else self._rows_of.get(stream)
            self._told.pop("", None)
            return tuple(changed)

    def rows_of(self, viewer: Viewer) -> datetime | None:
        """The time up to which all that a viewer sees is in the rows; ``None`` if it is not known.

        The public sees something of every stream.
        """
        times = []
        for stream, at in tuple(self._rows_of.items()):
            if stream == OWNER or viewer.is_public or viewer.sees(stream):
                if at is None:
                    return None
                times.append(at)
        return min(times)

    def _follow_owner(self, head: StreamHead) -> None:
        """Write what the owner's stream says of checks in the field, if it has grown."""
        if self._owner_events != head.events:
            session = RegistrySession(self._registry, self._clock)
            keep_field_checks(session, self._clock.now())
            self._owner_events = head.events

    def try_to_catch_up(self) -> None:
        """Make what is missing; what does not succeed now is told of, and tried again."""
        try:
            self.catch_up()
        except HarnessError as error:
            self._tell_once("", f"pages are not up to date: {error}")
        except Exception as error:  # noqa: BLE001 - the thread must go on, and pages say that they are late
            summary = f"pages are not up to date: {type(error).__name__}: {error}"
            if self._told.get("") != summary:
                unexpected_message(error)  # writes the traceback to a file
            self._tell_once("", summary)

    def _tell_once(self, stream: str, words: str) -> None:
        if self._told.get(stream) != words:
            self._tell(words)
        self._told[stream] = words

    def _is_behind(self, head: StreamHead, progress: Progress | None) -> bool:
        now, again = self._clock.now(), self._again.get(head.stream)
        if again is not None and now < again:
            return False
        is_made = progress == Progress(head.events, EDITION)
        return not is_made or self._days.get(head.stream) != now.date()

    def _project(self, head: StreamHead) -> bool:
        """Bring one stream up to date; whether that was possible."""
        try:
            while not self._written(head):
                pass
        except HarnessError as error:
            return self._fail(head, str(error))
        except Exception as error:  # noqa: BLE001 - a fault of one stream must not stop the others
            summary = f"unexpected error: {type(error).__name__}: {error}"
            if self._told.get(head.stream) != self._words(head, summary):
                unexpected_message(error)  # writes the traceback to a file
            return self._fail(head, summary)
        except BaseException:
            self._histories.pop(head.stream, None)
            raise
        for kept in (self._told, self._again):
            kept.pop(head.stream, None)
        self._days[head.stream] = self._clock.now().date()
        return True

    def _fail(self, head: StreamHead, reason: str) -> bool:
        """Tell of a stream whose rows cannot be made, and leave it alone for a while."""
        self._histories.pop(head.stream, None)
        self._again[head.stream] = self._clock.now() + AGAIN_AFTER
        self._tell_once(head.stream, self._words(head, reason))
        return False

    def _words(self, head: StreamHead, reason: str) -> str:
        return f"the pages of {head.name} are not up to date: {reason}"

    def _written(self, head: StreamHead) -> bool:
        """Write the next rows of a stream; whether they reach its head.

        Where another process was quicker, nothing is written.
        """
        with self._registry.transaction() as connection:
            before = progress_of(connection, head.stream)
            head = read_head(connection, head.stream, self._registry.where) or head
        is_kept = before.edition == EDITION and before.position <= head.events
        history = self._history(head, before.position if is_kept else 0)
        changes = self._follow(history, head)
        made = tuple(self._made(history, each) for each in changes.made.values())
        is_last = history.position == head.events
        now = self._clock.now()
        last = history.stream_now(head.name, now, self._results) if is_last else None
        step = _Step(before, history.position, changes, made, last)
        with self._writing(head.stream) as connection:
            if progress_of(connection, head.stream) == before:
                if not is_kept:
                    drop_rows(connection, head.stream)
                _write(connection, head.stream, step)
                return is_last
        self._histories.pop(head.stream, None)
        return False

    @contextmanager
    def _writing(self, stream: str) -> Iterator[Connection]:
        with self._registry.transaction(is_writing=True) as connection:
            lock(connection, stream)
            yield connection

    def _history(self, head: StreamHead, position: int) -> StreamHistory:
        """The stream up to that event, from memory or from its events."""
        held = self._histories.get(head.stream)
        if held is None or held.position > position:
            held = StreamHistory(head.stream, self._clock.now())
            self._histories[head.stream] = held
        while held.position < position:
            for at, event in self._events(held, min(position - held.position, MOST_FOLLOWED)):
                held.follow(at, event, Changes(), self._clock.now())
        return held

    def _follow(self, history: StreamHistory, head: StreamHead) -> Changes:
        """Follow a stream to its head, or until enough campaigns changed.

        Events of one time stay together, as a campaign and its run do.
        """
        changes = Changes()
        while history.position < head.events:
            most = min(head.events - history.position, MOST_EVENTS)
            for at, event in self._events(history, most):
                if len(changes.made) >= MOST_CAMPAIGNS and event.at != history.latest:
                    return changes
                history.follow(at, event, changes, self._clock.now())
        return changes

    def _events(self, history: StreamHistory, most: int) -> tuple[tuple[int, Event], ...]:
        """The next events of a stream. Raises InstrumentError where its chain is broken."""
        with self._registry.reading(history.stream) as access:
            return access.after(history.position, most)

    def _made(self, history: StreamHistory, recorded: RecordedCampaign) -> _Made:
        """Read a campaign's files, and make its rows."""
        record = recorded.record
        campaign = HubCampaign(
            stream=history.stream,
            service=recorded.service,
            record=record,
            recorded=recorded.recorded,
            place=history.place_of(record.id),
            paths=CampaignPaths(out=self._results, campaign=record.id),
            assessment=assessment_of(record, self._results),
        )
        items = self._items(campaign) if campaign.has_files else []
        row = campaign_row(campaign, has_items=bool(items))
        return _Made(row, tuple(outcome_rows(campaign)), _instrument(campaign), items)

    def _items(self, campaign: HubCampaign) -> list[ItemRow]:
        """The rows of a campaign's items; none of a journal that is damaged, which is told of."""
        with self._registry.reading(OWNER) as access:
            decided = [event for _, event in access.found(kind=[APPEAL_DECIDED])]
        appeals = [event.appeal for event in decided if isinstance(event, AppealDecided)]
        try:
            return read_items(campaign.paths, appeals)
        except HarnessError as error:
            self._tell(f"the items of campaign {campaign.record.id} are not shown: {error}")
            return []


@contextmanager
def following(projector: Projector) -> Iterator[None]:
    """Bring all rows up to date, and keep them so while other processes use the registry."""
    stop = threading.Event()
    projector.try_to_catch_up()
    thread = threading.Thread(target=_follow, args=(projector, stop), name="projector")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _follow(projector: Projector, stop: threading.Event) -> None:
    while not stop.wait(LOOK_EVERY):
        projector.try_to_catch_up()


def _write(connection: Connection, stream: str, step: _Step) -> None:
    """Write the rows of a step, and how far they reach."""
    keys = [*step.changes.removed, *step.changes.made]
    before = list(results_of(connection, keys))
    for key in step.changes.removed:
        remove_campaign(connection, key)
    for made in step.made:
        replace_campaign(connection, made.row, made.outcomes)
        replace_items(connection, stream, made.row.campaign, made.items)
    instruments = {each.instrument.id: each.instrument for each in step.made if each.instrument}
    put_documents(connection, stream, instruments.values())
    after: list[Result] = list(results_of(connection, step.changes.made))
    update_series(connection, stream, before, after)
    if step.last is not None:
        for kind, make in DOCUMENT_MAKERS:
            replace_documents(connection, stream, kind, make(step.last))
        for kinds, make_stored in STORED_MAKERS:
            documents = list(make_stored(connection, step.last))
            for kind in kinds:
                of_kind = [each for each in documents if each.kind == kind]
                replace_documents(connection, stream, kind, of_kind)
    keep_progress(connection, stream, Progress(step.position, EDITION))


def _instrument(campaign: HubCampaign) -> Document | None:
    """The document of what a campaign was measured with, if its assessment is kept."""
    if campaign.assessment is None:
        return None
    instrument = Instrument.of(campaign.assessment)
    return instrument_document(digest_of(instrument), instrument)
