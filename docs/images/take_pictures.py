"""Takes the pictures of the README: the report in Chromium, and the terminal's own output.

Run from the root: ``python docs/images/take_pictures.py``. It needs Debian's chromium.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console

from harness.cli.demo import demo_command
from harness.store.assessments import read_assessment
from reports.terminal import render_assessment
from test_suites.browser.chromium import FLAGS

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run the demo and photograph what it leaves."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        demo_command(home)
        places = home / "demo-run/demo"
        shoot(places / "report-becta-2008.html", HERE / "report.png", home, "1280,1400")
        console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True)
        render_assessment(read_assessment(places / "assessment-becta-2008.json"), console)
        drawn = home / "terminal.svg"
        drawn.write_text(console.export_svg(title="accredit conclude out/demo"), encoding="utf-8")
        page = home / "terminal.html"
        page.write_text(f'<body style="margin:0">{drawn.read_text(encoding="utf-8")}</body>')
        shoot(page, HERE / "terminal.png", home, "1100,1500")


def shoot(page: Path, picture: Path, home: Path, size: str) -> None:
    """Photograph a page in a headless browser."""
    chromium = shutil.which("chromium") or "chromium"
    subprocess.run(
        [
            chromium,
            *FLAGS,
            f"--user-data-dir={home / 'chromium'}",
            f"--window-size={size}",
            f"--screenshot={picture}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
    )


if __name__ == "__main__":
    main()
