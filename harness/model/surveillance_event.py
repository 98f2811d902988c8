"""Events of surveillance: what is monitored, each run of a campaign by schedule, and alarms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from harness.model.alarm import AlarmRetest, RaisedAlarm
from harness.model.content_identity import Parts
from harness.model.event import Event
from harness.model.stream import same_name
from harness.model.surveillance_reading import RequirementReading

RunResult = Literal["measured", "failed", "missed", "left-out", "refused"]
"""How a due run ended: ``measured`` (whatever it showed), ``failed`` (the instrument, not the
service), ``missed`` (not started in time), ``left-out`` (reduced surveillance), ``refused`` (the
budget was used up)."""

Intensity = Literal["reduced", "normal", "tightened", "discontinued"]
"""How strictly a service is monitored, from the least to the most (ISO 2859-1, 9.3 and 9.4)."""


class SurveillanceEvent(Event, frozen=True, kw_only=True):
    """An event about the surveillance of ``service``."""

    service: str


class MonitoringDeclared(SurveillanceEvent, frozen=True, kw_only=True, tag="monitoring-declared"):
    """The monitoring file ``monitoring`` says from now on how a service is monitored.

    ``declaration`` is that part of it as JSON; ``sites`` are its sites, of which
    ``sites_for_alarm`` must show something before an alarm is raised.
    """

    monitoring: str
    declaration: str
    sites: tuple[str, ...]
    sites_for_alarm: int

    @property
    def about(self) -> str:
        """The key of the monitoring of the service."""
        return monitoring_key(self.monitoring, self.service)


class RunEvent(SurveillanceEvent, frozen=True, kw_only=True):
    """An event about the run of ``schedule`` at ``site`` that was due at ``due``."""

    monitoring: str
    site: str
    schedule: str
    due: datetime

    @property
    def about(self) -> str:
        """The key of the run."""
        return run_key(self.monitoring, self.service, self.site, self.schedule, self.due)

    @property
    def topic(self) -> str:
        """The key of the monitoring of the service, and the month in which the run was due."""
        return month_key(self.monitoring, self.service, self.due)


class RunBegun(RunEvent, frozen=True, kw_only=True, tag="surveillance-begun"):
    """A due run was begun, as the campaign of that name."""

    campaign: str


class SurveillanceRun(
    RunEvent, frozen=True, kw_only=True, tag="surveillance-run", omit_defaults=True
):
    """What became of a due run, with its ``readings`` if it was measured.

    ``count`` due runs from ``first_due`` to ``due`` were missed or left out together. Figures may
    be compared while ``instrument`` is the same: rules, software, scheme and packs. ``attempts``
    are those in the journal, whose head has the hash ``journal``; ``seconds`` is how long it took.
    ``measured_with`` are the parts that it was measured and judged with, by content.
    ``runs_per_year`` is how often the schedule is due. ``intensity`` held during the run, ``then``
    holds after it.
    """

    result: RunResult
    reason: str = ""
    count: int = 1
    first_due: datetime | None = None
    campaign: str = ""
    scheme: str = ""
    scheme_version: str = ""
    journal: str = ""
    begun: datetime | None = None
    seconds: float = 0.0
    attempts: int = 0
    runs_per_year: int = 0
    instrument: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()
    intensity: Intensity = "normal"
    then: Intensity = "normal"
    readings: tuple[RequirementReading, ...] = ()
    measured_with: Parts = ()

    @property
    def uses(self) -> str:
        """The campaign of the run."""
        return self.campaign


class AlarmEvent(SurveillanceEvent, frozen=True, kw_only=True):
    """An event about the alarm with the id ``alarm``."""

    alarm: str

    @property
    def about(self) -> str:
        """The id of the alarm."""
        return self.alarm


class AlarmRaised(AlarmEvent, frozen=True, kw_only=True, tag="alarm-raised"):
    """A rule of surveillance asks for a re-test of fixed size."""

    raised: RaisedAlarm

    @property
    def topic(self) -> str:
        """What the alarm is about."""
        return "\x1f".join(alarm_subject(self.raised))


class AlarmAcknowledged(AlarmEvent, frozen=True, kw_only=True, tag="alarm-acknowledged"):
    """The actor has seen an alarm, and says what is done about it."""

    note: str


class AlarmRetested(AlarmEvent, frozen=True, kw_only=True, tag="alarm-retested"):
    """A campaign of fixed size showed whether an alarm is confirmed."""

    retest: AlarmRetest


AlarmSubject = tuple[str, str, str]


def alarm_subject(raised: RaisedAlarm) -> AlarmSubject:
    """What an alarm is about: the service, the requirement (of whatever scheme), the profile."""
    return same_name(raised.service), raised.requirement, raised.profile


def monitoring_key(monitoring: str, service: str) -> str:
    """The key of the monitoring of a service."""
    return f"monitoring:{monitoring}\x1f{same_name(service)}"


def month_key(monitoring: str, service: str, due: datetime) -> str:
    """The key of the runs of a service that were due in a month (UTC)."""
    return f"{monitoring_key(monitoring, service)}\x1f{due.astimezone(UTC):%Y-%m}"


def run_key(monitoring: str, service: str, site: str, schedule: str, due: datetime) -> str:
    """The key of a run: ``run:northgate/northgate gateway/hill school/canaries/20261129T0615Z``.

    Names are compared by ``same_name``; slashes in them are written as ``%2F``, which no name holds
    itself: they are in small letters.
    """
    names = (monitoring, same_name(service), same_name(site), schedule)
    escaped = (name.replace("/", "%2F") for name in names)
    return "run:" + "/".join((*escaped, due.astimezone(UTC).strftime("%Y%m%dT%H%MZ")))
