"""The same figure stands in the terminal, the report, the site, a page of the hub and the API."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from harness.cli.demo_hub_files import GATEWAY
from harness.cli.paths import CampaignPaths
from harness.cli.site import write_site
from harness.model.outcome import Assessment, Outcome
from harness.store.assessments import read_assessment
from reports.dashboard.addresses import address
from reports.documents import Report
from reports.documents.html import render
from reports.phrases import tight
from reports.requirement_table import measured_in_words
from reports.terminal import render_assessment
from test_suites.demo_hub_example import NORTHGATE, NOW, DemoHub, Got, opened_demo
from test_suites.set_clock import SetClock


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("agree") / "hub"


@pytest.fixture(scope="module")
def hub(folder: Path) -> Iterator[DemoHub]:
    with opened_demo(folder) as made:
        yield made


@pytest.fixture(scope="module")
def newest(hub: DemoHub, folder: Path) -> Assessment:
    """The assessment of the newest campaign of the gateway whose items were measured."""
    rows = hub.get("/api/v1/exports/campaigns.jsonl", "owner").text.splitlines()
    found = [json.loads(row) for row in rows]
    measured = [row for row in found if row["service"] == GATEWAY.name and row["has_items"]]
    last = max(measured, key=lambda row: str(row["measured_at"]))
    paths = CampaignPaths(out=folder / "out", campaign=last["campaign"])
    return read_assessment(paths.assessment(last["scheme"]))


def page_of(hub: DemoHub, assessment: Assessment) -> Got:
    return hub.get(address("campaigns", NORTHGATE, assessment.campaign), "owner")


def tested(assessment: Assessment) -> list[Outcome]:
    return [each for each in assessment.outcomes if each.requirement.binding and each.metric.tried]


def plain(text: str) -> str:
    return " ".join(tight(re.sub(r"<[^>]+>", " ", text)).replace("\u00a0", " ").split())


def test_a_figure_is_the_same_wherever_it_stands(
    hub: DemoHub, newest: Assessment, folder: Path, tmp_path: Path
) -> None:
    console = Console(file=io.StringIO(), width=400)
    render_assessment(newest, console)
    assert isinstance(console.file, io.StringIO)
    terminal = plain(console.file.getvalue())
    report = plain(render(Report(assessment=newest)))
    page = plain(page_of(hub, newest).text)
    written = write_site(
        tmp_path / "site", folder / "out", folder / "out" / "registry.sqlite", SetClock(NOW)
    )
    trends = sorted((written.owner.parent / "trends").glob("*.html"))
    site = " ".join(plain(path.read_text(encoding="utf-8")) for path in trends)
    rows = hub.get(f"/api/v1/outcomes?service={GATEWAY.name.replace(' ', '+')}&limit=500", "owner")

    assert len(tested(newest)) > 5
    for outcome in tested(newest):
        measured = plain(measured_in_words(outcome))
        for where, text in (("report", report), ("page", page), ("site", site)):
            assert measured in text, (where, outcome.requirement.id, measured)
        value = outcome.metric.value
        assert value is None or f'"requirement":"{outcome.requirement.id}"' in rows.text
        if value is not None and outcome.metric.unit == "share":
            assert outcome.requirement.id in terminal
