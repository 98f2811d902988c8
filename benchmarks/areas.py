"""All areas of content, files, uploads, protocols, addresses and lists: time and memory.

``accredit range up`` and ``accredit measure`` run as a user runs them, with three profiles
and items of every pack that the range writes. Memory is the peak of the measuring process (Linux).
"""

# ruff: noqa: RUF001 - the sign of multiplication
from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.goal import Result, SkippedError, topic
from benchmarks.machine import ACCREDIT
from benchmarks.memory import peak_memory
from benchmarks.scale import rows_in
from harness.store.journal.journal import open_journal

PROFILES = ("ks2", "ks3", "staff")
PACKS = {
    "content-pages": 10,
    "search-pages": 20,
    "illegal-pages": 0,
    "url-pages": 10,
    "downloads": 0,
    "uploads": 0,
    "protocols": 0,
}
"""Packs, and how many items of each category are drawn; 0 for all."""
LEAST_ATTEMPTS, MINUTES, GROWTH = 20_000, 5.0, 1.25
"""The attempts of a run, its most minutes, and its peak memory ÷ that of half the run at most."""
CAMPAIGN = """\
campaign: areas
service: {{name: the reference filter}}
origin: origin.json
control: {{type: control}}
lines:
  - name: proxy
    type: explicit_proxy
    options: {{proxy: "{first}"}}
    by_profile: {proxies}
profiles: {profiles}
corpora: {corpora}
items: agreed
probes: [web, web_https, download, upload, protocols]
scheme: strict
limits: {{concurrency: 40}}
plain_twins: {{number: 0}}
"""


class _Run(NamedTuple):
    """A measured campaign: attempts, minutes, and peak memory of half of it and of all, in MiB."""

    attempts: int
    minutes: float
    half: float
    peak: float


@topic("areas", is_usual=False)
def areas() -> Iterable[Result]:
    """Measure a campaign of all areas over the range, with three profiles."""
    if not Path("/proc/self/status").exists():
        msg = "the peak of a process is read from /proc"
        raise SkippedError(msg)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _range(folder):
            _write_campaign(folder)
            run = _measured(folder)
    peaks = f"peak {run.half:.0f} MiB at half-way, {run.peak:.0f} MiB at the end"
    note = f"{run.attempts:,} attempts; {peaks}"
    if run.attempts < LEAST_ATTEMPTS:
        msg = f"{run.attempts:,} attempts; at least {LEAST_ATTEMPTS:,} are wanted"
        raise RuntimeError(msg)
    goal = f"all areas, {len(PROFILES)} profiles: minutes"
    yield Result(goal=goal, value=run.minutes, unit="min", bound=MINUTES, note=note)
    goal = f"all areas, {len(PROFILES)} profiles: peak memory ÷ at half-way"
    yield Result(goal=goal, value=run.peak / run.half, unit="×", bound=GROWTH, note=note)


@contextmanager
def _range(folder: Path) -> Iterator[None]:
    words = [word for name in PROFILES for word in ("--profile", name)]
    out = ("--out", str(folder))
    subprocess.run([*ACCREDIT, "range", "up", "--detach", "--scheme", "strict", *words, *out],
                   check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    try:
        yield
    finally:
        subprocess.run([*ACCREDIT, "range", "down", *out], check=True)


def _write_campaign(folder: Path) -> None:
    origin = msgspec.json.decode((folder / "origin.json").read_bytes())
    proxies = origin["services"]["reference"]["proxy"]

    def text(value: object) -> str:
        return msgspec.json.encode(value).decode()

    written = CAMPAIGN.format(
        first=proxies[PROFILES[0]],
        proxies=text({name: {"proxy": proxies[name]} for name in PROFILES}),
        profiles=text({name: {"phase": name} for name in PROFILES}),
        corpora=text(
            [
                {"pack": f"./{name}"} | ({"sample": size} if size else {})
                for name, size in PACKS.items()
            ]
        ),
    )
    (folder / "campaign.yaml").write_text(written, encoding="utf-8")


def _measured(folder: Path) -> _Run:
    """Run the campaign; its memory is noted each time the journal has grown."""
    begun = time.perf_counter()
    out = folder / "out"
    command = [*ACCREDIT, "measure", str(folder / "campaign.yaml"), "--out", str(out)]
    sizes: list[tuple[int, float]] = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            sizes.append((rows_in(out / "areas/journal"), peak_memory(process.pid)))
            time.sleep(0.2)
    if process.returncode:
        msg = f"the campaign ended with exit code {process.returncode}"
        raise RuntimeError(msg)
    minutes = (time.perf_counter() - begun) / 60
    attempts = sum(1 for _ in open_journal(out / "areas/journal").observations())
    peak = max(memory for _, memory in sizes)
    half = max(memory for rows, memory in sizes if rows <= attempts / 2)
    return _Run(attempts, minutes, half, peak)
