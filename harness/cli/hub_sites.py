"""Where the agents of all sites stand, for the pages of a hub: only what a viewer may see."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from harness.cli.hub_agents import AgentHub
from harness.cli.hub_standing import AgentView, views_of
from harness.cli.registry_session import RegistrySession
from harness.errors import UsageError
from harness.model.hub_access import Role, Viewer
from harness.model.stream import same_name, stream_of
from harness.monitor.monitoring_file import MonitoringFile, SiteMonitoring, read_monitoring
from harness.monitor.schedule import next_due
from harness.ports.storage import Clock
from harness.store.hub.repository import Repository, SiteKey
from reports.dashboard.sites_port import SiteFacts, SiteSchedule
from reports.site.public_facts import PublicService
from reports.site.register_documents import RegisterDocument, register_from

if TYPE_CHECKING:
    from sqlalchemy import Row


class _Place(NamedTuple):
    """A site of a service; names as they are compared are in ``key``."""

    supplier: str
    service: str
    site: str

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(map(same_name, self))

    @property
    def stream(self) -> str:
        return stream_of(self.supplier, self.service)

    @property
    def in_rows(self) -> SiteKey:
        """What rows of campaigns have of it."""
        return self.stream, self.service, self.site


class HubSites:
    """The sites of the monitoring file and of invitations, with their agents."""

    def __init__(self, hub: AgentHub, repository: Repository, clock: Clock) -> None:
        self._hub = hub
        self._repository = repository
        self._clock = clock
        self._file = _CachedFile(hub.hub.monitoring_path)

    def sites(self, viewer: Viewer) -> tuple[SiteFacts, ...]:
        """The sites that a viewer sees, by service and site. Raises InstrumentError."""
        now = self._clock.now()
        declared = self._file.read()
        places = {place.key: place for place, _ in _declared_places(declared)}
        agents = self._agents(now)
        for view in agents.values():
            place = _place_of(view)
            places.setdefault(place.key, place)
        seen = [place for place in places.values() if _sees(viewer, place)]
        status = self._statuses(now)
        facts = [
            _with_status(_facts_of(place, agents.get(place.key)), status.get(place.key[:2]))
            for place in seen
        ]
        facts.sort(key=lambda each: (same_name(each.service), same_name(each.site)))
        if viewer.role is Role.SCHOOL:
            return tuple(each.for_school() for each in facts)
        return tuple(facts)

    def with_runs(self, viewer: Viewer, sites: Sequence[SiteFacts]) -> tuple[SiteFacts, ...]:
        """The same sites with their last campaigns and next runs. Raises InstrumentError."""
        declared, now = self._file.read(), self._clock.now()
        found = {place.key: site for place, site in _declared_places(declared)}
        places = [_Place(each.supplier, each.service, each.site) for each in sites]
        with self._repository.reading(viewer) as reading:
            last = reading.last_campaigns([place.in_rows for place in places])
        return tuple(
            _with_last_run(
                _with_schedules(each, declared, found.get(place.key), now),
                last.get(place.in_rows),
            )
            for each, place in zip(sites, places, strict=True)
        )

    def _agents(self, now: datetime) -> dict[tuple[str, ...], AgentView]:
        """The agent of each site: the last one, or one that was not revoked and did not expire."""
        session = RegistrySession(self._hub.registry, self._clock)
        found: dict[tuple[str, ...], AgentView] = {}
        for view in views_of(session, self._hub.fleet, now):
            key = _place_of(view).key
            if key not in found or view.state not in ("revoked", "expired"):
                found[key] = view
        return found

    def _statuses(self, now: datetime) -> dict[tuple[str, ...], PublicService]:
        """What the register says of each service: its version that was accredited last."""
        rows = self._repository.public_documents()
        documents = (RegisterDocument(row.stream, row.id, row.body) for row in rows)
        services = sorted(
            register_from(documents, now).services, key=lambda each: each.history[0].since
        )
        return {(same_name(each.supplier), same_name(each.name)): each for each in services}


def _place_of(view: AgentView) -> _Place:
    return _Place(view.supplier, view.service, view.site)


def _declared_places(declared: MonitoringFile | None) -> Iterator[tuple[_Place, SiteMonitoring]]:
    """The sites of a monitoring file."""
    for service in declared.services if declared else ():
        for site in service.sites:
            yield _Place(service.supplier or "", service.service, site.site), site


def _sees(viewer: Viewer, place: _Place) -> bool:
    """Whether a viewer sees a site: a school its own, others those of their suppliers."""
    if viewer.role is Role.SCHOOL:
        return same_name(place.site) in set(map(same_name, viewer.sites))
    return viewer.sees(place.stream)


def _facts_of(place: _Place, view: AgentView | None) -> SiteFacts:
    bare = SiteFacts(site=place.site, service=place.service, supplier=place.supplier, state="none")
    if view is None:
        return bare
    clock = view.clock
    return msgspec.structs.replace(
        bare,
        state=view.state,
        agent=view.agent,
        until=view.until if view.state in ("invited", "expired") else None,
        contact=view.contact,
        measured=view.measured,
        failed=view.failed,
        clock_offset=clock.offset if clock else None,
        clock_bound=clock.bound if clock else None,
        clock_age=clock.age if clock else None,
        is_intercepted=view.is_intercepted,
        issuer=view.issuer,
        proxy=view.proxy,
        version=view.version,
        waiting=view.waiting,
        aside=view.aside,
        trouble=view.trouble,
        reason=view.reason,
    )


def _with_schedules(
    facts: SiteFacts, declared: MonitoringFile | None, site: SiteMonitoring | None, now: datetime
) -> SiteFacts:
    if declared is None or site is None:
        return facts
    schedules = tuple(_schedules(declared, site, now))
    return msgspec.structs.replace(facts, schedules=schedules)


def _schedules(
    declared: MonitoringFile, site: SiteMonitoring, now: datetime
) -> Iterator[SiteSchedule]:
    for schedule in site.schedules:
        try:
            due = next_due(schedule, declared.zone, now)
        except UsageError:  # it is never due
            due = None
        yield SiteSchedule(name=schedule.name, next=due)


def _with_last_run(facts: SiteFacts, row: Row[Any] | None) -> SiteFacts:
    """Add the last campaign that is on record."""
    if row is None:
        return facts
    return msgspec.structs.replace(facts, last_campaign=row.campaign, last_run=row.measured_at)


def _with_status(facts: SiteFacts, service: PublicService | None) -> SiteFacts:
    if service is None:
        return facts
    return msgspec.structs.replace(facts, status=service.status, page=service.page)


class _CachedFile:
    """The monitoring file, read again only when it was changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._held: tuple[tuple[int, ...], MonitoringFile | None] | None = None

    def read(self) -> MonitoringFile | None:
        """The file; ``None`` if it is faulty or missing."""
        with self._lock:
            try:
                found = self._path.stat()
                state = (found.st_mtime_ns, found.st_size, found.st_ino)
            except OSError:
                return None
            if self._held is None or self._held[0] != state:
                self._held = state, self._parsed()
            return self._held[1]

    def _parsed(self) -> MonitoringFile | None:
        try:
            return read_monitoring(self._path)
        except UsageError:
            return None
