"""Due runs whose command only notes that it ran, for the drivers of the monitor.

A key is ``SITE/NUMBER``. The command holds a lock of its site's file, which the system gives back
when it is killed, and notes ``overlap`` if another holds it.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.cli.monitor_jobs import Job

PATIENCE = 120.0
"""Seconds until something that must happen has not happened."""
PAST = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

RUN = """
import fcntl, os, sys, time
folder, key, before, seconds = sys.argv[1:5]
site = key.partition("/")[0]
log = os.open(folder + "/log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
held = os.open(folder + "/lock-" + site, os.O_RDWR | os.O_CREAT)
def note(word):
    os.write(log, f"{word} {key} {time.time()}\\n".encode())
try:
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    note("overlap")
try:
    note("begin")
    exec(before)
    time.sleep(float(seconds))
except KeyboardInterrupt:
    note("stopped")
    sys.exit(130)
note("end")
"""


class FakeRuns:
    """A planner in whose folder a log says what ran; ``jobs`` are due until they have ended."""

    def __init__(self, folder: Path, jobs: Sequence[Job] = (), *, seconds: float = 0.0) -> None:
        self.folder, self.jobs, self.seconds = folder, list(jobs), seconds
        self.before: dict[str, str] = {}
        """Python that the run of a key does first."""
        self.asked = 0
        self._changed = threading.Condition()

    def due(self, now: datetime) -> Sequence[Job]:
        """Those of the jobs that have not ended."""
        ended = self.count("end")
        with self._changed:
            self.asked += 1
            self._changed.notify_all()
        return [job for job in self.jobs if job.key not in ended]

    def command(self, key: str) -> list[str]:
        """The command of a key."""
        before = self.before.get(key, "")
        words = [str(self.folder), key, before, str(self.seconds)]
        return [sys.executable, "-I", "-S", "-c", RUN, *words]

    def count(self, word: str) -> Counter[str]:
        """How often the log notes a word, by key."""
        return Counter(key for said, key, _ in self._notes() if said == word)

    def began(self, key: str) -> float:
        """When a run began last, by the machine's clock."""
        return max(at for said, of, at in self._notes() if (said, of) == ("begin", key))

    def wait_asked(self, more: int) -> None:
        """Wait until it was asked so many times more."""
        with self._changed:
            until = self.asked + more
            assert self._changed.wait_for(lambda: self.asked >= until, PATIENCE)

    def _notes(self) -> list[tuple[str, str, float]]:
        path = self.folder / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(said, key, float(at)) for said, key, at in map(str.split, lines)]


def jobs_of(sites: int, each: int, start: datetime = PAST) -> list[Job]:
    """Due runs: the first of each site, then the second of each."""
    return [
        Job(f"s{site}/{run}", f"s{site}", start) for run in range(each) for site in range(sites)
    ]


def wait_for(is_so: Callable[[], bool], limit: float = PATIENCE) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + limit
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
