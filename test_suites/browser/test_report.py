"""The report in a real browser: it stands by itself, and asks the network for nothing."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.documents import Report
from reports.documents.html import write_html
from test_suites.example import example_assessment
from test_suites.products.process import require, which

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
]


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


@pytest.mark.timeout(120)
def test_the_page_stands_by_itself(server: Server, tmp_path: Path) -> None:
    require("chromium")
    chromium = which("chromium") or ""
    address = f"http://127.0.0.1:{server.server_port}/report.html"

    ended = subprocess.run(
        [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", address],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == ended.returncode, ended.stderr[-2000:]
    assert "<h1" in ended.stdout
    assert ended.stdout.count("<svg") >= 3
    assert "CONSOLE" not in ended.stderr, ended.stderr[-2000:]
    assert {"/report.html"} == set(server.asked) - {"/favicon.ico"}
