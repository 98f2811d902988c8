"""Record the story of ``accredit serve --demo`` in a registry, in the order of time.

Events are made and checked by the functions that real use calls. Runs of surveillance are
recorded many at a time, because a transaction each would take minutes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import msgspec

from harness.cli.decision_basis import (
    Campaign,
)
from harness.cli.decision_making import WantedDecision, decide, recommend
from harness.cli.demo_hub_files import DemoService
from harness.cli.demo_hub_people import REVIEWER
from harness.cli.event_basis import alarms_in
from harness.cli.monitor_history import History, intensity_of, place_of_service, run_record
from harness.cli.monitor_run import Monitored, alarms_after, concluded_run, monitored
from harness.cli.registry_facts import campaign_record
from harness.cli.registry_session import Place, RegistrySession
from harness.cli.simulated_clock import SimulatedClock
from harness.model.alarm import Alarm
from harness.model.decision import FAVOURABLE, HeldDecision, Status
from harness.model.event import Event, RecordAdded
from harness.model.outcome import Assessment
from harness.model.surveillance_event import Intensity, SurveillanceRun
from harness.monitor.monitoring_file import MonitoringFile, ServiceMonitoring
from harness.monitor.schedule import RunKey

MOST_AT_ONCE = 600
"""How many events are recorded in one transaction at most."""


RUNS_PER_YEAR = 52
"""How often a weekly schedule is due."""

MEASURED_SECONDS = 412.0
"""What a simulated run says of how long it took."""


class Agenda:
    """What is to be done when; what is done may add more. Equal times keep their order."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._steps: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = count()

    def add(self, at: datetime, step: Callable[[], None]) -> None:
        """Do a step at that time."""
        heapq.heappush(self._steps, (at, next(self._numbers), step))

    def run(self) -> None:
        """Do all steps in the order of their times."""
        while self._steps:
            at, _, step = heapq.heappop(self._steps)
            self._clock.at = max(self._clock.at, at)
            step()


@dataclass(slots=True)
class Chronicle:
    """Records events about the services of one supplier; ``pending`` are not recorded yet."""

    session: RegistrySession
    clock: SimulatedClock
    declared: MonitoringFile
    out: Path
    pending: list[Event] = field(default_factory=list)
    runs: dict[str, list[SurveillanceRun]] = field(default_factory=dict)
    place: Place | None = None

    def begin(self, service: DemoService, *events: Event) -> None:
        """Record events of a service at once."""
        self.place = place_of_service(self.monitoring_of(service))
        self.add(*events)
        self.flush()

    def monitoring_of(self, service: DemoService) -> ServiceMonitoring:
        """What the monitoring file says of a service."""
        return next(each for each in self.declared.services if each.service == service.name)

    def what(self, service: DemoService, site: str, due: datetime) -> Monitored:
        """The run of a site that is due at a time."""
        schedule = next(
            schedule.name
            for place in self.monitoring_of(service).sites
            if place.site == site
            for schedule in place.schedules
        )
        key = RunKey(self.declared.monitoring, service.name, site, schedule, due)
        return monitored(self.declared, key.text, self.out)

    def add(self, *events: Event) -> None:
        """Record events soon, together with others."""
        self.pending.extend(events)
        if len(self.pending) >= MOST_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Record what is pending in one transaction."""
        assert self.place is not None  # set by ``begin``
        if self.pending:
            self.session.record(self.place, *self.pending)
            self.pending.clear()

    def intensity(self, what: Monitored) -> Intensity:
        """How strictly a site is monitored now."""
        runs = self.runs.get(what.key.site, [])
        return runs[-1].then if runs else "normal"

    def add_run(self, what: Monitored, assessment: Assessment, actor: str) -> SurveillanceRun:
        """Record a run with its campaign, as the hub does when the bundle of an agent came."""
        at, began = self.clock.now(), self.clock.now() - timedelta(minutes=15)
        run = concluded_run(what, assessment, at, self.intensity(what), began)
        run = msgspec.structs.replace(
            run,
            actor=actor,
            attempts=assessment.observations,
            seconds=MEASURED_SECONDS,
            runs_per_year=RUNS_PER_YEAR,
        )
        added = RecordAdded(at=at, actor=actor, record=campaign_record(assessment))
        run = self._counted(what, run)
        self.add(added, run)
        return run

    def add_missed(self, what: Monitored, reason: str, actor: str) -> None:
        """Record that a run was missed."""
        intensity = self.intensity(what)
        run = run_record(what.key, self.clock.now(), "missed", reason, intensity=intensity)
        self.add(self._counted(what, msgspec.structs.replace(run, actor=actor)))

    def add_held(self, run: SurveillanceRun) -> None:
        """Note a run that was recorded elsewhere, for the intensity of those that follow."""
        self.runs.setdefault(run.site, []).append(run)

    def _counted(self, what: Monitored, run: SurveillanceRun) -> SurveillanceRun:
        """The run with the intensity that follows from it."""
        runs = self.runs.setdefault(what.key.site, [])
        history = History((*runs, run), (), (), ())
        after = intensity_of(history, what.service, what.key.schedule_id)
        run = msgspec.structs.replace(run, then=after.intensity)
        runs.append(run)
        return run

    def campaign_of(self, what: Monitored) -> str:
        """The name of the campaign of a run."""
        name = str(self.declared.campaign_path(what.schedule).stem)
        return what.key.campaign_name(name)

    def raise_alarms(self, what: Monitored) -> tuple[str, ...]:
        """Record the alarms that a service's runs ask for after that run; return their ids."""
        assert self.place is not None  # set by ``begin``
        self.flush()
        held = self.alarms()
        runs = [run for site in what.service.sites for run in self.runs.get(site.site, ())]
        runs.sort(key=lambda run: (run.due, run.at))
        alarms = tuple(each for each in held.values() if each.raised.service == what.key.service)
        history = History(tuple(runs), (), alarms, ())
        raised = tuple(alarms_after(what, history, runs[-1], held, self.clock))
        if raised:
            self.session.record(self.place, *raised)
        return tuple(each.alarm for each in raised)

    def alarms(self) -> dict[str, Alarm]:
        """The alarms of the supplier, by their ids."""
        assert self.place is not None  # set by ``begin``
        self.flush()
        with self.session.registry.reading(self.place.stream) as access:
            return alarms_in(access)

    def decide(
        self, campaign: Campaign, version: str, status: Status, actor: str, reason: str
    ) -> HeldDecision:
        """Record a decision, and the review before an accreditation; the rules propose ``status``.

        Raises UsageError if they propose something less lenient.
        """
        self.flush()
        if status in FAVOURABLE:
            said = "All of the evaluation was read again"
            wanted = WantedDecision(status, said, version, "", (), REVIEWER.actor)
            recommend(self.session, campaign.place, campaign, wanted, self.clock)

        wanted = WantedDecision(status, reason, version, "", (), actor)
        return decide(self.session, campaign.place, self.out, campaign, wanted, self.clock)

    def add_campaign(self, assessment: Assessment, actor: str) -> None:
        """Record a campaign that is no run of surveillance, and its service if it is new."""
        at = self.clock.now()
        self.add(RecordAdded(at=at, actor=actor, record=campaign_record(assessment)))
