"""TQ-01 to TQ-13: each gate is met, broken and not shown, and what it guards follows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import seed as seed_command
from harness.cli.main import app
from harness.model.outcome import Conformity, Outcome
from test_suites.rehearsal import Rehearsal, hidden_campaign, hidden_list, rehearse
from test_suites.right_clock import synchronised

FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
GATES = ("TQ-01", "TQ-02", "TQ-03", "TQ-05", "TQ-06", "TQ-12", "TQ-13")
SCHEME = """\
id: our-school
version: "1.0"
title: Gates
policy: uk-schools-2026
requirements:
  - {id: URL-04, n_min: 59}
%s
"""


class GatedCampaign:
    """A service that blocks real sites of a hidden list, and what is on record of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.audit: dict[str, int] | None = {"items": 400, "wrong": 0}
        self.alpha: float | None = 0.9
        self.binding = True
        self.options: dict[str, Any] = {}
        self.name = "autumn"
        folder.mkdir(exist_ok=True)

    def write(self) -> Path:
        rows = "\n".join(
            f"  - {{id: {name}, binding: {str(self.binding).lower()}}}" for name in GATES
        )
        (self.folder / "scheme.yaml").write_text(SCHEME % rows)
        pack = self.folder / "a"
        if not pack.exists():
            hidden_list(self.folder, "a")
        manifest = json.loads((pack / "datapackage.json").read_text())
        labels: dict[str, Any] = {"method": "adjudicated", "raters": 2}
        labels |= {"audit": self.audit} if self.audit else {}
        labels |= {} if self.alpha is None else {"krippendorff_alpha": self.alpha}
        manifest["accredit"]["labels"] = labels
        (pack / "datapackage.json").write_text(json.dumps(manifest))
        path = hidden_campaign(self.folder, self.name, "./a", sample=120, **self.options)
        text = path.read_text().replace(f"seed: {self.name}\n", "")
        path.write_text(text + "scheme: scheme.yaml\n")
        return path

    def commit(self, *words: str) -> Any:
        return CliRunner().invoke(
            app,
            ["seed", "commit", str(self.write()), "--file", str(self.folder / f"{self.name}.json"),
             "--out", str(self.folder / "out"), *words],
        )  # fmt: skip

    def measure(self) -> Rehearsal:
        with pytest.MonkeyPatch.context() as patched:
            patched.chdir(self.folder)
            ran = CliRunner().invoke(app, ["measure", str(self.write()), "--out", "out"])
            assert not ran.exit_code, ran.output
        from test_suites.rehearsal import read_rehearsal

        return read_rehearsal(self.folder / "out" / self.name / "journal")


def found(run: Rehearsal) -> dict[str, Conformity]:
    return {one.requirement.id: one.conformity for one in run.assessment.outcomes}


@pytest.fixture
def tested(tmp_path: Path) -> Iterator[GatedCampaign]:
    with synchronised():
        yield GatedCampaign(tmp_path / "t")


def test_a_test_that_is_in_order_lets_its_outcomes_stand(tested: GatedCampaign) -> None:
    ran = tested.commit()
    assert not ran.exit_code, ran.output
    run = tested.measure()
    for one in run.assessment.outcomes:
        print(one.id, one.conformity, one.metric.value, one.metric.n, one.reasons, one.metric.method)
    assert found(run) == dict.fromkeys(("URL-04", *GATES), CONFORMS)
