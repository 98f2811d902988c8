"""A due run as a child process, so that its crash does not end the monitor.

The child is ``harness.cli.monitored_command`` in a session of its own, with the command in it. A
Ctrl-C in the terminal does not reach it: the driver decides when it stops.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from time import monotonic
from typing import NamedTuple

from harness.cli import monitored_command

GUARD = (sys.executable, "-I", "-S", monitored_command.__file__)
"""It needs the standard library alone, and so starts in a fraction of the time."""
CARRIED_OUT = 0
"""The exit code of a run that was carried out and recorded, whatever it found."""
TAIL_BYTES = 2000
"""How much of a child's standard error is kept."""
DRAIN_SECONDS = 5.0
"""How long to wait for the end of standard error, which a process in another session may hold."""


class Ended(NamedTuple):
    """How a child ended: its exit code, and the last line that it wrote on standard error."""

    code: int
    said: str

    @property
    def is_carried_out(self) -> bool:
        """Whether the run was carried out."""
        return self.code == CARRIED_OUT

    def trouble(self, key: str) -> str:
        """One line on a run that was not carried out."""
        reason = f": {self.said}" if self.said else ""
        return f"monitor: the run {key} ended with code {self.code}{reason}"


class Child:
    """A command that runs. One thread waits for it; the other methods are for other threads.

    Raises OSError if no process can be started.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the caller's words, without a shell
            [*GUARD, *words],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._tail = b""
        self._changing = threading.Lock()
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read_errors, daemon=True)
        self._reader.start()

    def wait(self) -> Ended:
        """Wait until the child has ended, and kill what it left behind."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdout:
            process.stdout.read()  # it writes nothing, so that this is its end
        with self._changing:
            self._kill_group()  # before it is waited for: its number cannot be another's yet
            code = process.wait()
            self._ended.set()
            with suppress(OSError):
                process.stdin.close()
        self._reader.join(DRAIN_SECONDS)
        lines = self._tail.decode(errors="replace").split("\n")
        return Ended(code, next((line.strip() for line in reversed(lines) if line.strip()), ""))

    def ask(self) -> None:
        """Ask the command to stop (SIGINT)."""
        assert self._process.stdin is not None
        with self._changing, suppress(OSError, ValueError):  # it has just ended
            self._process.stdin.write(monitored_command.STOP)

    def kill(self) -> None:
        """Kill the command and all that it started."""
        with self._changing:
            if not self._ended.is_set():
                self._kill_group()

    def has_ended(self, limit: float) -> bool:
        """Whether it ends, and the waiting thread knows, within so many seconds."""
        return self._ended.wait(max(0.0, limit))

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):  # only a process that has ended is left
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream, suppress(OSError, ValueError):
            while read := stream.read(TAIL_BYTES):
                self._tail = (self._tail + read)[-TAIL_BYTES:]


def stop_children(children: Iterable[Child], limit: float) -> None:
    """Ask children to stop, wait for them, and kill those that still run after ``limit`` seconds.

    If the waiting is interrupted (a second Ctrl-C), they are killed at once.
    """
    asked = list(children)
    try:
        for each in asked:
            each.ask()
        deadline = monotonic() + limit
        for each in asked:
            each.has_ended(deadline - monotonic())
    finally:
        for each in asked:
            each.kill()
