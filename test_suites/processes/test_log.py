"""``accredit log`` as a process: exit codes, messages, and what a stop leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign
from test_suites.kit.processes.running import accredit


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """A campaign over a simulated line."""
    lines: list[dict[str, Any]] = [{"name": "proxy", "type": "simulated"}]
    return write_campaign(
        tmp_path,
        origin=simulated_origin(tmp_path, twin_zone="orchard-view.test"),
        lines=lines,
        categories=["DRUG"],
        sample=2,
        control={"type": "simulated"},
    )


def test_a_log_that_cannot_be_read_ends_with_2_and_one_sentence_a_line(campaign: Path) -> None:
    out, journal = campaign.parent / "out", campaign.parent / "out" / "rehearsal"
    sent = accredit("log", "send", campaign, "--out", out, "--requests", "12")
    assert sent.returncode == 0, sent.stderr
    assert "next: accredit log import" in sent.stdout

    log = campaign.parent / "access.log"
    log.write_bytes(b"\0\xff\n" * 3)
    read = accredit("log", "import", journal, log, "--format", "squid-log")

    assert read.returncode == 2
    assert read.stdout == ""
    assert "this is not a log in the format squid-log" in read.stderr
    assert "Traceback" not in read.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--format", "squid-log"), "no journal here"),
        ((), "Missing option '--format'"),
        (("--format", "squid-log", "--follow", "-1"), "--follow"),
        (("--format", "squid-log", "--every", "nan"), "--every"),
    ],
)
def test_a_wrong_call_ends_with_2(campaign: Path, words: tuple[str, ...], said: str) -> None:
    done = accredit("log", "import", campaign.parent, campaign, *words)

    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_situation_must_be_a_known_one(campaign: Path) -> None:
    done = accredit("log", "send", campaign, "--situation", "sunny")
    assert done.returncode == 2
    assert "sunny" in done.stderr
