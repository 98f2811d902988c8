"""Run an engine in its own process and report its cost: ``python -m benchmarks.client``.

The engine is ``module.function`` of this package, its arguments are JSON. Its result is printed as
JSON with the processor time and the wall-clock time of its main part. All engines run on the event
loop that a campaign uses.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Container, Iterable, Sequence
from typing import Any

import msgspec

from benchmarks.machine import CLIENT, PYTHON, pinned
from benchmarks.memory import peak_memory
from harness.measure.event_loop import new_loop


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """The cost of a run: processor and wall-clock seconds, peak MiB, and its result."""

    cpu: float
    wall: float
    memory: float = 0.0
    found: dict[str, Any] = {}


def run(engine: str, **arguments: Any) -> Cost:
    """Run an engine in a process of its own, on the clients' processor."""
    command = [PYTHON, "-m", "benchmarks.client", engine, json.dumps(arguments)]
    with pinned(CLIENT):
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(done.stdout, type=Cost)


def run_program(*command: str) -> tuple[Cost, str]:
    """Run another program on the clients' processor; return its cost and output."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with pinned(CLIENT):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return _cost_since(before, begun), done.stdout


def run_commands(commands: Iterable[Sequence[str]], expected: Container[int]) -> Cost:
    """Run commands in turn on the clients' processor; return their cost together.

    Raises RuntimeError if one ends with an exit code that is not expected.
    """
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with pinned(CLIENT):
        for command in commands:
            done = subprocess.run(command, check=False, capture_output=True)
            if done.returncode not in expected:
                raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}")
    return _cost_since(before, begun)


def _cost_since(before: resource.struct_rusage, begun: float) -> Cost:
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu=cpu, wall=wall)


async def _measure(name: str, arguments: dict[str, Any]) -> Cost:
    module, _, function = name.partition(".")
    engine = getattr(importlib.import_module(f"benchmarks.{module}"), function)(**arguments)
    await anext(engine)  # made ready, warmed up
    begun, used = time.perf_counter(), time.process_time()
    found = await anext(engine)
    cpu, wall = time.process_time() - used, time.perf_counter() - begun
    await engine.aclose()
    memory = peak_memory()
    return Cost(cpu=cpu, wall=wall, memory=memory, found=found)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        cost = runner.run(_measure(sys.argv[1], json.loads(sys.argv[2])))
    sys.stdout.buffer.write(msgspec.json.encode(cost))
