"""The agents of ``accredit serve --demo``: invited, enrolled, revoked, alive and silent ones.

No device belongs to them: their keys are thrown away. What they said last is kept once, when the
demonstration begins, so that after two hours all of them are shown as silent.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from harness import VERSION
from harness.cli.demo_hub_files import GATEWAY, SCHEDULE, SERVICES
from harness.cli.demo_hub_people import OWNER
from harness.cli.demo_hub_story import FIRST, INVITED, SILENT_NOW, Calendar
from harness.cli.hub_registry import FleetRegistry
from harness.cli.registry_session import RegistrySession
from harness.cli.simulated_clock import SimulatedClock
from harness.fleet.identity import Identity
from harness.fleet.messages import AgentStatus, ClockReport, SentinelBracket, UplinkReport
from harness.monitor.monitoring_file import MonitoringFile
from harness.store.registry import agent_store

STOLEN = (GATEWAY.name, "Elm Primary")
"""The site whose first device was stolen, and replaced."""

REPLACED_IN = 30
"""The week in which it was replaced."""

PLATFORM = "a placeholder, no device"
NEWS = timedelta(minutes=20)
"""How long ago agents that are alive tried the sentinel pages."""

Agents = dict[tuple[str, str], str]
"""The ids of agents by service and site."""


class _Step(NamedTuple):
    """An agent of a service at a site that is invited, at a time."""

    at: datetime
    service: str
    site: str


def make_agents(
    session: RegistrySession, clock: SimulatedClock, declared: MonitoringFile, calendar: Calendar
) -> Agents:
    """Invite and enrol the agents of all sites in the past; return their ids as of now."""
    now = clock.at
    steps = [
        _Step(calendar.after(FIRST[service.name], days=-2), service.name, site)
        for service in SERVICES
        for site in service.sites
        if (service.name, site) != INVITED
    ]
    steps.append(_Step(calendar.after(REPLACED_IN, days=1), *STOLEN))
    steps.append(_Step(now - timedelta(days=1), *INVITED))
    agents: Agents = {}
    fleet = FleetRegistry(session, clock)
    for number, step in enumerate(sorted(steps)):
        clock.at = step.at
        place = step.service, step.site
        if place in agents:
            fleet.revoke(agents[place], "the device was stolen", OWNER.name)
        identity = _enrol(fleet, declared, step, number)
        if identity:
            agents[place] = identity
    clock.at = now
    _say_last(session, agents, now, calendar)
    return agents


def _enrol(fleet: FleetRegistry, declared: MonitoringFile, step: _Step, number: int) -> str:
    """Invite an agent and enrol it; the id is empty for the one that is only invited."""
    service = next(each for each in declared.services if each.service == step.service)
    site = next(each for each in service.sites if each.site == step.site)
    secret = hashlib.sha256(f"a placeholder {number}".encode()).hexdigest()
    fleet.invite(
        declared.monitoring, service, site, secret, step.at + timedelta(days=7),
        label=f"{step.site} (placeholder)", actor=OWNER.name,
    )  # fmt: skip
    if (step.service, step.site) == INVITED:
        return ""
    identity = Identity.new().public
    fleet.enrol(secret, identity, VERSION, PLATFORM)
    return identity.id


def _say_last(session: RegistrySession, agents: Agents, now: datetime, calendar: Calendar) -> None:
    """Keep what each agent said last."""
    with session.registry.transaction(is_writing=True) as connection:
        for place, agent in agents.items():
            at = calendar.after(2, hours=23) if place == SILENT_NOW else now - NEWS
            status = AgentStatus(
                version=VERSION,
                clock=ClockReport(offset=0.02, bound=0.1, age=300.0),
                uplink=UplinkReport(is_intercepted=False),
                brackets=(SentinelBracket(schedule=SCHEDULE, at=at, held=True),),
            )
            agent_store.keep_status(connection, agent, msgspec.json.encode(status).decode(), at)
