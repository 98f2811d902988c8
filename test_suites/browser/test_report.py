"""Pages in a real browser: each stands by itself, and asks the network for nothing."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpora.check_targets import shipped_targets
from harness.model.school_check import (
    CheckRecord,
    CheckResult,
    CheckRow,
    Circumstances,
    Result,
)
from reports.documents import Report
from reports.documents.html import write_html
from reports.school_check import render_check
from test_suites.browser.chromium import FLAGS
from test_suites.kit.campaigns.example import example_assessment
from test_suites.kit.processes.product import require, which


class Server(http.server.ThreadingHTTPServer):
    """Serves one folder, and remembers what was asked for."""

    def __init__(self, folder: Path) -> None:
        asked: list[str] = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

            def log_message(self, *_: object) -> None:
                asked.append(self.path)

        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = asked


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A web server on loopback with the example report in it."""
    write_html(Report(assessment=example_assessment()), tmp_path / "report.html")
    with Server(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def dump(server: Server, page: str, profile: Path) -> str:
    """The page as Chromium has it; it must complain of nothing, and ask for nothing else."""
    require("chromium")
    chromium = which("chromium") or ""
    address = f"http://127.0.0.1:{server.server_port}/{page}"

    ended = subprocess.run(
        [
            chromium,
            *FLAGS,
            "--enable-logging=stderr",
            f"--user-data-dir={profile}",
            "--dump-dom",
            address,
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == ended.returncode, ended.stderr[-2000:]
    assert "CONSOLE" not in ended.stderr, ended.stderr[-2000:]
    assert {f"/{page}"} == set(server.asked) - {"/favicon.ico"}
    return ended.stdout


@pytest.mark.timeout(120)
def test_the_page_stands_by_itself(server: Server, tmp_path: Path) -> None:
    shown = dump(server, "report.html", tmp_path / "profile")

    assert "<h1" in shown
    assert shown.count("<svg") >= 3


@pytest.mark.timeout(120)
def test_the_page_of_a_schools_check_stands_by_itself(server: Server, tmp_path: Path) -> None:
    at = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
    rows = tuple(
        CheckRow.of(target, CheckResult(result=Result.GOT_THROUGH, reason="<b>so</b>"), at)
        for target in shipped_targets()
    )
    stated = Circumstances(site="Green School")
    record = CheckRecord(version="1", begun=at, ended=at, circumstances=stated, rows=rows)
    (tmp_path / "record.html").write_text(render_check(record, [record]), encoding="utf-8")

    shown = dump(server, "record.html", tmp_path / "profile")

    assert shown.count("<tr>") > len(rows)
    assert "<details>" in shown
    assert "<b>so" not in shown
