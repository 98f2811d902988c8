"""Each tutorial's commands run as they stand, one shell from an empty folder to the end."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
COMMANDS = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    """The commands that a reader is told to type."""
    blocks = COMMANDS.findall(page.read_text(encoding="utf-8"))
    return [
        line.removeprefix("$ ")
        for block in blocks
        for line in block.splitlines()
        if line.startswith("$ ")
    ]


@pytest.mark.timeout(400)
def test_first_campaign(tmp_path: Path) -> None:
    """From an empty folder to a report; the reference filter has no fault, so it conforms."""
    lines = commands(DOCS / "tutorials/first-campaign.md")
    assert any(line.startswith("accredit run") for line in lines)
    script = "\n".join(
        ["set -eu", "trap 'accredit range down || true' ERR EXIT", *lines, "trap - EXIT"]
    )
    bash = shutil.which("bash") or "bash"
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    }

    ended = subprocess.run(
        [bash, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == ended.returncode, ended.stdout + ended.stderr
    assert (tmp_path / "first/out/first-campaign/report-becta-2008.html").exists()
    told = (tmp_path / "first/outcomes.json").read_text()
    assert "agreed list only" in told.splitlines()[0]
    assert (tmp_path / "first/out/second-campaign/report-becta-2008.html").exists()
    assert not (tmp_path / "first/range.pid").exists()


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(DOCS)}: {target}"
        for page in (*DOCS.rglob("*.md"), DOCS.parent / "README.md")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]

    assert [] == broken
