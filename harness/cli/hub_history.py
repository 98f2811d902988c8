"""Follow the events of a supplier's stream for the pages of a hub, and note which campaigns change.

Runs of surveillance are many and large: of them only the place of each campaign and the last run of
each schedule are kept, so that memory does not grow with their readings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from harness.follow.status_history import StatusFollower
from harness.model.event import Event, RecordAdded, RecordClosed
from harness.model.registry_record import CampaignRecord, Service
from harness.model.stream import same_name
from harness.model.surveillance_event import (
    MonitoringDeclared,
    RunBegun,
    SurveillanceRun,
)
from harness.store.hub.projection import CampaignKey
from reports.site.stream_view import Place, StreamView


class MonitoredService(NamedTuple):
    """How a service is monitored: since when, and its sites now.

    ``runs`` are the last runs that measured, ``measured`` when they did, both by schedule.
    """

    since: datetime
    sites: tuple[str, ...] = ()
    runs: Mapping[Place, SurveillanceRun] = {}
    measured: Mapping[Place, datetime] = {}


class HubStream(NamedTuple):
    """A supplier's stream as makers of documents are given it.

    ``view`` has its state, its changes of status, and its events but for the runs of surveillance.
    It has no campaigns and no assessments, which are rows already. ``services`` are the names of
    services as rows have them, ``monitored`` the monitored services, and ``places`` where campaigns
    were made, all by ``same_name``. ``results`` is the folder of results.
    """

    view: StreamView
    now: datetime
    services: Mapping[str, str]
    places: Mapping[str, Place]
    monitored: Mapping[str, MonitoredService]
    results: Path


class RecordedCampaign(NamedTuple):
    """The open record of a campaign, its service as it was spelled first, and when it came."""

    record: CampaignRecord
    service: str
    recorded: datetime


@dataclass(slots=True)
class Changes:
    """What events change in the rows of campaigns: which are made anew, and which removed."""

    made: dict[CampaignKey, RecordedCampaign] = field(default_factory=dict)
    removed: dict[CampaignKey, None] = field(default_factory=dict)


class StreamHistory:
    """A stream up to its event ``position``."""

    def __init__(self, stream: str, now: datetime) -> None:
        self.stream = stream
        self.position = 0
        self.places: dict[str, Place] = {}
        self.latest: datetime | None = None
        self._follower = StatusFollower(now)
        self._events: list[Event] = []
        self._open: dict[CampaignKey, RecordedCampaign] = {}
        self._schemes: defaultdict[str, set[CampaignKey]] = defaultdict(set)
        self._monitored: dict[str, MonitoredService] = {}
        self._spelled: dict[str, str] = {}

    def follow(self, position: int, event: Event, changes: Changes, now: datetime) -> None:
        """Apply the next event, and note what it changes."""
        if isinstance(event, RecordClosed):
            self._close(event, changes)
        self._follower.now = now
        self._follower.follow(event)
        match event:
            case RecordAdded(record=Service() as record):
                self._spelled.setdefault(same_name(record.id), record.id)
            case RecordAdded(record=CampaignRecord() as record):
                self._add(record, event.at, changes)
            case SurveillanceRun():
                self._note_run(event, changes)
            case MonitoringDeclared():
                self._declare(event)
        if not isinstance(event, RunBegun | SurveillanceRun):
            self._events.append(event)
        self.position, self.latest = position, event.at

    def place_of(self, campaign: str) -> Place:
        """Where a campaign was made; of surveillance alone that is known."""
        return self.places.get(same_name(campaign), Place())

    def stream_now(self, supplier: str, now: datetime, results: Path) -> HubStream:
        """The stream for makers of documents."""
        state, history = self._follower.replayed(now)
        view = StreamView(
            name=self.stream,
            supplier=supplier,
            events=tuple(self._events),
            state=state,
            history=history,
            campaigns=(),
            kept={},
        )
        return HubStream(view, now, self._spelled, self.places, self._monitored, results)

    def _add(self, record: CampaignRecord, at: datetime, changes: Changes) -> None:
        key = CampaignKey(self.stream, record.id, record.scheme)
        service = self._spelled.setdefault(same_name(record.of), record.of)
        self._open[key] = changes.made[key] = RecordedCampaign(record, service, at)
        self._schemes[same_name(record.id)].add(key)
        changes.removed.pop(key, None)

    def _close(self, event: RecordClosed, changes: Changes) -> None:
        record = self._follower.state.open(event.record)
        if not isinstance(record, CampaignRecord):
            return
        key = CampaignKey(self.stream, record.id, record.scheme)
        held = self._open.get(key)
        if held is not None and held.record == record:  # not that of another service since
            del self._open[key]
            self._schemes[same_name(record.id)].discard(key)
            changes.made.pop(key, None)
            changes.removed[key] = None

    def _note_run(self, run: SurveillanceRun, changes: Changes) -> None:
        place = Place(run.site, run.schedule)
        name = same_name(run.service)
        held = self._monitored.get(name, MonitoredService(run.at))
        if run.result == "measured":
            at = run.begun or run.due
            held = held._replace(runs={**held.runs, place: run})
            held = held._replace(measured={**held.measured, place: at})
        self._monitored[name] = held
        if run.campaign and self.place_of(run.campaign) != place:
            self.places[same_name(run.campaign)] = place
            for key in self._schemes.get(same_name(run.campaign), ()):
                changes.made[key] = self._open[key]

    def _declare(self, event: MonitoringDeclared) -> None:
        name = same_name(event.service)
        held = self._monitored.get(name, MonitoredService(event.at))
        self._monitored[name] = held._replace(sites=event.sites)
