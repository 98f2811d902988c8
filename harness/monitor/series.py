"""Arrange the readings of surveillance runs into series that may be compared.

A series is one requirement for one profile and line, measured by one schedule at one site. It
begins anew where the instrument changed (rules, software, scheme or packs), and where a re-test
decided an alarm about it: figures before and after are not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from harness.model.alarm import Alarm
from harness.model.stream import same_name
from harness.model.surveillance_event import SurveillanceRun
from harness.model.surveillance_reading import RequirementReading


class SeriesKey(NamedTuple):
    """What a series is of."""

    site: str
    schedule: str
    scheme: str
    requirement: str
    profile: str
    line: str


class SeriesPoint(NamedTuple):
    """The reading of one run; ``None`` if the run was not measured, or had none of this."""

    run: SurveillanceRun
    reading: RequirementReading | None


class Series(NamedTuple):
    """The points of a series since it began, oldest first."""

    key: SeriesKey
    points: tuple[SeriesPoint, ...]

    @property
    def readings(self) -> tuple[RequirementReading, ...]:
        """The readings, without the runs that had none."""
        return tuple(point.reading for point in self.points if point.reading is not None)

    @property
    def last(self) -> SeriesPoint:
        """The newest point."""
        return self.points[-1]

    @property
    def runs_per_year(self) -> int:
        """How many runs are due in twelve months, as its newest measured run says; at least 1."""
        known = [point.run.runs_per_year for point in self.points if point.reading is not None]
        return max(1, known[-1] if known else 1)


def series_of(runs: Iterable[SurveillanceRun], alarms: Iterable[Alarm] = ()) -> tuple[Series, ...]:
    """Return the series of a service, as they are after its last run.

    ``runs`` are in the order of their events. A site has the name that it had first. Runs that were
    left out, because surveillance is reduced, are no points: nothing was to be measured.
    """
    ended = _ended(alarms)
    found: dict[SeriesKey, list[SeriesPoint]] = {}
    instruments: dict[tuple[str, str], tuple[str, ...]] = {}
    names: dict[str, str] = {}
    for run in runs:
        if run.result == "left-out":
            continue
        place = names.setdefault(same_name(run.site), run.site), run.schedule
        if run.result == "measured" and instruments.get(place, run.instrument) != run.instrument:
            _end(found, place)
        if run.result == "measured":
            instruments[place] = run.instrument
        _add(found, run, place, ended)
    return tuple(Series(key, tuple(points)) for key, points in found.items() if points)


def _ended(alarms: Iterable[Alarm]) -> Mapping[tuple[str, str], datetime]:
    """When the last alarm about a requirement and profile was decided."""
    found: dict[tuple[str, str], datetime] = {}
    for alarm in alarms:
        if alarm.ended is not None:
            about = alarm.raised.requirement, alarm.raised.profile
            found[about] = max(alarm.ended, found.get(about, alarm.ended))
    return found


def _end(found: dict[SeriesKey, list[SeriesPoint]], place: tuple[str, str]) -> None:
    """End the series of a schedule at a site; the next run begins new ones."""
    for key in found:
        if (key.site, key.schedule) == place:
            found[key] = []


def _add(
    found: dict[SeriesKey, list[SeriesPoint]],
    run: SurveillanceRun,
    place: tuple[str, str],
    ended: Mapping[tuple[str, str], datetime],
) -> None:
    """Add a run to every series of its schedule; a new reading begins a series."""
    begun = run.begun or run.due
    readings = {
        SeriesKey(*place, run.scheme, *reading.key): reading
        for reading in run.readings
        if begun >= ended.get((reading.requirement, reading.profile), begun)
    }
    held = [key for key, points in found.items() if points and key[:2] == place]
    for key in dict.fromkeys([*held, *readings]):
        found.setdefault(key, []).append(SeriesPoint(run, readings.get(key)))
