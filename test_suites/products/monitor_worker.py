"""One worker of a monitoring, as a process that tests kill: ``URL FOLDER SITES EACH SECONDS``."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from harness.cli.monitor_jobs import Pace
from harness.cli.monitor_on_postgresql import run_on_postgresql
from harness.ports.storage import WallClock
from test_suites.kit.campaigns.fake_runs import FakeRuns, jobs_of

QUICK = Pace(every=0.5, stop_limit=3, poll=0.1, beat=0.5, lost=3, stalled=8, again=0.2)
"""A worker that is lost for 8 seconds is replaced."""
MONITORING = "autumn"


def main(url: str, folder: str, sites: str, each: str, seconds: str) -> None:
    """Carry out runs of so many seconds, until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    runs = FakeRuns(Path(folder), jobs_of(int(sites), int(each)), seconds=float(seconds))
    run_on_postgresql(
        url, runs, runs.command, WallClock(), stop, monitoring=MONITORING, workers=4, pace=QUICK
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
