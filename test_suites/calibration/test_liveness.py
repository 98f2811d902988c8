"""Overload is not judged as a block, and silent drops are not judged as overload."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from harness.model.verdict import State
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.calibration import slow_proxies
from test_suites.calibration.conftest import proxy_line
from test_suites.calibration.slow_proxies import Answer, SlowProxy, serving
from test_suites.rehearsal import Rehearsal, read_rehearsal, rehearse, write_campaign

IMPATIENT = {"timeout": 0.6, "confirmation_timeout": 1.5, "silence_timeout": 2.5}


def measure(folder: Path, origin: Path, url: str) -> Rehearsal:
    line = {"name": "proxy", "type": "explicit_proxy", "options": {"proxy": url}}
    campaign = write_campaign(
        folder,
        origin=origin,
        lines=[line],
        categories=["DRUG", "GAMB"],
        sample=15,
        limits={**IMPATIENT, "concurrency": 50},
    )
    return rehearse(campaign)


def drop(world: RangeTestbed, number: int) -> frozenset[str]:
    """Simulate silent drops for the first hosts of a category; returns the hosts."""
    dropped = frozenset(f"drug-{each:03d}.canary.accredit.test" for each in range(1, number + 1))
    world.faults.add(Fault(kind=FaultKind.SILENT, hosts=dropped))
    return dropped


def through_proxy(world: RangeTestbed, folder: Path, origin: Path, **limits: int) -> Path:
    """A campaign over that category, through the proxy of the range."""
    return write_campaign(
        folder,
        origin=origin,
        lines=[proxy_line(world)],
        categories=["DRUG"],
        limits={**IMPATIENT, **limits},
    )


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "answer",
    [
        slow_proxies.one_at_a_time,
        slow_proxies.resetting_when_busy,
        slow_proxies.silent_when_busy,
        slow_proxies.unavailable_when_busy,
    ],
)
def test_an_overloaded_proxy_without_filter_has_no_blocks(
    world: RangeTestbed, origin_file: Path, tmp_path: Path, answer: Answer
) -> None:
    with serving(SlowProxy(origin=world.origin, answer=answer)) as proxy:
        run = measure(tmp_path / "run", origin_file, proxy.url)

    states = Counter(verdict.state for verdict in run.verdicts)
    assert 0 == states[State.BLOCKED]
    assert states[State.ALLOWED] > 0


def test_silent_drops_are_found_and_a_sample_is_retried_with_the_longest_timeout(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    dropped = drop(world, 70)
    campaign = through_proxy(world, tmp_path / "run", origin_file, concurrency=40)

    run = rehearse(campaign)

    journal = open_journal(run.journal)
    patient = {one.key.item for one in journal.sentinels() if one.look == "patience"}
    assert dropped == {
        verdict.item.host for verdict in run.verdicts if verdict.mechanism == "silent_drop"
    }
    assert 59 <= len(patient) <= 70


DIE_WHILE_WAITING = """
import os, signal, sys
from pathlib import Path
from harness.cli.measure import measure_campaign
from harness.measure.silence_retrials import SilenceRetrials

async def finish(self, held):
    os.kill(os.getpid(), signal.SIGKILL)

SilenceRetrials.finish = finish
measure_campaign(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_campaign_killed_while_it_retries_silent_items_resumes_them(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    dropped = drop(world, 5)
    path = through_proxy(world, tmp_path / "run", origin_file)
    out = path.parent / "out"
    child = subprocess.run(
        [sys.executable, "-c", DIE_WHILE_WAITING, str(path), str(out)],
        capture_output=True,
        check=False,
    )
    assert -signal.SIGKILL == child.returncode, child.stderr.decode()

    before = read_rehearsal(out / "rehearsal" / "journal").verdicts
    after = rehearse(path).verdicts

    assert {"silence-not-tried-with-patience": 5} == Counter(
        verdict.rule for verdict in before if verdict.item.host in dropped
    )
    assert {"silent_drop": 5} == Counter(
        str(verdict.mechanism) for verdict in after if verdict.item.host in dropped
    )
