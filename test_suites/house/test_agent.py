"""What the distribution brings without extras is enough for the main job, report included."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.campaign.origin_file import write_origin
from harness.ports.network import Origin
from test_suites.house.test_extras import PROJECT
from test_suites.kit.campaigns.rehearsal import write_campaign

MAIN_JOB = ("sqlalchemy", "jinja2")
"""Libraries that come into use only after measuring."""

MEASURE = """
from test_suites.kit.processes.without_extras import block
block()
from harness.cli.process import run
run()
"""


def test_a_run_with_its_report_needs_no_extra(tmp_path: Path) -> None:
    origin = Origin(
        zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="a.pem", key=b"k" * 32
    )
    write_origin(origin, tmp_path / "origin.json")
    block = ["DRUG", "copper-meadow.accredit.test"]
    campaign = write_campaign(
        tmp_path / "run",
        origin=tmp_path / "origin.json",
        lines=[{"name": "proxy", "type": "simulated", "options": {"block": block}}],
        categories=["DRUG"],
        sample=10,
        control={"type": "simulated"},
    )

    def accredit(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", MEASURE, *words], capture_output=True, text=True, check=False
        )

    ended = accredit("run", str(campaign), "--out", str(tmp_path / "out"))
    followed = accredit("plan", "list", "--registry", str(tmp_path / "out/registry.sqlite"))

    assert ended.returncode in (0, 1, 3), ended.stderr
    assert (tmp_path / "out/rehearsal/report-becta-2008.html").stat().st_size > 1000
    assert 0 == followed.returncode, followed.stderr


def test_no_module_that_measures_or_reports_needs_an_extra() -> None:
    needed = " ".join(PROJECT["dependencies"])

    assert [] == [name for name in MAIN_JOB if name not in needed]
