"""Silence: a whole campaign in which a tenth of the items is silently dropped."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.client import run
from benchmarks.goal import Result, topic
from benchmarks.machine import PYTHON, serving
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed

ONE_IN = 10


@topic("silence")
def silence() -> Iterable[Result]:
    """5,000 items by proxy and control, timeouts as they are by default; and verdicts compared."""
    with tempfile.TemporaryDirectory() as folder, _world(Path(folder), 5000):
        cost = run("campaigns.campaign", folder=folder, count=5000, limits={})
        note = f"default limits; {cost.found['blocked']} items found silently dropped"
        goal = "5,000 items, 10 % silent drops, one wait of a minute: minutes"
        yield Result(goal=goal, value=cost.wall / 60, unit="min", bound=3.0, note=note)
        quick = {"timeout": 0.4, "confirmation_timeout": 0.8}
        many = run("campaigns.campaign", folder=folder, count=500, limits=quick).found
        one = run(
            "campaigns.campaign", folder=folder, count=500, limits=quick | {"concurrency": 1}
        ).found
    differ = sum(one["verdicts"][item] != many["verdicts"][item] for item in one["verdicts"])
    goal = "verdicts that differ from those of concurrency 1"
    note = "500 items, timeouts of 0.4 and 0.8 s in both runs"
    yield Result(goal=goal, value=differ, unit="", bound=0, note=note)


@contextmanager
def _world(folder: Path, count: int) -> Iterator[None]:
    command = [PYTHON, "-m", "benchmarks.silence", str(folder), str(count)]
    with serving(*command, ready=b"ready"):
        yield


def hosts(count: int) -> Mapping[str, bool]:
    """So many hosts of the canary zone, and whether each is dropped."""
    return {f"ob-{n:04d}.overblock.accredit.test": n % ONE_IN == 0 for n in range(1, count + 1)}


def _serve(folder: Path, count: int) -> None:

    with RangeTestbed.running(folder) as world:
        dropped = frozenset(host for host, is_dropped in hosts(count).items() if is_dropped)
        world.faults.add(Fault(kind=FaultKind.SILENT, hosts=dropped, service="proxy"))
        proxy = world.origin.services["reference"]["proxy"]["ks2"]
        (folder / "proxy.json").write_text(json.dumps(proxy), encoding="utf-8")
        print("ready", flush=True)
        while True:
            time.sleep(60)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]))
