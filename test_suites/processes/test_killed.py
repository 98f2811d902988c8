"""kill -9 at any step loses and repeats no item, and changes no outcome."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from test_suites.kit.clocks.sizes import sized
from test_suites.kit.processes.running import simulated_campaign

COUNT = sized(4, 40)
"""The number of moments tried, half of them while a segment is sealed."""


@pytest.mark.timeout(240 if COUNT < 40 else 3600)
def test_a_campaign_killed_at_any_moment_has_the_same_result(tmp_path: Path) -> None:
    campaign = simulated_campaign(tmp_path, sample=6)
    command = [sys.executable, "-m", "test_suites.processes.killed"]
    ran = subprocess.run(
        [*command, str(campaign), str(tmp_path / "runs"), str(COUNT)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == ran.returncode, ran.stderr
    whole, *killed = map(json.loads, ran.stdout.splitlines())
    assert COUNT == len(killed)
    assert COUNT // 2 == sum(each["while_sealing"] for each in killed)
    for each in killed:
        check(each, whole)


def check(one: dict[str, Any], whole: dict[str, Any]) -> None:
    """One killed campaign against the undisturbed one."""
    where = f"killed at step {one['moment']} of {whole['steps']}"
    assert (-signal.SIGKILL, 0) == (one["killed"], one["resumed"]), where
    kept = {key for key, _ in one["keys"]}
    assert {key for key, _ in one["left"]} <= kept, where
    assert {1} == {number for _, number in one["keys"]}, where
    more = kept - {key for key, _ in whole["keys"]}
    assert len(kept) == len(whole["keys"]) + len(more), where
    assert {key.split()[0] for key in more} <= {"heartbeat", "retry"}, where  # a start has its own
    assert whole["rows"] == one["rows"], where
