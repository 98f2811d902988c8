"""Waiting: wall-clock time and accuracy when the server is slow or silent."""

# ruff: noqa: RUF001 - the sign of multiplication
from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.client import run
from benchmarks.engines import paths
from benchmarks.far_end import certificate, slow
from benchmarks.goal import Result, topic

DELAY, PATIENCE, HOLES = 0.1, 5.0, 20
"""Seconds that the far end thinks, and that the client waits; one URL in so many is silent."""


@topic("waiting")
def waiting() -> Iterable[Result]:
    """A delay of 100 ms and 5 % black holes: wall clock beside first come, first served."""
    for concurrency, count, bound in ((100, 2000, 1.02), (500, 10000, 1.02), (2000, 10000, 1.10)):
        with slow(DELAY) as port:
            cost = run(
                "engines.lane",
                name="wire",
                port=port,
                count=count,
                concurrency=concurrency,
                holes=HOLES,
                patience=PATIENCE,
            )
        best = first_come(count, concurrency)
        silent = sum(path.startswith("hole") for path in paths(count, HOLES))
        goal = f"wall clock ÷ first come, first served, c = {concurrency}"
        note = f"{cost.wall:.2f} s; at best {best:.2f} s"
        yield Result(goal=goal, value=cost.wall / best, unit="×", bound=bound, note=note)
        goal = f"timeouts that the client itself made, c = {concurrency}"
        made = cost.found["timeouts"] - silent
        yield Result(goal=goal, value=made, unit="", bound=0, note=f"{silent} URLs were silent")


def first_come(count: int, concurrency: int) -> float:
    """The wall clock of a client that costs nothing: each URL takes the next free place."""
    free = [0.0] * concurrency
    for path in paths(count, HOLES):
        took = PATIENCE if path.startswith("hole") else DELAY
        heapq.heapreplace(free, free[0] + took)
    return max(free)


@topic("latency")
def latency() -> Iterable[Result]:
    """First byte as read, less what the far end says it took (its own lateness is ours here)."""
    with slow(DELAY) as port:
        found = run("engines.lane", name="wire", port=port, count=6000, concurrency=300).found
    errors = [abs(each) * 1000 for each in found["errors"]]
    errors.sort()
    for share, bound in ((50, 0.5), (99, 5.0)):
        value = errors[len(errors) * share // 100]
        goal = f"latency error, c = 300, p{share}"
        yield Result(goal=goal, value=value, unit="ms", bound=bound, note="6,000 pages")


@topic("memory")
def memory() -> Iterable[Result]:
    """Peak memory of the client's process with a thousand TLS connections at once."""
    with tempfile.TemporaryDirectory() as folder:
        cert = certificate(Path(folder))
        with slow(2.0, cert) as port:
            arguments = {"name": "wire", "port": port, "cert": str(Path(folder) / "cert.pem")}
            alone = run("engines.lane", count=1, concurrency=1, **arguments).memory
            cost = run("engines.lane", count=1000, concurrency=1000, patience=30.0, **arguments)
    note = f"{alone:.0f} MiB with one connection; {cost.found['answered']} of 1000 answered"
    yield Result(
        goal="memory, TLS at c = 1000", value=cost.memory, unit="MiB", bound=120, note=note
    )
