"""Scale: a campaign of a million simulated items, killed half-way and resumed.

Memory is the peak of the measuring process (``VmHWM``, Linux). The service blocks by reset: block
pages that name their host would be kept as evidence once for each item. ``ACCREDIT_BENCH_ITEMS``
sets a smaller number of items (at least 100,000); results then name that number.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from benchmarks.goal import Result, SkippedError, topic
from benchmarks.memory import peak_memory
from corpora.item_table import COLUMNS
from corpora.pack_writer import PackDetails, write_pack
from harness.store.journal.journal import open_journal
from harness.store.journal.key_index import key_hash

ITEMS = int(os.environ.get("ACCREDIT_BENCH_ITEMS", "1000000"))
HALF = ITEMS
"""Observations at half-way: two an item."""
CODES = ("GAMB", "PORN.NUDE", "DRUG")
PEAK, RESUME = 400.0, 10.0
CAMPAIGN = """\
campaign: million
service: {name: a simulated service}
control: {type: simulated}
lines:
  - {name: simulated, type: simulated, options: {block: [GAMB, PORN, DRUG], style: reset}}
profiles: {ks2: {}}
probes: [web]
corpora: [{pack: ./pack}]
"""


@topic("million")
def million() -> Iterable[Result]:
    """A million items: peak memory, and how soon a killed campaign goes on."""
    if not Path("/proc/self/status").exists():
        msg = "the peak of a process is read from /proc"
        raise SkippedError(msg)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_pack(folder / "pack", ITEMS)
        (folder / "campaign.yaml").write_text(CAMPAIGN)
        journal = folder / "out/million/journal"
        spent, first = _run(folder, lambda: rows_in(journal) >= HALF)
        before = _state(journal)
        seconds, _ = _run(folder, lambda: _state(journal) > before)
        rest, second = _run(folder, lambda: False)
        _check(journal)
    minutes = (spent + seconds + rest) / 60
    said = f"{first:.0f} MiB until the kill, {second:.0f} MiB after it; {minutes:.1f} min in all"
    goal = f"{ITEMS:,} items: peak memory"
    yield Result(goal=goal, value=max(first, second), unit="MiB", bound=PEAK, note=said)
    goal = f"{ITEMS:,} items: first new batch after kill -9 half-way"
    note = "the journal then had every attempt once"
    yield Result(goal=goal, value=seconds, unit="s", bound=RESUME, note=note)


def _check(journal: Path) -> None:
    """Every item was tried once on each of the two lines, and every byte holds."""
    kept = open_journal(journal)
    kept.verify()
    rows = items = 0
    marks = set()
    for seen in kept.observations():
        rows += 1
        items += seen.role == "item"
        marks.add(key_hash(seen.key))
    if rows != len(marks) or items != 2 * ITEMS:
        msg = f"{rows} observations of {ITEMS} items: some are missing, or there twice"
        raise RuntimeError(msg)


def _write_pack(folder: Path, size: int) -> None:
    details = PackDetails(
        name="million", version="1.0.0", title="Simulated pages", created="2026-01-01T00:00:00Z"
    )
    write_pack(folder, _rows(size), details)


def _rows(size: int) -> Iterator[dict[str, str]]:
    for number in range(size):
        code = CODES[number % len(CODES)]
        host = f"{code.lower().replace('.', '-')}-{number:07d}.canary.accredit.test"
        row = {"id": f"item-{number:07d}", "value": host, "kind": "host", "labels": code}
        yield dict.fromkeys(COLUMNS, "") | row | {"registrable": host}


def _run(folder: Path, is_enough: Callable[[], bool]) -> tuple[float, float]:
    """Measure until it ends, or is killed when that is enough: seconds, and peak in MiB.

    Raises RuntimeError if it ends otherwise.
    """
    command = [sys.executable, "-c", "from harness.cli.process import run; run()"]
    words = ["measure", str(folder / "campaign.yaml"), "--out", str(folder / "out")]
    begun, peak = time.perf_counter(), 0.0
    expected = 0
    with subprocess.Popen([*command, *words], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, peak_memory(process.pid))
            if is_enough():
                process.send_signal(signal.SIGKILL)
                expected = -signal.SIGKILL
                process.wait()
            time.sleep(0.05)
    if process.returncode != expected:
        msg = f"the campaign ended by itself with exit code {process.returncode}"
        raise RuntimeError(msg)
    return time.perf_counter() - begun, peak


def rows_in(journal: Path) -> int:
    """How many observations a journal holds so far, by its head; 0 before the first."""
    try:
        head = msgspec.json.decode((journal / "head.json").read_bytes())
    except (OSError, msgspec.DecodeError):
        return 0
    rows: int = head["rows"]
    return rows


def _state(journal: Path) -> tuple[int, int]:
    """How far a journal has come: sealed segments, and bytes of the open one."""
    opened = 0
    for path in journal.glob("segment-*.jsonl"):
        try:
            opened += path.stat().st_size
        except OSError:  # it was sealed just now
            continue
    return len(list(journal.glob("segment-*.gz"))), opened
