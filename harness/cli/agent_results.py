"""Hand the runs of an agent to its spool: each as its event, with the bundle if it was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from corpora.manifest import FILE as MANIFEST
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
    declared: MonitoringFile,
    home: AgentHome,
    out: Path,
    spool: RunSpool,
    clock: Clock,
    orders: Sequence[Path] = (),
) -> int:
    """Put the runs that were recorded since the last time into the spool; return how many.

    ``orders`` are the folders of orders with which they may have been measured, the newest first.
    A run may be put there twice after a crash; the hub knows it by its key.
    """
    held, number = home.handed_over(), 0
    streams = dict.fromkeys((*held, *(place_of_service(each).stream for each in declared.services)))
    for stream, position, run in list(_recorded(streams, held, out, clock)):
        _add(run, home, out, spool, orders)
        home.hand_over(stream, position)
        number += 1
    return number


def _recorded(
    streams: dict[str, None], held: dict[str, int], out: Path, clock: Clock
) -> Iterator[tuple[str, int, SurveillanceRun]]:
    """The runs that were not handed over, each with its stream and its position there."""
    with session_if_any(CampaignPaths(out=out, campaign="").registry, clock) as session:
        if session is None:
            return
        for stream in streams:
            with session.registry.reading(stream) as access:
                found = access.found(kind=["surveillance-run"])
            for position, event in found:
                if position > held.get(stream, 0) and isinstance(event, SurveillanceRun):
                    yield stream, position, event


def _add(
    run: SurveillanceRun, home: AgentHome, out: Path, spool: RunSpool, orders: Sequence[Path]
) -> None:
    """Put a run into the spool. Raises InstrumentError if the disk refuses."""
    bundle = home.folder / f"{run.campaign}.accredit.zip" if run.result == "measured" else None
    try:
        if bundle is not None:
            _make_bundle(run, home, out, bundle, orders)
        spool.add(run.about, run.due, _encoded(run), bundle)
    except UsageError as error:  # the journal stays on this device
        reason = f"measured, but its results could not be put into a bundle: {error}"
        without = msgspec.structs.replace(run, result="failed", reason=reason, readings=())
        spool.add(run.about, run.due, _encoded(without))
    finally:
        if bundle is not None:
            bundle.unlink(missing_ok=True)  # the spool has a copy


def _encoded(run: SurveillanceRun) -> str:
    return msgspec.json.encode(run).decode()


def _make_bundle(
    run: SurveillanceRun, home: AgentHome, out: Path, bundle: Path, orders: Sequence[Path]
) -> None:
    """Make the bundle of a run, with the packs of the order that it was measured by.

    Raises UsageError if none of the orders has them.
    """
    journal = CampaignPaths(out=out, campaign=run.campaign).journal
    faults = []
    for order in (*orders, None):
        bundle.unlink(missing_ok=True)  # left by a process that was stopped
        try:
            make_bundle(journal, home.bundle_key, bundle, packs=tuple(_packs(order)))
        except UsageError as error:
            faults.append(error)
        else:
            return
    raise faults[0]


def _packs(order: Path | None) -> Iterator[Path]:
    """The folders of the packs that came with an order."""
    if order is not None:
        yield from sorted(manifest.parent for manifest in order.rglob(MANIFEST))
