"""A campaign over simulated lines: the command line without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.model.campaign import Limits
from probes.clients import school_check
from test_suites.rehearsal import simulated_origin, write_campaign
from test_suites.unit.harness.cli.checking_school import School

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


@pytest.fixture
def hurried_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence costs a few seconds."""
    limits = Limits(timeout=1.0, confirmation_timeout=2.5, redirects=4, body_bytes=256 * 1024)
    monkeypatch.setattr(school_check, "LIMITS", limits)


@pytest.fixture
def school(runner: CliRunner, tmp_path: Path, hurried_check: None) -> Iterator[School]:
    with ExitStack() as closing:
        yield School(runner, tmp_path, closing)
