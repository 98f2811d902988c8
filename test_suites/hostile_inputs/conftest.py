"""What the hostile inputs are mixed with: a pack, keys, a campaign and measurements that are good."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpora.pack_writer import PackDetails, write_pack
from harness.cli.paths import registry_variables
from test_suites.kit.hubs.keys import write_keys
from test_suites.kit.processes.hostile_command import Accredit

CAMPAIGN = """\
campaign: demo
service: {name: x}
origin: origin.json
lines: [{name: p, type: simulated}]
profiles: {ks2: {phase: ks2}}
corpora: [{pack: PACK}]
"""


@pytest.fixture
def accredit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Accredit:
    """The command, in a folder with files that commands accept."""
    monkeypatch.chdir(tmp_path)
    for name in registry_variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    details = PackDetails(
        name="a-pack", version="1.0.0", title="A pack", created="2026-11-24T12:00:00Z"
    )
    row = {"id": "a", "value": "a.example", "kind": "host", "labels": "GAMB"}
    write_pack(Path("pack"), [row], details)
    write_keys(tmp_path)
    measurement = {"id": "a", "input": "http://a.example/", "test_keys": {}}
    Path("good.jsonl").write_text(json.dumps(measurement) + "\n")
    return Accredit(monkeypatch, capsys)
