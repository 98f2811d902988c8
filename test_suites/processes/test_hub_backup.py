"""Backups of a hub that serves, and restores that are killed."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from harness.fleet.messages import AgentStatus, Poll, Polled, RunReceived, RunReport
from harness.model.surveillance_event import SurveillanceRun
from harness.ports.storage import WallClock
from test_suites.kit.hubs.hub_example import HILL, HubExample
from test_suites.kit.hubs.hub_with_results import rows_in
from test_suites.kit.processes.warm_start import Started, run
from test_suites.processes.test_serve import ACCREDIT, serving


@pytest.fixture
def example(tmp_path: Path) -> HubExample:
    made = HubExample(tmp_path)
    made.clock = WallClock()  # type: ignore[assignment]  # the server's clock is the system's
    return made.make()


def accredit(*words: str | Path) -> str:
    ended = run([*ACCREDIT, *map(str, words)], capture_output=True, text=True, timeout=300)
    assert 0 == ended.returncode, ended.stderr
    return str(ended.stdout)


def test_a_backup_of_a_hub_that_serves_is_whole(example: HubExample, tmp_path: Path) -> None:
    token, path = example.invite(), tmp_path / "backup.tar"
    with serving(example) as server:
        agent = example.device(token, server.send)
        agent.enrol(token)
        command = [*ACCREDIT, "hub", "backup", "--hub", str(example.hub), "--out", str(path)]
        with Started(command, stderr=subprocess.PIPE, text=True) as backup:
            while backup.poll() is None:  # all the while the registry is written
                assert isinstance(agent.ask(Poll(status=AgentStatus(version="1"))), Polled)
            assert backup.stderr is not None
            said = backup.stderr.read()
        assert (0, True) == (backup.returncode, "private keys" in said), said
        due = datetime.now(UTC).replace(second=0, microsecond=0)
        run = SurveillanceRun(
            at=due, actor="x", service="Safe Net", monitoring="acme", site=HILL, schedule="daily",
            due=due, result="missed", reason="no power",
        )  # fmt: skip
        report = RunReport(run=msgspec.json.encode(run).decode())
        assert isinstance(agent.ask(report), RunReceived)
        server.stop()
    accredit("hub", "restore", path, "--to", tmp_path / "new")
    accredit("registry", "verify", "--out", tmp_path / "new/results")

    example.folder = tmp_path / "new"  # what the restored hub does not know is sent again
    with serving(example) as server:
        agent._send = server.send
        assert RunReceived(run=run.about, is_new=True) == agent.ask(report)
        server.stop()


def test_a_restore_that_is_killed_leaves_no_hub_and_the_next_is_whole(
    example: HubExample, tmp_path: Path
) -> None:
    example.invite()
    results = tmp_path / "out/evidence"
    results.mkdir(parents=True)
    for number in range(2000):
        (results / f"{number}").write_bytes(b"x")
    path, new = tmp_path / "backup.tar", tmp_path / "new"
    accredit("hub", "backup", "--hub", example.hub, "--out", path)
    partial = tmp_path / "new.restoring"
    for until in ("hub/hub.keys", "results/evidence/999", "results/registry.sqlite"):
        command = [*ACCREDIT, "hub", "restore", str(path), "--to", str(new)]
        with Started(command, stdout=subprocess.DEVNULL) as restore:
            while restore.poll() is None and not (partial / until).exists():
                pass
            restore.kill()
        if new.exists():  # it was quicker than the signal
            shutil.rmtree(new)
    accredit("hub", "restore", path, "--to", new)

    assert not partial.exists()
    assert rows_in(tmp_path / "out/registry.sqlite") == rows_in(new / "results/registry.sqlite")
    assert 2000 == len([*(new / "results/evidence").iterdir()])
