"""Runs ``accredit`` as a process of its own, with what a test does to it while it measures."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.store.journal.journal import open_journal
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign
from test_suites.kit.processes.warm_start import COMMAND, run

BLOCKED = ["PORN", "ADLT", "VIOL", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "MALW", "ILL"]

HALF_WAY = """
from harness.cli.progress_display import ProgressDisplay
def on_progress(self, progress):
    if progress.done * 2 > progress.total and not getattr(self, "met", False):
        self.met = True
        {action}
ProgressDisplay.on_progress = on_progress
"""
"""Does something once, when half of a campaign is measured."""


def accredit(
    *words: str | Path,
    before: str = "",
    setup: Callable[[], None] | None = None,
    state: Path | None = None,
    environment: dict[str, str] | None = None,
    wrapper: Sequence[str | Path] = (),
    **options: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end; ``before`` is Python that runs first.

    ``state`` is where it keeps the details of an unexpected error; ``wrapper`` starts it; the
    rest is for ``subprocess``.
    """
    told = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    return run(
        [*map(str, wrapper), sys.executable, "-c", COMMAND.format(before=before), *map(str, words)],
        env=os.environ | {"XDG_STATE_HOME": str(state or "/dev/null")} | (environment or {}),
        preexec_fn=setup,
        text=True,
        **told | options,
    )


def half_way(action: str) -> str:
    """What to run before a command so that ``action`` happens in the middle of measuring."""
    return HALF_WAY.format(action=action)


def simulated_campaign(folder: Path, sample: int = 12) -> Path:
    """A campaign over simulated lines, which needs no socket; its name is ``tried``."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_campaign(
        folder,
        origin=simulated_origin(folder),
        lines=[{"name": "proxy", "type": "simulated", "options": {"block": BLOCKED}}],
        categories=["PORN", "DRUG", "VIOL"],
        sample=sample,
        campaign="tried",
        control={"type": "simulated"},
        limits={"concurrency": 20, "batch": 20},
        plain_twins={"number": 0},
    )


def rows_in(out: Path, *roles: str) -> int:
    """How many observations the journal under ``out`` holds (of some roles), each of them once."""
    journal = open_journal(out / "tried/journal")
    journal.verify()
    found = list(journal.observations())
    assert len(found) == len({one.key for one in found})
    return sum(not roles or one.role in roles for one in found)
