"""``accredit speed`` as a process: exit codes and messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign
from test_suites.kit.processes.running import accredit

SHORT = ("--rounds", "1", "--requests", "2", "--connections", "2", "--seconds", "0.01")


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """A campaign over a simulated line."""
    return write_campaign(
        tmp_path,
        origin=simulated_origin(tmp_path, twin_zone="orchard-view.test"),
        lines=[{"name": "proxy", "type": "simulated"}],
        categories=["DRUG"],
        sample=2,
        control={"type": "simulated"},
        service={"name": "Filter", "bandwidth": {"down": 1, "up": 1}},
    )


def test_a_measurement_ends_with_0_and_says_what_to_do_next(campaign: Path) -> None:
    ended = accredit("speed", campaign, "--out", campaign.parent / "out", *SHORT, "--items", "2")

    assert ended.returncode == 0, ended.stderr
    assert "measurement 1: 1 rounds of each line and profile" in ended.stdout
    assert "next: accredit conclude" in ended.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere.yaml",), "nowhere.yaml"),
        (("nowhere.yaml", "--connections", "1"), "--connections"),
        (("nowhere.yaml", "--seconds", "nan"), "--seconds"),
        ((), "Missing argument 'campaign'"),
    ],
)
def test_what_is_refused_ends_with_2_and_no_traceback(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    ended = accredit("speed", *words, "--out", tmp_path / "out")

    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
