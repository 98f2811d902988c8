"""Read a monitoring file: which campaigns are repeated when, on which sites of which services.

``MonitoringFile`` holds ``ServiceMonitoring``, that holds ``SiteMonitoring``, that holds
``Schedule``. The format is docs/reference/monitoring-file.md.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from harness.model.campaign import Name
from harness.model.declared import Declared, Duration
from harness.model.stream import LONGEST_NAME, same_name
from harness.monitor.cron_times import check_cron
from harness.monitor.quiet_hours import QuietHours, cover_the_week
from harness.yaml_reader import read_document, validate

DEFAULT_JITTER = timedelta(minutes=10)
DEFAULT_RETEST = timedelta(days=5)
MOST_WINDOWS = 50
"""The most windows of quiet hours in a file."""


def _zone(name: str) -> str:
    """Return the name of a time zone (IANA). Raises ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = f"{name[:60]!r} is not a time zone; write one like Europe/London or UTC"
        raise ValueError(msg) from None
    return name


def _visible(name: str) -> str:
    """Return a name or a path as it is. Raises ValueError if it cannot be seen as it is."""
    if not same_name(name) or any(unicodedata.category(each) in ("Cc", "Cs") for each in name):
        msg = "write letters that can be seen, and no control characters"
        raise ValueError(msg)
    return name


def _longer_than_nothing(duration: timedelta) -> timedelta:
    if not duration:
        msg = "must be longer than 0"
        raise ValueError(msg)
    return duration


Label = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_visible)]
CampaignPath = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_visible)]
SomeTime = Annotated[Duration, AfterValidator(_longer_than_nothing)]
Limit = Annotated[int, Field(ge=1, le=10**12)]


class ScheduleId(NamedTuple):
    """What one schedule of a file is known by: names as they are compared (``same_name``)."""

    service: str
    site: str
    schedule: str

    @classmethod
    def of(cls, service: str, site: str, schedule: str) -> ScheduleId:
        """Return the id of a schedule by its names as they are written."""
        return cls(same_name(service), same_name(site), schedule)


class Budget(Declared):
    """The most runs and attempts that may be started; None: as many as are due."""

    runs_per_day: Limit | None = None
    attempts_per_day: Limit | None = None
    attempts_per_month: Limit | None = None


class Schedule(Declared):
    """When one campaign is repeated. ``cron`` is local time; ``campaign`` a path as written.

    ``jitter`` and ``start_within`` are None where the file's jitter, and half of the distance to
    the next due time, count.
    """

    name: Name
    cron: Annotated[str, AfterValidator(check_cron)]
    campaign: CampaignPath
    jitter: Duration | None = None
    start_within: SomeTime | None = None


class SiteMonitoring(Declared):
    """What is repeated at one site."""

    site: Label
    schedules: Annotated[tuple[Schedule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_schedule_once(self) -> SiteMonitoring:
        if twice := _twice(each.name for each in self.schedules):
            msg = f"{twice!r}: each schedule of a site needs a name of its own"
            raise ValueError(msg)
        return self


class AlarmDeclaration(Declared):
    """When an alarm is raised: how many sites must show a change, and by when to test again."""

    sites: Annotated[int, Field(ge=1)] | None = None
    retest_within: SomeTime = DEFAULT_RETEST


class Tightened(Declared):
    """What is done while inspection is tightened: sample sizes are multiplied by ``samples``."""

    samples: Annotated[float, Field(ge=1, le=10)] = 2


class Reduced(Declared):
    """What is done while inspection is reduced: only each ``every``-th due run is made."""

    every: Annotated[int, Field(ge=2, le=10)] = 2


class IntensityDeclaration(Declared):
    """How strictly is measured (ISO 2859-1); without ``reduced`` it is never reduced."""

    tightened: Tightened = Tightened()
    reduced: Reduced | None = None


class ServiceMonitoring(Declared):
    """What is repeated for one service. ``service`` is the ``service.name`` of its campaigns."""

    service: Label
    supplier: Label | None = None
    budget: Budget = Budget()
    alarm: AlarmDeclaration = AlarmDeclaration()
    intensity: IntensityDeclaration = IntensityDeclaration()
    sites: Annotated[tuple[SiteMonitoring, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_site_once(self) -> ServiceMonitoring:
        if twice := _twice(each.site for each in self.sites):
            msg = f"{twice!r}: each site of a service needs a name of its own"
            raise ValueError(msg)
        if self.alarm.sites is not None and self.alarm.sites > len(self.sites):
            msg = f"alarm.sites is {self.alarm.sites}, but there are only {len(self.sites)} sites"
            raise ValueError(msg)
        return self

    @property
    def alarm_sites(self) -> int:
        """How many sites must show a change before an alarm is raised."""
        return self.alarm.sites or min(2, len(self.sites))


class MonitoringFile(Declared):
    """A monitoring file; ``path`` is where it was read."""

    monitoring: Name
    title: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    jitter: Duration = DEFAULT_JITTER
    quiet_hours: Annotated[tuple[QuietHours, ...], Field(max_length=MOST_WINDOWS)] = ()
    budget: Budget = Budget()
    services: Annotated[tuple[ServiceMonitoring, ...], Field(min_length=1)]
    _path: Path = PrivateAttr(default=Path("monitoring.yaml"))

    @model_validator(mode="after")
    def _each_service_once(self) -> MonitoringFile:
        if twice := _twice(each.service for each in self.services):
            msg = f"{twice!r}: each service needs a name of its own"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _leaves_time(self) -> MonitoringFile:
        if self.quiet_hours and cover_the_week(self.quiet_hours):
            msg = "quiet_hours cover the whole week, so no run could ever start"
            raise ValueError(msg)
        return self

    @property
    def path(self) -> Path:
        """The file itself."""
        return self._path

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of schedules, quiet hours and budgets."""
        return ZoneInfo(self.timezone)

    def campaign_path(self, schedule: Schedule) -> Path:
        """Return the campaign file of a schedule; relative paths begin at this file's folder."""
        return self._path.parent / schedule.campaign

    def jitter_of(self, schedule: Schedule) -> timedelta:
        """Return the jitter of a schedule: its own, else the file's."""
        return self.jitter if schedule.jitter is None else schedule.jitter

    def schedules(self) -> Iterator[tuple[ScheduleId, Schedule]]:
        """Yield each schedule with its id, in the order of the file."""
        for service in self.services:
            for site in service.sites:
                for schedule in site.schedules:
                    yield ScheduleId.of(service.service, site.site, schedule.name), schedule


def read_monitoring(path: Path) -> MonitoringFile:
    """Read a monitoring file. Raises FaultyDocument, UsageError."""
    declared = validate(read_document(path), MonitoringFile)
    declared._path = path  # noqa: SLF001 - of a model of this module, just made
    return declared


def declaration_of(declared: MonitoringFile, service: ServiceMonitoring) -> str:
    """Return one service's declaration as canonical JSON: equal text, equal declaration.

    It holds all that decides about the service's runs, with defaults filled in: of the file all
    but its title and the other services. The content of campaign files is not part of it.
    """
    whole = declared.model_dump(mode="json", by_alias=True, exclude={"title", "services"})
    whole["service"] = service.model_dump(mode="json", by_alias=True)
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _twice(names: Iterable[str]) -> str:
    """Return the first name that is there twice; empty if there is none."""
    counted = Counter(same_name(name) for name in names)
    return next((name for name, number in counted.items() if number > 1), "")
