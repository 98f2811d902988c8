"""The commands of the page on the registry work, in their order."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import registry
from harness.cli.main import app
from harness.model.registry_record import RECORDS
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.guides import ROOT

PAGE = (ROOT / "docs/reference/registry.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [
    line
    for block in BLOCKS
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("accredit registry")
]


def test_the_commands_of_the_page_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "clock", SetClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC)))
    used = set()
    for command in COMMANDS:
        words = shlex.split(command)[1:]
        used.add(words[1])
        ended = CliRunner().invoke(app, words)
        assert ended.exit_code == 0, (command, ended.output, ended.exception)
        if words[1:3] == ["list", "--supplier"]:
            assert "Slow on Mondays" in ended.stdout

    assert used == {"add", "close", "list", "verify", "export", "rebuild", "migrate"}
    assert "Slow on Mondays" not in CliRunner().invoke(app, ["registry", "list"]).stdout


def test_the_page_names_each_kind_of_record_and_its_fields() -> None:
    records, _, _ = PAGE.partition("## Registered campaigns")
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", records, flags=re.MULTILINE))

    assert set(rows) == set(RECORDS)
    for kind, record in RECORDS.items():
        if kind not in {"campaign", "submission"}:
            fields = {name for name in record.__struct_fields__ if name != "id"}
            assert fields == set(re.findall(r"`([a-z0-9_]+)`", rows[kind])), kind
