"""Due dates and tables of plans by the command as a process: exit codes, pipes and messages."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from harness.cli.registry_session import open_session, place_of
from harness.follow.findings import draft_plan
from harness.model.event import FindingOpened
from test_suites.kit.campaigns.example import example_finding
from test_suites.kit.processes.warm_start import run


def accredit(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``accredit plan ...`` in a folder."""
    return run(
        [sys.executable, "-m", "harness.cli.process", "plan", *words],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip


def test_what_is_due_is_printed_written_and_imported(tmp_path: Path) -> None:
    at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    finding = example_finding(severity="Maj", supplier="Acme", service="Safe\x1b[31m Net")
    with open_session(tmp_path / "out/registry.sqlite", create=True) as book:
        opened = FindingOpened(at=at, actor="Cy", finding=finding)
        book.record(place_of("Acme"), opened, draft_plan(finding, at=at, actor="Cy"))
    (tmp_path / "plans.csv").write_text("plan,progress\nP-0009,x\n", encoding="utf-8")

    digest = accredit(tmp_path, "digest")
    assert (digest.returncode, digest.stderr) == (0, "")
    assert "Safe\\x1b[31m Net" in digest.stdout
    refused = accredit(tmp_path, "import", "plans.csv", "--supplier", "Acme")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert " ".join(refused.stderr.split()) == (
        "accredit: plans.csv:2: plan: no plan 'P-0009' of this supplier is in the registry; "
        "known: P-0001"
    )
    written = accredit(tmp_path, "calendar", "--out", "due.ics")
    assert (written.returncode, written.stdout) == (0, "due.ics: 2 entries\n")
    assert (tmp_path / "due.ics").read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")
