"""The processes of a fleet under test: a hub, and agents, which are killed and started again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from harness.cli.registry_session import open_session
from harness.errors import HarnessError
from harness.model.surveillance_event import SurveillanceRun
from test_suites.products.fleet_network import HUB, PORT, within

ENDING = 90.0
"""Seconds that a process may take to end in order."""


class Member:
    """A process of the fleet that can be killed and started again."""

    def __init__(
        self, host: str, words: Sequence[str], log: Path, further: dict[str, str] | None = None
    ) -> None:
        self.host, self._log, self.kills = host, log, 0
        self._said_before = 0
        self._words = within(host, sys.executable, "-m", *words)
        self._environment = os.environ | {"TMPDIR": str(log.parent)} | (further or {})
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *once: str) -> None:
        """Start it, with further words."""
        self._said_before = len(self.said())
        with self._log.open("ab") as out:
            self.process = subprocess.Popen(
                [*self._words, *once],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._log.parent,
            )

    def kill(self) -> None:
        """Kill it with -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.kills += 1

    def end(self) -> int:
        """Ask it to end; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(ENDING)

    def said(self) -> str:
        """What it printed."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    @property
    def can_be_ended(self) -> bool:
        """Whether it has said, since it was started, how to stop it: then a signal ends it in order."""
        return "stop it with Ctrl-C" in self.said()[self._said_before :]

    @property
    def has_ended(self) -> bool:
        """Whether it ended by itself."""
        return self.process is None or self.process.poll() is not None


class AgentProcess(Member):
    """The agent of a site, with its results in ``out``."""

    def __init__(
        self, place: Path, host: str, site: str, ways: Sequence[str], further: dict[str, str]
    ) -> None:
        self.out, self.site = place / host, site
        words = (
            "test_suites.products.quick_agent", "monitor", "--hub", f"https://{HUB}:{PORT}",
            "--out", str(self.out), *ways,
        )  # fmt: skip
        super().__init__(host, words, place / f"{host}.log", further)

    def measuring(self) -> Iterator[int]:
        """The ids of its processes that measure, and have written something of it already."""
        assert self.process is not None
        for process in _below(self.process.pid):
            words = _words_of(process)
            if "carry-out" not in words or "harness.cli.process" not in words:
                continue
            if words[0] != sys.executable or "-I" in words:  # the guard before it
                continue
            due = words[words.index("--key") + 1].rpartition("/")[2]
            held = self.out.glob(f"*-{due}-*/journal/segment-*")
            if any(path.stat().st_size for path in held):
                yield process

    def runs(self) -> dict[str, SurveillanceRun]:
        """The runs that it has recorded."""
        return {each.about: each for each in runs_in(self.out / "registry.sqlite")}


def runs_in(registry: Path) -> list[SurveillanceRun]:
    """The runs in a registry; none while there is no registry yet."""
    found: list[SurveillanceRun] = []
    with suppress(HarnessError), open_session(registry) as session:
        for head in session.registry.heads():
            with session.registry.reading(head.stream) as access:
                found += [each for each in access.events() if isinstance(each, SurveillanceRun)]
    return found


def _below(process: int) -> Iterator[int]:
    """The processes that a process started, and theirs."""
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == process:
                yield int(each.name)
                yield from _below(int(each.name))


def _words_of(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []
