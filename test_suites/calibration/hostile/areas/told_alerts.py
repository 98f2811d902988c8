"""The alerts of a service of an area, and the sessions that a campaign plays to raise them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from harness.cli.alerts import import_alerts, play
from harness.cli.compose import prepare
from harness.cli.paths import CampaignPaths
from harness.model.received_alert import ReceivedAlert, note_at
from probes.receivers.spool import ALERTS, read_spool
from test_suites.calibration.hostile.areas.visit import Visit
from test_suites.kit.networks.alert_receiving import notes

Tell = Callable[[Visit], Iterable[ReceivedAlert]]
"""The alerts that a service sends about a request."""

LEAD = "lead@school.example"
OF_CELL, HARMLESS = 11, 60
"""For each campaign: enough for the cells of ALR-06 and for ALR-03 at the level of the areas."""

_MARKER = re.compile(r"ACCREDIT-MARKER-([A-Z-]+)-[0-9A-F]{4}")


def code_in(visit: Visit) -> str:
    """The category of the agreed marker in a request; empty without one."""
    found = _MARKER.search(visit.path)
    return found[1] if found else ""


def alert(
    visit: Visit, *, to: str = LEAD, urgent: bool = True, later: float = 0.0
) -> ReceivedAlert:
    """An alert about a request, as it arrives."""
    return ReceivedAlert(
        at=datetime.now(UTC) + timedelta(seconds=later),
        channel="mail",
        to=(to,),
        subject="Safeguarding alert",
        text=f"{visit.profile} asked for http://{visit.host}{visit.path}",
        priority="urgent" if urgent else "",
    )


def tell_rightly(visit: Visit) -> Iterable[ReceivedAlert]:
    """Tell the right person of each request with a marker, as urgent."""
    return (alert(visit),) if code_in(visit) else ()


def write(spool: Path, alerts: Iterable[ReceivedAlert]) -> None:
    """Append alerts to the file of a receiver."""
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in alerts)
    with spool.open("ab") as file:
        file.write(lines)


def play_and_read(campaign: Path, out: Path, spool: Path) -> None:
    """Play the sessions of a campaign, and read its alerts as if hours had passed."""
    prepared = prepare(campaign)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    write(spool, [note_at(datetime.now(UTC))])
    play(prepared, paths, "in_hours", OF_CELL, HARMLESS)
    received = [*read_spool(spool, ALERTS), *notes(datetime.now(UTC), _HoursLater().now())]
    spool.unlink()
    write(spool, sorted(received, key=lambda one: one.at))
    import_alerts(paths.journal, spool, _HoursLater())


class _HoursLater:
    """A clock that is three hours ahead."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=3)

    def monotonic(self) -> float:
        return time.monotonic()
