"""A stopped campaign prints what is complete and how to resume, and resuming loses nothing."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from test_suites.kit.processes.running import accredit, half_way, rows_in, simulated_campaign


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("verb", ["measure", "run"])
def test_a_signal_ends_with_its_exit_code_and_says_how_to_resume(
    verb: str, name: str, tmp_path: Path
) -> None:
    campaign, out = simulated_campaign(tmp_path), tmp_path / "out"
    number = signal.Signals[name]

    stopped = accredit(
        verb, campaign, "--out", out, before=half_way(f"os.kill(os.getpid(), {int(number)})")
    )
    held = rows_in(out)
    again = accredit(verb, campaign, "--out", out)

    said = stopped.stderr.splitlines()[-1]
    assert 128 + number == stopped.returncode, stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert f"the journal {out}/tried/journal is intact ({held:,} observations)" in said
    assert "run the same command to resume" in said
    assert again.returncode in (0, 1, 3), again.stderr
    assert held < rows_in(out)


def test_sigterm_stops_where_a_shell_has_switched_sigint_off(tmp_path: Path) -> None:
    campaign, out = simulated_campaign(tmp_path), tmp_path / "out"

    stopped = accredit(
        "measure",
        campaign,
        "--out",
        out,
        before="signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        + half_way("os.kill(os.getpid(), signal.SIGTERM)"),
    )

    assert 128 + signal.SIGTERM == stopped.returncode, stopped.stderr
    assert f"is intact ({rows_in(out):,} observations)" in stopped.stderr


def test_under_nohup_a_closed_terminal_does_not_stop_the_campaign(tmp_path: Path) -> None:
    campaign, out = simulated_campaign(tmp_path), tmp_path / "out"

    ended = accredit(
        "measure",
        campaign,
        "--out",
        out,
        before="signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        + half_way("os.kill(os.getpid(), signal.SIGHUP)"),
    )

    assert 0 == ended.returncode, ended.stderr


def test_the_message_of_a_command_without_a_journal_mentions_none(tmp_path: Path) -> None:
    before = (
        "import harness.cli.list_plugins as listing\n"
        "def stop(*words, **more): os.kill(os.getpid(), signal.SIGTERM); signal.pause()\n"
        "listing.Table = stop\n"
    )
    stopped = accredit("list", "lines", before=before)

    assert (143, "accredit: stopped by SIGTERM\n") == (stopped.returncode, stopped.stderr)
