"""Somebody at a terminal who answers the questions of a command, which runs as a process."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

from test_suites.kit.processes.warm_start import COMMAND, Started


class Typist:
    """Somebody at a terminal; ``answer`` waits for a question and types a line."""

    def __init__(self, *words: str | Path) -> None:
        self.screen = ""
        self._end, other = pty.openpty()
        self.process = Started(
            [sys.executable, "-c", COMMAND.format(before=""), *map(str, words)],
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            env=os.environ | {"XDG_STATE_HOME": "/dev/null"},
        )
        os.close(other)

    def answer(self, question: str, line: str = "") -> None:
        """Wait until the question is on the screen, and type a line."""
        self.read_until(question)
        os.write(self._end, f"{line}\n".encode())

    def key(self, question: str, key: bytes) -> None:
        """Wait until the question is on the screen, and press a key."""
        self.read_until(question)
        os.write(self._end, key)

    def read_until(self, words: str) -> None:
        """Read what is printed until some words came."""
        while words not in self.screen:
            self.screen += os.read(self._end, 4096).decode()
        self.screen = self.screen.partition(words)[2]

    def close(self) -> None:
        """Close the terminal."""
        os.close(self._end)
        self.process.kill()
        self.process.wait()
