"""Overload is not judged as a block, and silent drops are not judged as overload."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from harness.cli.compose import prepare
from harness.model.verdict import State
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.calibration import slow_proxies
from test_suites.calibration.slow_proxies import Answer, SlowProxy, serving
from test_suites.kit.campaigns.ranges import proxy_line
from test_suites.kit.campaigns.rehearsal import Rehearsal, read_rehearsal, rehearse, write_campaign

IMPATIENT = {"timeout": 0.6, "confirmation_timeout": 1.5, "silence_timeout": 2.5}
ITEMS = 8
TAKES = 0.15
"""Seconds for which a proxy serves one request: it overloads with two thirds of the items."""


def measure(folder: Path, origin: Path, url: str) -> Rehearsal:
    line = {"name": "proxy", "type": "explicit_proxy", "options": {"proxy": url}}
    campaign = write_campaign(
        folder,
        origin=origin,
        lines=[line],
        categories=["DRUG", "GAMB"],
        sample=ITEMS // 2,
        limits={**IMPATIENT, "concurrency": 50},
    )
    return rehearse(campaign)


def dropping(
    world: RangeTestbed, folder: Path, origin: Path, number: int, **limits: int
) -> tuple[Path, frozenset[str]]:
    """A campaign over items and as many neighbours through the proxy, which drops the items.

    Returns the hosts of the items as well.
    """
    campaign = write_campaign(
        folder,
        origin=origin,
        lines=[proxy_line(world)],
        categories=["DRUG"],
        sample=number,
        limits={**IMPATIENT, **limits},
    )
    dropped = frozenset(one.host for one in prepare(campaign).items if one.category == "DRUG")
    world.faults.add(Fault(kind=FaultKind.SILENT, hosts=dropped))
    return campaign, dropped


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("answer", "takes"),
    [
        (slow_proxies.one_at_a_time, TAKES),
        (slow_proxies.resetting_when_busy, TAKES),
        (slow_proxies.silent_when_busy, TAKES / 5),  # it forgets the others at once
        (slow_proxies.unavailable_when_busy, TAKES),
    ],
)
def test_an_overloaded_proxy_without_filter_has_no_blocks(
    world: RangeTestbed, origin_file: Path, tmp_path: Path, answer: Answer, takes: float
) -> None:
    with serving(SlowProxy(origin=world.origin, answer=answer, takes=takes)) as proxy:
        run = measure(tmp_path / "run", origin_file, proxy.url)

    states = Counter(verdict.state for verdict in run.verdicts)
    assert 0 == states[State.BLOCKED]
    assert states[State.ALLOWED] > 0


def test_silent_drops_are_found_and_a_sample_is_retried_with_the_longest_timeout(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    campaign, dropped = dropping(world, tmp_path / "run", origin_file, 64, concurrency=40)

    run = rehearse(campaign)

    journal = open_journal(run.journal)
    patient = {one.key.item for one in journal.sentinels() if one.look == "patience"}
    assert dropped == {
        verdict.item.host for verdict in run.verdicts if verdict.mechanism == "silent_drop"
    }
    assert len(dropped) == 64
    assert 59 <= len(patient) <= 64


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
    path, dropped = dropping(world, tmp_path / "run", origin_file, 5)
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
