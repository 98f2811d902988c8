"""The machine that measures: what it is, and which processor does what."""

# ruff: noqa: RUF001 - the sign of multiplication
from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLIENT, SERVER = 0, -1
"""Places in the list of processors: clients run on the first, servers on the last."""


def describe() -> str:
    """Processor, kernel, Python and anchors, and how busy the machine was already."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} × {cpu}, Linux {platform.release()}, "
        f"Python {platform.python_version()}, load {load:.1f} at the start"
    )


@contextmanager
def pinned(place: int) -> Iterator[None]:
    """Processes started inside run on one processor."""
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(every)[place]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, every)


@contextmanager
def serving(*command: str, ready: bytes = b"") -> Iterator[subprocess.Popen[bytes]]:
    """A server on its own processor; ``ready`` is what it prints when it is."""
    with pinned(SERVER):
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE if ready else None, stderr=subprocess.DEVNULL
        )
    try:
        if ready and process.stdout is not None and ready not in process.stdout.readline():
            raise RuntimeError(f"{command[0]} did not start")
        yield process
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


PYTHON = sys.executable
ACCREDIT = (PYTHON, "-m", "harness.cli.process")
"""The command line, as a process."""
