"""Concluding from a million observations, and from twenty, beside DuckDB alone."""

# ruff: noqa: RUF001 - the sign of multiplication
from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.client import run
from benchmarks.goal import Result, ratio, topic
from benchmarks.made_journal import make_journal

MILLION = 1_000_000
PEAK, SHARE, JUDGED = 400.0, 1.3, 50.0
ROUNDS = 5


@topic("conclude")
def conclude() -> Iterable[Result]:
    """A million observations: judged once, then counted again beside DuckDB."""
    yield from _measured(MILLION)


@topic("conclude-large", is_usual=False)
def conclude_large() -> Iterable[Result]:
    """The same of twenty million; takes 2 GB of disk and half an hour."""
    yield from _measured(20 * MILLION)


def _measured(size: int) -> Iterable[Result]:
    with tempfile.TemporaryDirectory() as name:
        journal, folder = Path(name) / "journal", Path(name) / "verdicts"
        made = make_journal(journal, size)
        arguments = {"folder": str(folder), "journal": str(journal)}
        first = run("concluding.concluded", **arguments)
        again = [run("concluding.concluded", **arguments) for _ in range(ROUNDS)]
        alone = [run("concluding.asked", folder=str(folder)) for _ in range(ROUNDS)]
        disk = sum(path.stat().st_size for path in folder.rglob("*")) / 1e6
    if first.found != again[0].found:
        msg = "the kept verdicts gave another assessment"
        raise RuntimeError(msg)
    label = f"{size // MILLION} M observations"
    mine, theirs = (statistics.median(one.cpu for one in each) for each in (again, alone))
    yield Result(
        goal=f"conclude, {label}: CPU of the metrics ÷ DuckDB alone",
        value=ratio([one.cpu for one in again], [one.cpu for one in alone]),
        unit="×",
        bound=SHARE,
        note=f"{mine:.2f} s from kept verdicts ({disk:.0f} MB); {theirs:.2f} s on the same files; "
        f"40 metrics, {first.found['witnesses']:,} witnesses",
    )
    yield Result(
        goal=f"conclude, {label}: peak memory",
        value=max(one.memory for one in (first, *again)),
        unit="MiB",
        bound=PEAK,
        note=f"judging {first.memory:.0f} MiB, again {again[0].memory:.0f} MiB",
    )
    yield Result(
        goal=f"conclude, {label}: CPU the first time, an observation",
        value=first.cpu / made * 1e6,
        unit="µs",
        bound=JUDGED,
        note=f"{made:,} read, judged, folded and kept in {first.cpu:.0f} s of one processor",
    )
