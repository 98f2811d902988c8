"""Show the progress of measuring: a bar on a terminal, else lines."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bar,
)

from harness.measure.progress import Progress

PLAIN_STEP = 0.1
"""Without a terminal, a line is printed at each tenth of the attempts."""


class ProgressDisplay:
    """Show the progress of ``measure``: a bar on a terminal, else lines. A context manager."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._told = -1.0

    def __enter__(self) -> Self:
        """Start the bar if the console is a terminal."""
        if self._console.is_terminal:
            self._bar = Bar(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[note]}", markup=False),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=None, note="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the bar and restore the terminal."""
        if self._bar is not None:
            self._bar.stop()

    def on_progress(self, progress: Progress) -> None:
        """Show the progress so far."""
        note = f"{progress.rate:.0f}/s" if progress.rate else ""
        if progress.resumed:
            note += f" ({progress.resumed} from before)"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=progress.done, total=progress.total, note=note)
            return
        share = progress.done / progress.total if progress.total else 1.0
        if share >= 1.0 or share - self._told >= PLAIN_STEP:
            self._told = share
            self._console.print(
                f"{self._title}: {progress.done} of {progress.total} attempts {note}",
                highlight=False,
            )
