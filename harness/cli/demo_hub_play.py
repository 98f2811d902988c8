"""Play the weeks of ``accredit serve --demo``: runs of surveillance and their alarms.

What people do besides (plans, re-tests, decisions) is in ``harness.cli.demo_hub_events``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec

from harness.cli.conclude import conclude_journal
from harness.cli.decision_basis import Campaign
from harness.cli.demo_hub_agents import Agents
from harness.cli.demo_hub_figures import (
    Epoch,
    SimulatedCampaign,
    head_of,
    pack_reference,
    simulate,
    store,
)
from harness.cli.demo_hub_files import EDITIONS, DemoService
from harness.cli.demo_hub_measure import Measuring
from harness.cli.demo_hub_record import Agenda, Chronicle
from harness.cli.demo_hub_story import (
    FIRST,
    MEASURED,
    NEW_PACK,
    NEW_RULES,
    NEW_SCHEME,
    Calendar,
    good_week,
    is_measured_at,
    is_silent_at,
    shown_at,
)
from harness.cli.monitor_history import History
from harness.cli.monitor_plan import declaration_now
from harness.cli.monitor_run import Monitored, measured_run, record_run
from harness.cli.paths import CampaignPaths
from harness.cli.registry_session import RegistrySession, place_of_any
from harness.cli.simulated_clock import SimulatedClock
from harness.model.alarm import Alarm
from harness.model.decision import Basis
from harness.model.event import Event, RecordAdded
from harness.model.outcome import Assessment
from harness.model.registry_record import Service, ServiceVersion, Site
from harness.monitor.monitoring_file import MonitoringFile

PROBE_SILENT = "the agent at the site was not heard"
OLD_PACK, OLD_RULES = "2025.1.0", "0+simulated"
OLD_REFERENCE = pack_reference(head_of("the pack of the year before"), OLD_PACK)
"""The pack of the year before, which there never was."""

MINUTES_A_SITE = 6
"""How many minutes after the run of one site that of the next is recorded."""


@dataclass(slots=True)
class Stage:
    """What the parts of all suppliers share: the hub's files and registry, and who measures."""

    folder: Path
    out: Path
    session: RegistrySession
    clock: SimulatedClock
    declared: MonitoringFile
    calendar: Calendar
    agents: Agents
    measuring: Measuring
    seed: str
    epochs: dict[int, Epoch] = field(default_factory=dict)

    def epoch(self, ago: int) -> Epoch:
        """With what was measured in a week."""
        if not self.epochs:
            self.epochs = {
                start: self._epoch(start) for start in (999, NEW_PACK, NEW_RULES, NEW_SCHEME)
            }
        start = min(each for each in self.epochs if each >= ago)
        return self.epochs[start]

    def _epoch(self, ago: int) -> Epoch:
        from harness.cli.compose import open_pack  # noqa: PLC0415 - keep the start light
        from harness.judge.rules.order import RULES_VERSION  # noqa: PLC0415 - the same
        from harness.schemes.load import load_scheme  # noqa: PLC0415 - the same

        scheme = self.folder / ("scheme.yaml" if ago <= NEW_SCHEME else earlier_scheme())
        pack = open_pack(str(self.folder / "pack")).reference
        return Epoch(
            load_scheme(str(scheme)),
            RULES_VERSION if ago <= NEW_RULES else OLD_RULES,
            pack_reference(pack.sha256) if ago <= NEW_PACK else OLD_REFERENCE,
        )


def earlier_scheme() -> str:
    """The name of the file with the first edition of the scheme."""
    return f"scheme-{min(EDITIONS)}.yaml"


