"""Progress: a bar on a terminal, a handful of plain lines elsewhere."""

from __future__ import annotations

import io

from rich.console import Console

from harness.cli.progress_display import ProgressDisplay
from harness.measure.progress import Progress


def told(*, terminal: bool) -> str:
    """What a measurement of a thousand attempts says."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, legacy_windows=False)
    with ProgressDisplay(console, "autumn") as teller:
        for done in range(0, 1001, 10):
            teller.on_progress(Progress(done=done, total=1000, resumed=100, rate=250.0))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_plain_lines_are_few_and_end_at_the_end() -> None:
    lines = told(terminal=False).splitlines()

    assert 10 <= len(lines) <= 12
    assert "autumn: 1000 of 1000 attempts 250/s (100 from before)" == lines[-1]


def test_a_terminal_gets_a_bar() -> None:
    assert "1000/1000" in told(terminal=True)
