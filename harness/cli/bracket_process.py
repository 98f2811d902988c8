"""Try the sentinels of a schedule in a process of its own, as the agent of a site does.

They hold only if the command says so in its JSON: whatever else it says, or does not say, is no
sign that the service and its control can be reached.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

SECONDS = 600.0
"""How long trying the sentinels of a campaign may take."""
LOOK_EVERY = 0.5
"""Seconds between two looks whether the agent is to stop."""
TAIL = 300
"""How many characters of the command's trouble are kept."""


def bracket_words(monitoring: Path, schedule: str, out: Path) -> list[str]:
    """The command line that tries the sentinels of a schedule."""
    words = ["monitor", "bracket", str(monitoring), "--schedule", schedule, "--out", str(out)]
    return [sys.executable, "-m", "harness.cli.process", *words]


def bracket_fault(
    words: Sequence[str], stop: threading.Event, *, seconds: float = SECONDS
) -> str | None:
    """Run a command that tries sentinels; return why they do not hold, or ``None`` if they do.

    It is killed after so many ``seconds``, or when ``stop`` is set.
    """
    try:
        command = subprocess.Popen(  # noqa: S603 - our own command
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"the sentinels could not be tried: {error}"
    with command:
        try:
            said = _said(command, stop, monotonic() + seconds)
        finally:
            _kill(command)
    if said is None:
        return "the agent is stopped" if stop.is_set() else f"not tried in {seconds:g} seconds"
    told, trouble = (each.decode(errors="replace") for each in said)
    if command.returncode != 0:
        last = trouble.strip()[-TAIL:]
        return last or f"the command that tries the sentinels ended with {command.returncode}"
    return _fault_in(told)


def _said(
    command: subprocess.Popen[bytes], stop: threading.Event, until: float
) -> tuple[bytes, bytes] | None:
    """What a command says until its end; ``None`` if that does not come in time."""
    while monotonic() < until and not stop.is_set():
        with suppress(subprocess.TimeoutExpired):
            return command.communicate(timeout=LOOK_EVERY)
    return None


def _kill(command: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a command, and what it started."""
    if command.poll() is not None:
        return
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(command.pid, signal.SIGKILL)
        else:
            command.kill()


def _fault_in(told: str) -> str | None:
    """Read the command's JSON."""
    try:
        found = json.loads(told)
    except (ValueError, RecursionError):
        found = None
    failed = found.get("failed") if isinstance(found, dict) else None
    if not isinstance(failed, str):
        return "the command that tries the sentinels gave no answer that can be read"
    return failed or None
