"""Commitments and laboratories as processes: a user's mistake exits 2, in one sentence."""

from __future__ import annotations

from pathlib import Path

from test_suites.kit.processes.running import accredit, simulated_campaign


def test_mistakes_about_seeds_and_laboratories_exit_2_without_a_traceback(tmp_path: Path) -> None:
    campaign, public = simulated_campaign(tmp_path), tmp_path / "c.json"
    stated = campaign.read_text(encoding="utf-8")
    assert "seed: " in stated
    first = accredit("seed", "commit", campaign, "--file", public, "--out", tmp_path / "out")
    unstated = "\n".join(line for line in stated.splitlines() if not line.startswith("seed: "))
    campaign.write_text(unstated + "\n", encoding="utf-8")
    made = accredit("seed", "commit", campaign, "--file", public, "--out", tmp_path / "out")
    verified = accredit("seed", "verify", tmp_path / "out", "--file", public)
    compared = accredit("compare", "--laboratories", tmp_path / "a", tmp_path / "b")

    assert [2, 0, 2, 2] == [each.returncode for each in (first, made, verified, compared)]
    assert "remove 'seed'" in first.stderr
    for ended in (first, verified, compared):
        assert "Traceback" not in ended.stderr
        assert ended.stderr.count("\n") == 1
