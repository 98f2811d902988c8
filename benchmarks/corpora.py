"""Corpora: import five million domains, and sample ten thousand of them.

The domains are made up and never requested. CPU is user and system time of the command's process;
memory is the peak of the whole process.
"""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from benchmarks.goal import Result, SkippedError, topic
from benchmarks.machine import PYTHON
from benchmarks.memory import peak_memory

DOMAINS, DRAWN, FEW = 5_000_000, 10_000, 10
IMPORT_PEAK, DRAW_RISE = 400.0, 30.0
SUFFIXES = ("example", "com.example", "com", "co.uk", "org", "sch.uk", "de", "net")
ALONE = """
import duckdb, sys
duckdb.connect(config={"threads": 1}).execute(
    "SELECT stratum, count(*), min_by(id, sha256(concat('seed', id)), $size) "
    "FROM read_csv($path, header = true, all_varchar = true) GROUP BY stratum",
    {"path": sys.argv[1], "size": int(sys.argv[2])},
).fetchall()
"""
"""DuckDB alone: it reads the same rows and keeps the same number of smallest digests."""


PRINT_COST = """
import atexit, time
from benchmarks.memory import peak_memory
atexit.register(lambda: print(time.process_time(), peak_memory()))
"""


class Cost(NamedTuple):
    """The cost of a process: processor seconds, and peak memory in MiB."""

    cpu: float
    peak: float


@topic("corpora")
def corpora() -> Iterable[Result]:
    """Import a long list, and draw a sample of it."""
    if not peak_memory():
        msg = "the peak memory of a process is known on Linux only"
        raise SkippedError(msg)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = _import(folder, "few", FEW)
        many = _import(folder, "many", DOMAINS)
        start = _draw(folder, "few")
        drawn = _draw(folder, "many")
        alone = _cost(ALONE, str(folder / "many/items.csv"), str(DRAWN))
    each = (many.cpu - few.cpu) / DOMAINS * 1e6
    yield Result(
        goal=f"{DOMAINS:,} domains imported: peak memory",
        value=many.peak,
        unit="MiB",
        bound=IMPORT_PEAK,
        note=f"CPU {many.cpu:.1f} s, {each:.1f} µs a domain; {few.peak:.0f} MiB for {FEW}",
    )
    yield Result(
        goal=f"{DRAWN:,} of {DOMAINS:,} domains drawn: memory",
        value=drawn.peak - start.peak,
        unit="MiB",
        bound=DRAW_RISE,
        note=(
            f"above the {start.peak:.0f} MiB of drawing from {FEW}; "
            f"CPU {drawn.cpu:.1f} s; DuckDB alone {alone.cpu:.1f} s, {alone.peak:.0f} MiB"
        ),
    )


def _import(folder: Path, name: str, size: int) -> Cost:
    path = folder / f"{name}.txt"
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(_domains(size))
    words = ("import", path, "--format", "domains", "--label", "GAMB", "--out", folder / name)
    return _accredit(*words)


def _domains(size: int) -> Iterable[str]:
    """Names under reserved and real suffixes, a fifth of them below another name; seeded."""
    rng = random.Random(size)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(rng.choices(letters, k=rng.randint(3, 9))) for _ in range(4000)]
    for number in range(size):
        below = f"{rng.choice(words)}." if number % 5 == 0 else ""
        yield f"{below}{rng.choice(words)}{number:x}.{rng.choice(SUFFIXES)}\n"


def _draw(folder: Path, name: str) -> Cost:
    words = ("--size", DRAWN, "--seed", "seed", "--out", folder / f"{name}-sample")
    return _accredit("sample", folder / name, *words)


def _accredit(*words: object) -> Cost:
    return _cost("from harness.cli.process import run; run()", "corpus", *map(str, words))


def _cost(script: str, *words: str) -> Cost:
    """Run a script to its end; the last line that it prints is its cost.

    Raises CalledProcessError if it fails.
    """
    command = (PYTHON, "-c", PRINT_COST + script, *words)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    cpu, most = done.stdout.splitlines()[-1].split()
    return Cost(float(cpu), float(most))
