"""``accredit availability`` as a process: what it refuses, its exit codes, and what a stop leaves."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from harness.store.journal.journal import open_journal
from probes.range.zone import TWIN_ZONE
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign
from test_suites.kit.processes.running import accredit

CHECK = 8
"""The attempts of a check: three ordinary pages and a harmful one, on control and service."""
STOP_AFTER = """
from harness.measure.availability_checks import AvailabilityChecker
written = AvailabilityChecker._write
async def write(self):
    await written(self)
    if self._batch % 3 == 0:
        os.kill(os.getpid(), {number})
AvailabilityChecker._write = write
"""
"""Sends a signal when some checks were written."""


def campaign_in(folder: Path, twins: str = TWIN_ZONE, **options: Any) -> Path:
    """A campaign over a simulated line that blocks the items of a pack."""
    return write_campaign(
        folder,
        origin=simulated_origin(folder, twin_zone=twins),
        lines=[{"name": "proxy", "type": "simulated", "options": {"block": ["DRUG"]} | options}],
        categories=["DRUG"],
        sample=30,
        control={"type": "simulated"},
    )


def journal(out: Path) -> Path:
    return out / "rehearsal/journal"


def test_a_signal_keeps_every_check_and_the_command_can_be_repeated(tmp_path: Path) -> None:
    campaign, out = campaign_in(tmp_path), tmp_path / "out"
    words = ("availability", "check", campaign, "--out", out, "--every")
    stop = STOP_AFTER.format(number=int(signal.SIGTERM))

    stopped = accredit(*words, "0.05", "--for", "30d", before=stop)
    held = list(open_journal(journal(out)).observations())
    again = accredit(*words, "1", "--for", "1s")

    assert stopped.returncode == 128 + signal.SIGTERM, stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert f"is intact ({len(held):,} observations)" in stopped.stderr
    assert len(held) >= CHECK
    assert again.returncode == 0, again.stderr
    assert "made 1 checks" in again.stdout
    later = open_journal(journal(out))
    later.verify()
    assert len(list(later.observations())) == len(held) + CHECK

    listed = accredit("availability", "outages", out / "rehearsal", "--csv", tmp_path / "o.csv")

    assert listed.returncode == 0, listed.stderr
    assert "0 outages in" in listed.stdout
    assert (tmp_path / "o.csv").read_bytes().startswith(b'"line","profile","state"')


def test_a_fault_is_not_caused_while_nothing_works(tmp_path: Path) -> None:
    campaign = campaign_in(tmp_path, captive=True)
    words = ("availability", "fault", campaign, "cut", "--out", tmp_path / "out")

    ended = accredit(*words, "--every", "0.05", "--for", "10s")

    assert ended.returncode == 3, ended.stderr
    assert "no ordinary page comes on proxy before the fault" in " ".join(ended.stderr.split())
    assert "now cause" not in ended.stdout


def test_an_origin_without_a_zone_for_plain_twins_is_refused(tmp_path: Path) -> None:
    ended = accredit("availability", "check", campaign_in(tmp_path, ""), "--out", tmp_path / "out")

    assert ended.returncode == 2
    assert "a zone for plain twins" in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
