"""Hand the runs of an agent to its spool: each as its event, with the bundle if it was measured."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.campaign.assemble import read_campaign
from harness.cli.agent_home import AgentHome
from harness.cli.bundle import make_bundle
from harness.cli.monitor_history import place_of_service
from harness.cli.paths import CampaignPaths
from harness.cli.registry_facts import session_if_any
from harness.errors import UsageError
from harness.model.surveillance_event import SurveillanceRun
from harness.monitor.monitoring_file import MonitoringFile
from harness.ports.storage import Clock
from probes.agent.run_spool import RunSpool


def hand_over_runs(
    declared: MonitoringFile, home: AgentHome, out: Path, spool: RunSpool, clock: Clock
) -> int:
    """Put the runs that were recorded since the last time into the spool; return how many.

    A run may be put there twice after a crash; the hub knows it by its key.
    """
    since, number = home.handed_over(), 0
    registry = CampaignPaths(out=out, campaign="").registry
    (service,) = declared.services
    with session_if_any(registry, clock) as session:
        if session is None:
            return 0
        with session.registry.reading(place_of_service(service).stream) as access:
            found = access.found(kind=["surveillance-run"])
    for position, event in found:
        if position <= since or not isinstance(event, SurveillanceRun):
            continue
        try:
            bundle = _bundle_of(event, declared, home, out)
        except UsageError as error:  # the journal stays on this device
            reason = f"measured, but its results could not be put into a bundle: {error}"
            bundle = None
            event = msgspec.structs.replace(event, result="failed", reason=reason, readings=())  # noqa: PLW2901 - what is sent
        spool.add(event.about, event.due, msgspec.json.encode(event).decode(), bundle)
        home.hand_over(position)
        if bundle is not None:
            bundle.unlink(missing_ok=True)  # the spool has a copy
        number += 1
    return number


def _bundle_of(
    run: SurveillanceRun, declared: MonitoringFile, home: AgentHome, out: Path
) -> Path | None:
    if run.result != "measured":
        return None
    path = home.folder / f"{run.campaign}.accredit.zip"
    path.unlink(missing_ok=True)  # left by a process that was stopped
    journal = CampaignPaths(out=out, campaign=run.campaign).journal
    make_bundle(journal, home.bundle_key, path, packs=tuple(_packs(run, declared)))
    return path


def _packs(run: SurveillanceRun, declared: MonitoringFile) -> list[Path]:
    """The folders of the packs of a run's campaign that came with the order."""
    for service in declared.services:
        for site in service.sites:
            for schedule in site.schedules:
                if schedule.name == run.schedule:
                    path = declared.campaign_path(schedule)
                    try:
                        corpora = read_campaign(path)[0].corpora
                    except UsageError:
                        return []
                    named = (path.parent / selection.pack for selection in corpora)
                    return [pack for pack in named if pack.is_dir()]
    return []
