"""The guide to operating a hub is followed from top to bottom, and its tables are as the code is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.hub_retention_file import Retention
from harness.cli.main import app
from test_suites.kit.campaigns.monitored_service import MonitoredService
from test_suites.kit.rooms import ROOT

GUIDE = (ROOT / "docs/how-to/operate-a-hub.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/reference/hub.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOT_HERE = ("serve", "postgresql:", "ACCREDIT_DATABASE_URL")
"""What needs a server; processes and products test these."""


def test_each_command_of_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    srv, new = tmp_path / "srv", tmp_path / "new"
    MonitoredService(folder=srv / "files").write()
    (tmp_path / "backups").mkdir()
    done = []
    for block in BLOCK.findall(GUIDE):
        for line in block.splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if any(word.startswith(NOT_HERE) or "postgresql:" in word for word in words):
                continue
            first, *rest = words[1:]
            rest = [_here(word, tmp_path, is_restore="restore" in words) for word in rest]
            words = [first, *rest]
            if words[:2] == ["registry", "verify"]:
                words[-1] = str(new / "results")
            ended = CliRunner().invoke(app, words)
            assert ended.exit_code in (0, 2 if "doctor" in words else 0), (words, ended.output)
            if "doctor" in words:
                assert "ERROR" not in ended.stdout.replace("ERROR    library", ""), ended.stdout
            done.append(words[1])
            if words[1] == "init":
                _invite(srv / "hub")

    assert ["init", "backup", "migrate", "doctor", "doctor", "backup", "backup", "restore",
            "verify", "expire", "expire"] == done  # fmt: skip
    assert (new / "hub/hub.keys").read_bytes() == (srv / "hub/hub.keys").read_bytes()


def _invite(hub: Path) -> None:
    """Record something: nobody makes a backup of nothing."""
    words = ["hub", "agent", "invite", "--hub", str(hub), "--site", "Hill School"]
    ended = CliRunner().invoke(app, [*words, "--service", "Safe Net"])
    assert ended.exit_code == 0, ended.output


def _here(word: str, folder: Path, *, is_restore: bool) -> str:
    """A word of a command with its paths in the folder of the test."""
    if word == "/srv/accredit" and is_restore:
        return str(folder / "new")
    word = word.replace("/srv/accredit", str(folder / "srv"))
    word = word.replace("/var/backups/accredit", str(folder / "backups"))
    return str(folder / "srv/hub") if word == "hub" else word


def test_the_defaults_of_retention_are_those_of_the_page() -> None:
    rows = re.findall(
        r"^\| `(evidence|items|bundles|uploads)` \|.*\| `(\w+)` \|$", PAGE, re.MULTILINE
    )

    assert {name: getattr(Retention(), name) for name in Retention.model_fields} == {
        name: getattr(Retention.model_validate({"evidence": "1d"} | {name: age}), name)
        for name, age in rows
    }