class Part:
    """The story of one supplier. ``agenda`` is what happens when, ``chronicle`` records it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.clock, self.calendar = stage.clock, stage.calendar
        self.agenda = Agenda(stage.clock)
        self.chronicle = Chronicle(stage.session, stage.clock, stage.declared, stage.out)
        self.on_alarm: Callable[[Alarm], None] = lambda _: None
        """What follows an alarm."""

    def monitor(self, service: DemoService, watched: range) -> None:
        """Put a service on the agenda. In the ``watched`` weeks alarms are looked for."""
        first = FIRST[service.name]
        self.agenda.add(self.calendar.after(first, days=-2), partial(self._begin, service))
        for ago in range(first, -1, -1):
            for number, site in enumerate(service.sites):
                if is_measured_at(service, site, ago):
                    at = self.calendar.after(ago, hours=(20 + MINUTES_A_SITE * number) / 60)
                    self.agenda.add(at, partial(self._run, service, site, ago))
            if ago in watched:
                at = self.calendar.after(ago, hours=1)
                self.agenda.add(at, partial(self._look, service, ago))

    def release(self, at: datetime, service: DemoService, version: str, actor: str) -> None:
        """Put a version of a service on the agenda."""
        record = ServiceVersion(id=version, of=service.name, released=at)
        event = RecordAdded(at=at, actor=actor, record=record)
        self.agenda.add(at, partial(self.chronicle.add, event))

    def _begin(self, service: DemoService) -> None:
        at = self.clock.now()
        declared = self.chronicle.monitoring_of(service)
        changed = declaration_now(self.stage.declared, declared, History((), (), (), ()), at)
        assert changed is not None  # nothing is declared before
        records: list[Service | Site] = [
            Service(id=service.name),
            *(Site(id=site) for site in service.sites),
        ]
        events: list[Event] = [
            RecordAdded(at=at, actor=service.supplier, record=record) for record in records
        ]
        self.chronicle.begin(service, *events, msgspec.structs.replace(changed, actor="hub"))

    def _run(self, service: DemoService, site: str, ago: int) -> None:
        what = self.chronicle.what(service, site, self.calendar.due(ago))
        if ago == 0 and any((service, site) == each[:2] for each in MEASURED):
            self._record_measured(what, self._actor(service, site))
        elif is_silent_at(service, site, ago):
            self.chronicle.add_missed(what, PROBE_SILENT, self._actor(service, site))
        else:
            self.chronicle.add_run(
                what, self._simulated(what, service, ago), self._actor(service, site)
            )

    def _actor(self, service: DemoService, site: str) -> str:
        return f"agent {self.stage.agents[service.name, site]}"

    def _simulated(self, what: Monitored, service: DemoService, ago: int) -> Assessment:
        site = what.key.site
        is_strict = self.chronicle.intensity(what) in ("tightened", "discontinued")
        factor = what.service.intensity.tightened.samples if is_strict else 1
        assessment = simulate(
            SimulatedCampaign(
                service, site, what.key.campaign_name(service.file_name(site)[:-5]),
                self.clock.now(), self.stage.epoch(ago), shown_at(service, site, ago), factor,
            ),
            self.stage.seed,
        )  # fmt: skip
        store(assessment, self.stage.out)
        return assessment

    def _record_measured(self, what: Monitored, actor: str) -> None:
        """Record a run that was measured over a simulated line, and raise its alarms."""
        from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

        self.chronicle.flush()
        campaign = self.chronicle.campaign_of(what)
        self.stage.measuring.wait_for(campaign)
        paths = CampaignPaths(out=self.stage.out, campaign=campaign)
        assessment, _ = conclude_journal(paths.journal, clock=self.clock)
        intensity = self.chronicle.intensity(what)
        with closing(open_journal(paths.journal)) as journal:
            run = measured_run(what, assessment, journal, self.clock, intensity, 0.0)
        done = record_run(what, msgspec.structs.replace(run, actor=actor), self.clock, assessment)
        self.chronicle.add_held(done.run)
        self._follow(done.alarms)

    def _look(self, service: DemoService, ago: int) -> None:
        """Raise the alarms that the runs of a week ask for."""
        site = next(each for each in service.sites if is_measured_at(service, each, ago))
        what = self.chronicle.what(service, site, self.calendar.due(ago))
        self._follow(self.chronicle.raise_alarms(what))

    def _follow(self, alarms: tuple[str, ...]) -> None:
        for name in alarms:
            self.on_alarm(self.chronicle.alarms()[name])

    def campaign(
        self, service: DemoService, name: str, ago: int, failing: dict[str, float] | None = None
    ) -> Campaign:
        """A simulated campaign by an assessor, in which nothing but ``failing`` fails."""
        at = self.clock.now()
        shown = good_week()._replace(failing=failing or {})
        assessment = simulate(
            SimulatedCampaign(service, service.sites[-1], name, at, self.stage.epoch(ago), shown),
            self.stage.seed,
        )
        store(assessment, self.stage.out)
        return Campaign(
            assessment, basis_of(assessment), place_of_any(service.supplier, service.name)
        )


def basis_of(assessment: Assessment) -> Basis:
    """What a decision on a simulated campaign rests on."""
    from harness.store.assessments import digest_of  # noqa: PLC0415 - keep the start light

    assert assessment.journal_head is not None  # a simulated campaign has one
    return Basis(
        campaign=assessment.campaign,
        journal=assessment.journal_head.hash,
        assessment=digest_of(assessment),
        rules=assessment.rules_version,
        begun=assessment.concluded,
        concluded=assessment.concluded,
        limited_to=assessment.qualifier,
    )
