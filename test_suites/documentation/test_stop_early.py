"""What the guide on stopping early shows is what happens."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from rich.console import Console
from ruamel.yaml import YAML

from harness.campaign.origin_file import write_origin
from harness.cli.compose import prepare
from harness.cli.conclude import conclude_journal
from harness.cli.measure import measure_prepared
from harness.ports.network import Origin
from test_suites.kit.campaigns.rehearsal import write_campaign

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/stop-early.md"
BLOCK = ["PORN", "ADLT", "DRUG", "copper-meadow.accredit.test"]


def test_the_example_says_what_the_guide_says_it_does(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    [example] = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    shown: dict[str, Any] = YAML(typ="safe").load(example)
    origin = Origin(
        zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="a", key=b"k" * 32
    )
    write_origin(origin, tmp_path / "origin.json")
    campaign = write_campaign(
        tmp_path / "run",
        origin=tmp_path / "origin.json",
        lines=[{"name": "proxy", "type": "simulated", "options": {"block": BLOCK}}],
        categories=["PORN", "ADLT", "DRUG"],
        control={"type": "simulated"},
        limits={"batch": 20, "concurrency": 20},
        **shown,
    )
    said = io.StringIO()

    places = measure_prepared(prepare(campaign), tmp_path / "out", Console(file=said))
    assessment, _ = conclude_journal(places.journal)
    outcomes = {one.requirement.id: one for one in assessment.outcomes}

    sentence = "plan 2 (DRUG) for pupils: decided after 36 items on proxy;"
    assert sentence in text
    assert sentence in said.getvalue()
    rule = (
        "sequential test of stopping plan 2 (Wald): 90 % against 98 %, each way at most 5 % wrong"
    )
    assert rule in text
    assert outcomes["URL-04"].decided_by.startswith(rule)
    assert {"conforms"} == {outcomes[name].conformity.value for name in ("URL-01", "URL-04")}
