"""A killed measurement resumes without losing or repeating items, and has the same outcome."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.model.observation import AttemptKey
from harness.model.outcome import Conformity
from harness.model.plain_twin import ROUNDS, spot_of
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import is_blocked, origin_file, proxy_line
from test_suites.kit.campaigns.rehearsal import Rehearsal, read_rehearsal, rehearse, write_campaign
from test_suites.kit.rooms import ROOT

DIE_HALF_WAY = """
import os, signal, sys
from pathlib import Path
from harness.cli.measure import measure_campaign
from harness.cli.progress_display import ProgressDisplay
from probes.clients import machine
from test_suites.kit.quiet_machine.sitecustomize import quiet_reading

machine.read_machine = quiet_reading

def on_progress(self, progress):
    if progress.done * 2 > progress.total:
        os.kill(os.getpid(), signal.SIGKILL)

ProgressDisplay.on_progress = on_progress
measure_campaign(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    """The range, whose filter misses some of the items that it is to block."""
    policy = FilterPolicy(blocks=is_blocked)
    with RangeTestbed.running(
        tmp_path_factory.mktemp("world"), policy=policy, profiles=("pupils",)
    ) as world:
        missed = frozenset(f"drug-{n:03d}.canary.accredit.test" for n in range(1, 121, 4))
        world.faults.add(Fault(kind=FaultKind.MISS, hosts=missed))
        yield world


@pytest.fixture(scope="module")
def finished(world: RangeTestbed, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A campaign that was measured."""
    return rehearse(
        write_campaign(
            tmp_path_factory.mktemp("finished"),
            origin=origin_file(world),
            lines=[proxy_line(world)],
            categories=["DRUG"],
            sample=20,
        )
    )


def test_a_campaign_killed_half_way_resumes_without_loss(
    world: RangeTestbed, tmp_path: Path
) -> None:
    declared: dict[str, Any] = {
        "origin": origin_file(world),
        "lines": [proxy_line(world)],
        "categories": ["DRUG", "ADLT"],
        "sample": 20,
        "limits": {"timeout": 2.0, "concurrency": 20, "batch": 20},
    }
    broken = write_campaign(tmp_path / "broken", **declared)
    out = broken.parent / "out"

    child = subprocess.run(
        [sys.executable, "-c", DIE_HALF_WAY, str(broken), str(out)],
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    assert -signal.SIGKILL == child.returncode, child.stderr.decode()
    left = keys(out / "rehearsal" / "journal")
    again = rehearse(broken)
    undisturbed = rehearse(write_campaign(tmp_path / "whole", **declared))

    counted = keys(again.journal)
    assert left
    assert left.keys() < counted.keys()
    assert {1} == set(counted.values())
    assert without_early_draws(counted) == without_early_draws(keys(undisturbed.journal))
    assert outcomes_of(again) == outcomes_of(undisturbed)


def outcomes_of(run: Rehearsal) -> list[tuple[str, Conformity | None, int, int]]:
    """What came of each requirement, but of waiting times what was counted alone.

    How long pages wait depends on what else this machine does.
    """
    return [
        (
            one.id,
            one.conformity if one.requirement.area != "perf" else None,
            one.metric.k,
            one.metric.n,
        )
        for one in run.assessment.outcomes
    ]


def test_a_finished_measurement_is_not_repeated(world: RangeTestbed, finished: Rehearsal) -> None:
    log = origin_file(world).parent / "origin.log.jsonl"
    requests = len(log.read_text().splitlines())

    second = rehearse(finished.journal.parents[2] / "campaign.yaml")

    assert 0 < requests == len(log.read_text().splitlines())
    assert finished.verdicts == second.verdicts


def keys(journal: Path) -> Counter[AttemptKey]:
    """How often each attempt stands in a journal; heartbeats are made as time passes."""
    opened = open_journal(journal)
    try:
        return Counter(seen.key for seen in opened.observations() if seen.role != "heartbeat")
    finally:
        opened.close()


def without_early_draws(counted: Counter[AttemptKey]) -> Counter[AttemptKey]:
    """Leave out retrials at once of items that were drawn early, and later gave way to others.

    Which they are depends on the order in which batches end.
    """
    drawn = {spot_of(key) for key in counted if key.round // AT_END == 1}
    return Counter(
        {
            key: number
            for key, number in counted.items()
            if key.round // ROUNDS["at_once"] != 1 or spot_of(key) in drawn or key.round >= AT_END
        }
    )


AT_END = ROUNDS["at_end"]


def test_concluding_again_sends_no_packet(finished: Rehearsal) -> None:
    refuse_sockets = (
        "import sys\n"
        "def watch(event, arguments):\n"
        "    if event.startswith('socket.'): raise RuntimeError(event)\n"
        "sys.addaudithook(watch)\n"
        "from pathlib import Path\n"
        "from harness.cli.conclude import conclude_journal\n"
        "print(conclude_journal(Path(sys.argv[1]), 'uksic-current')[0].scheme)\n"
        "print(len(conclude_journal(Path(sys.argv[1]))[0].outcomes))\n"
    )

    child = subprocess.run(
        [sys.executable, "-c", refuse_sockets, str(finished.journal)],
        capture_output=True,
        text=True,
        check=False,
    )

    expected = ["uksic-2024", str(len(finished.assessment.outcomes))]
    assert expected == child.stdout.split(), child.stderr


def test_reading_a_journal_again_gives_the_same_verdicts(finished: Rehearsal) -> None:
    """The same journal always gives the same verdicts."""
    assert finished.verdicts == read_rehearsal(finished.journal).verdicts
