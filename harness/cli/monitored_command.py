"""A program that runs one command for as long as the monitor that asked for it lives.

Its standard input is a pipe from the monitor. The byte ``STOP`` asks the command to stop (SIGINT).
The end of the pipe means that the monitor is gone, even by SIGKILL: the command and the processes
that it started are killed at once, so that nothing measures beside the process that begins the run
again.
The exit code is that of the command, or 128 plus the number of the signal that ended it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

STOP = b"s"
STDERR = 2
NOT_STARTED = 4
"""Exit code if the command cannot be started; Python's own, 1, would mean "does not conform"."""


def main(words: Sequence[str]) -> int:
    """Run the command; return its exit code only if it could not be started."""
    _leave_signals_to_the_command()
    try:
        command = subprocess.Popen(  # noqa: S603 - the words of the monitor, without a shell
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
    except (OSError, ValueError) as error:
        # For the monitor, which prints it.
        os.write(STDERR, f"cannot start {words[0]}: {error}\n".encode(errors="backslashreplace"))
        return NOT_STARTED
    threading.Thread(target=_end_with, args=(command,), daemon=True).start()
    while said := os.read(0, 1):
        if said == STOP:
            _ask_to_stop(command)
    return _kill_all(command)


def _leave_signals_to_the_command() -> None:
    """Outlive signals that a service manager sends to both, and let SIGINT reach the command.

    A handler, unlike SIG_IGN, is not inherited by the command.
    """
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell that starts with "&" switches it off


def _end_with(command: subprocess.Popen[bytes]) -> None:
    """End this process with the exit code of the command."""
    code = command.wait()
    os._exit(code if code >= 0 else 128 - code)


def _ask_to_stop(command: subprocess.Popen[bytes]) -> None:
    if os.name == "posix":
        command.send_signal(signal.SIGINT)
    else:
        command.terminate()


def _kill_all(command: subprocess.Popen[bytes]) -> int:
    """Kill the command and all of this process's group, which the monitor made for it."""
    command.kill()
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    return NOT_STARTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
