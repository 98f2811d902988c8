"""``accredit device moment`` as a process: its exit codes, and what a stop leaves."""

from __future__ import annotations

import signal
from pathlib import Path

from harness.store.journal.journal import open_journal
from test_suites.kit.processes.running import accredit
from test_suites.processes.test_availability import campaign_in, journal

STOP_AFTER = """
from harness.measure.moment_checks import MomentChecker
written = MomentChecker._write
async def write(self, batch, seen):
    await written(self, batch, seen)
    if batch >= self._first_batch + 4:
        os.kill(os.getpid(), {number})
MomentChecker._write = write
"""
"""Sends a signal when some batches were written."""


def test_a_signal_keeps_every_check_and_the_command_can_be_repeated(tmp_path: Path) -> None:
    campaign, out = campaign_in(tmp_path), tmp_path / "out"
    words = ("device", "moment", campaign, "network", "--out", out, "--every")
    stop = STOP_AFTER.format(number=int(signal.SIGTERM))

    stopped = accredit(*words, "0.02", "--for", "10m", before=stop)
    held = list(open_journal(journal(out)).observations())
    again = accredit(*words, "0.02", "--for", "4s")

    assert stopped.returncode == 128 + signal.SIGTERM, stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert f"is intact ({len(held):,} observations)" in stopped.stderr
    assert len(held) >= 5 * 20 * 4
    assert again.returncode == 0, again.stderr
    assert "now change to another network" in again.stdout
    assert "made 200 checks" in again.stdout
    later = open_journal(journal(out))
    later.verify()
    assert len(list(later.observations())) == len(held) + 4 * 200


def test_a_moment_is_not_caused_while_nothing_works(tmp_path: Path) -> None:
    campaign = campaign_in(tmp_path, captive=True)
    words = ("device", "moment", campaign, "portal", "--out", tmp_path / "out")

    ended = accredit(*words, "--every", "0.02", "--for", "10s")

    assert ended.returncode == 3, ended.stderr
    assert "no ordinary page comes on proxy before the moment" in " ".join(ended.stderr.split())
    assert "log in" not in ended.stdout
