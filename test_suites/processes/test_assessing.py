"""``accredit assess ask`` on a terminal: Ctrl-C keeps what was answered, and a second start goes on."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from harness.store.journal.journal import open_journal
from test_suites.kit.processes.running import accredit, rows_in, simulated_campaign
from test_suites.processes.typist import Typist

SCHEME = """\
id: people
version: "1"
title: What people judge
policy: uk-schools-2026
requirements: [{id: SUP-05}, {id: URL-14}]
"""


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The journal of a small campaign, whose scheme has two requirements that people judge."""
    campaign = simulated_campaign(tmp_path, sample=2)
    campaign.write_text(campaign.read_text().replace("scope: web\n", ""))
    (tmp_path / "people.yaml").write_text(SCHEME)
    (tmp_path / "export.cfg").write_text("safe search: on\n")
    assert accredit("measure", campaign, "--out", tmp_path / "out").returncode == 0
    return tmp_path / "out/tried/journal"


def typist(journal: Path, reviewer: str) -> Typist:
    scheme = journal.parents[2] / "people.yaml"
    return Typist("assess", "ask", journal, "--reviewer", reviewer, "--scheme", scheme)


def answer_disclosure(somebody: Typist, folder: Path, *, private: str = "yes") -> None:
    somebody.answer("The full configuration", "present")
    somebody.answer("Were some test items private", private)
    somebody.answer("Document:", str(folder / "export.cfg"))
    somebody.read_until("SHA-256")
    somebody.answer("Document:")
    somebody.answer("note")
    somebody.answer("Until which day")
    somebody.read_until("SUP-05 is recorded")


def answer_settings(somebody: Typist) -> None:
    somebody.answer("How many settings differ", "none")
    somebody.read_until("write a number")
    somebody.answer("How many settings differ", "0")
    somebody.answer("Was the configuration exported", "yes")
    somebody.answer("Document:", "shown: the export of today")
    somebody.answer("Document:")
    somebody.answer("note")
    somebody.answer("Until which day")
    somebody.read_until("URL-14 is recorded")


@pytest.mark.timeout(240)
def test_control_c_keeps_every_answered_requirement_and_a_second_start_goes_on(
    journal: Path, tmp_path: Path
) -> None:
    first = typist(journal, "Head of IT")
    try:
        answer_disclosure(first, tmp_path)
        first.answer("How many settings differ", "0")
        first.read_until("Was the configuration exported")
        first.process.send_signal(signal.SIGINT)
        first.read_until("1 recorded, 1 left; run the same command to go on")
        assert first.process.wait() in {130, -signal.SIGINT}
    finally:
        first.close()
    assert rows_in(tmp_path / "out", "people") == 1

    again = typist(journal, "Head of IT")
    try:
        again.read_until("URL-14 The accredited settings")
        assert "SUP-05" not in again.screen
        answer_settings(again)
        again.read_until("1 recorded; next")
        assert again.process.wait() == 0
    finally:
        again.close()
    assert rows_in(tmp_path / "out", "people") == 2

    other = typist(journal, "A. Governor")
    try:
        answer_disclosure(other, tmp_path, private="no")
        assert other.process.poll() is None
        other.key("How many settings differ", b"\x04")
        other.read_until("1 recorded, 1 left")
        assert other.process.wait() != 0
    finally:
        other.close()
    (tmp_path / "answers.yaml").write_text("reviewer: A\nanswers: none\n")
    refused = accredit("assess", "import", journal, tmp_path / "answers.yaml")
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert "answers.yaml:2: answers" in refused.stderr
    assert rows_in(tmp_path / "out", "people") == 3
    open_journal(journal).verify()
    concluded = accredit("conclude", journal, "--scheme", tmp_path / "people.yaml")

    assert concluded.returncode == 3
    told = " ".join(concluded.stdout.split())
    assert "the reviewers contradict each other" in told
    assert "Head of IT says 'yes'" in told
    assert "A. Governor says 'no'" in told
    assert "only one reviewer answered (Head of IT)" in told
