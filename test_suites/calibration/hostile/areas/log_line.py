"""The log of a service of an area: its lines, and the requests for it that a campaign makes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.cli.compose import prepare
from harness.cli.log import send
from harness.cli.log_import import LogSource, import_log
from harness.cli.paths import CampaignPaths
from harness.interop.logs.line_reader import LogOptions
from test_suites.calibration.hostile.areas.visit import Visit

Record = Callable[[Visit], str]
"""What a service writes into its log about a request; empty for nothing."""

REQUESTS = 490
"""For each campaign: enough for LOG-01 at the level of the areas, with a mark and without."""


def line_of(visit: Visit, **changes: str) -> str:
    """The line of Squid's log that shows a request rightly; ``changes`` replace single fields."""
    scheme = "https" if visit.call.is_secure else "http"
    path = "/" + visit.request.target.partition("://")[2].partition("/")[2]
    path = path if "://" in visit.request.target else visit.path
    blocked = visit.code_asked
    fields = {
        "at": f"{time.time():.3f}",
        "elapsed": "12",
        "client": "127.0.0.1",
        "result": "TCP_DENIED/403" if blocked else "TCP_MISS/200",
        "bytes": "9000",
        "method": visit.request.method,
        "url": f"{scheme}://{visit.host}{path}",
        "user": visit.profile,
        "peer": "HIER_NONE/-" if blocked else "HIER_DIRECT/127.0.0.1",
        "type": "text/html",
        "sent": "500",
        "category": f'"{blocked}"' if blocked else "-",
    }
    return " ".join((fields | changes).values())


def send_and_read(campaign: Path, out: Path, log: Path) -> None:
    """Make the requests of a campaign, and read the log of its service as if minutes had passed."""
    prepared = prepare(campaign)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    send(prepared, paths, "ordinary", REQUESTS, pause=lambda: asyncio.sleep(0))
    options = LogOptions(now=datetime.now(UTC))
    import_log(
        paths.journal, LogSource(path=log, form="squid-log", options=options), _MinutesLater()
    )


class _MinutesLater:
    """A clock that is ten minutes ahead."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(minutes=10)

    def monotonic(self) -> float:
        return time.monotonic()
