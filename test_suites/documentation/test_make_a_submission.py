"""The commands of the guide on submissions work, once the submission is filled in."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.model.submission import Submission
from test_suites.kit.guides import ROOT
from test_suites.unit.harness.cli.test_submission import filled_in

GUIDE = (ROOT / "docs/how-to/make-a-submission.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^accredit (.*)$", GUIDE, flags=re.MULTILINE)


def test_the_commands_of_the_guide_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in COMMANDS:
        ended = CliRunner().invoke(app, shlex.split(command))
        assert ended.exit_code == 0, (command, ended.output, ended.exception)
        if command.startswith("init submission"):
            filled_in(Path("submission.yaml"))

    assert Path("spring/campaign.yaml").exists()


def test_the_guide_names_every_part_of_a_submission() -> None:
    rows = re.findall(r"^\| (`.*?`) \|", GUIDE, flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}

    assert named == set(Submission.model_fields) - {"submission"}
