"""A campaign over simulated lines: the command line without a socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from test_suites.rehearsal import simulated_origin, write_campaign

BLOCKED = ["PORN", "ADLT", "VIOL", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "MALW", "ILL"]
BLOCKED_HOSTS = ["copper-meadow.accredit.test"]


@pytest.fixture
def runner() -> CliRunner:
    """Runs the command line in this process."""
    return CliRunner()


@pytest.fixture
def simulated(tmp_path: Path) -> Any:
    """Writes campaigns over a simulated service; options go to its line."""
    origin = simulated_origin(tmp_path, twin_zone="orchard-view.test")

    def write(name: str = "simulated", sample: int | None = 8, **options: Any) -> Path:
        line = {"name": "proxy", "type": "simulated"}
        return write_campaign(
            tmp_path / name,
            origin=origin,
            lines=[line | {"options": {"block": BLOCKED + BLOCKED_HOSTS} | options}],
            categories=[
                "PORN",
                "ADLT",
                "VIOL",
                "DISC",
                "EXTR",
                "DRUG",
                "CRIM",
                "PIRA",
                "MALW.HACK",
            ],
            sample=sample,
            whole=["ILL.CSAM"],
            campaign=name,
            control={"type": "simulated"},
            plain_twins={"pause": 0},
        )

    return write
