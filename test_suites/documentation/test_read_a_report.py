"""The commands of the guide to reports run as they stand, in order, from an empty folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from test_suites.documentation.test_tutorials import DOCS, commands

PAGE = DOCS / "how-to/read-a-report.md"


@pytest.mark.timeout(400)
def test_read_a_report(tmp_path: Path) -> None:
    lines = commands(PAGE)
    assert any("--figures" in line for line in lines)
    script = "\n".join(["set -eu", "accredit demo", *lines])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    ended = subprocess.run(
        [shutil.which("bash") or "bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == ended.returncode, ended.stdout + ended.stderr
    page = (tmp_path / "out/demo-run/demo/report-becta-2008.html").read_text(encoding="utf-8")
    assert "Fixed since" in page
    assert "What failed, and what happens next" in page
    assert list((tmp_path / "charts").glob("*.png"))
    assert (tmp_path / "outcomes.xlsx").stat().st_size > 1000


def test_every_part_that_the_guide_names_is_a_part_of_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    template = (DOCS.parent / "reports/documents/report.html.j2").read_text(encoding="utf-8")

    for heading in (
        "Does it get in the way of teaching?",
        "What it blocked, how, and where",
        "How sure are we?",
        "Provenance",
    ):
        assert f"**{heading}**" in text
        assert f">{heading}</h2>" in template
