"""Run a command that goes on until it is stopped, in a process group of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from test_suites.kit.processes.warm_start import COMMAND, Started

FAST = """
from functools import partial
from harness.cli import monitor_in_process
from harness.cli.monitor_jobs import Pace
monitor_in_process.run_in_process = partial(
    monitor_in_process.run_in_process, pace=Pace(every=1.0, retry_after=1.0)
)
"""
"""Lets a monitor or an agent ask each second, not each minute."""

SOON = 10.0


def until_soon() -> timedelta:
    """How far a clock must be ahead for its next minute to begin in a few seconds."""
    return timedelta(seconds=(60 - SOON - time.time()) % 60)


@contextmanager
def running_in_group(
    *words: str | Path, before: str = "", environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Give the process; its whole group is killed at the end, if it still runs.

    ``before`` is Python that runs in it first.
    """
    process = Started(
        [sys.executable, "-c", COMMAND.format(before=before), *map(str, words)],
        env=os.environ | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
