"""An agent stays small: what the distribution brings without extras is enough to measure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.campaign.origin_file import write_origin
from harness.ports.network import Origin
from test_suites.rehearsal import write_campaign

MEASURE = """
import sys

class Absent:
    names = {
        "scipy", "pandas", "matplotlib", "sqlalchemy", "jinja2", "pytest", "allure",
        "quickjs", "uvloop", "h2"
    }

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from harness.cli.process import run
run()
"""


def test_measuring_needs_no_extra(tmp_path: Path) -> None:
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

    measured = accredit("measure", str(campaign), "--out", str(tmp_path / "out"))
    concluded = accredit("conclude", str(tmp_path / "out/rehearsal"))

    assert 0 == measured.returncode, measured.stderr
    assert 2 == concluded.returncode
    assert "pip install 'isp-accredit[assess]'" in concluded.stderr
