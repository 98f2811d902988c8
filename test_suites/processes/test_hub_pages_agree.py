"""The same figure stands in the terminal, the report, the site, a page of the hub and the API.

So does the same status, and the pages of the hub tell the story that the demonstration plays.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from selectolax.lexbor import LexborHTMLParser

from harness.cli.demo_hub_files import GATEWAY, HARBOUR
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
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.demo_hub_example import NORTHGATE, NOW, DemoHub, Got, opened_demo

pytestmark = pytest.mark.timeout(1200)
"""The hub of the demonstration is made first, and every page of it is asked for."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("agree") / "hub"


@pytest.fixture(scope="module")
def hub(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    with opened_demo(folder, tmp_path_factory) as made:
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


def tried(assessment: Assessment) -> list[Outcome]:
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

    assert len(tried(newest)) > 5
    for outcome in tried(newest):
        measured = plain(measured_in_words(outcome))
        for where, text in (("report", report), ("page", page), ("site", site)):
            assert measured in text, (where, outcome.requirement.id, measured)
        value = outcome.metric.value
        assert value is None or f'"requirement":"{outcome.requirement.id}"' in rows.text
        if value is not None and outcome.metric.unit == "share":
            assert outcome.requirement.id in terminal


def text_of(got: Got, selector: str) -> str:
    found = LexborHTMLParser(got.text).css_first(selector)
    assert found is not None, selector
    return " ".join(found.text(separator=" ").split())


def test_the_overview_shows_the_status_of_the_register(hub: DemoHub) -> None:
    """An earlier version, which was replaced and has expired since, is neither shown nor due."""
    overview = hub.get("/overview", "owner")
    rows = LexborHTMLParser(overview.text).css("table.overview tbody tr")
    (harbour,) = (text for row in rows if HARBOUR.name in (text := row.text(separator=" ")))
    register = hub.get("/").text

    assert "7.2" in harbour
    assert "Accredited" in harbour
    assert "Expired" not in harbour
    assert "7.2" in register
    assert "End of the accreditation" not in text_of(overview, ".waiting")


def test_a_service_is_suspended_until_another_version_is_accredited(hub: DemoHub) -> None:
    page = hub.get(address("services", NORTHGATE, GATEWAY.name), "owner")
    tree = LexborHTMLParser(page.text)
    (held,) = tree.css("article.figure-of")[0].css("rect.held")
    start, width = (float(str(held.attributes[name]).rstrip("%")) for name in ("x", "width"))

    assert "Accredited with action plan" in text_of(page, ".chip")
    assert "It was suspended from 26 January 2026 to 3 June 2026." in text_of(page, ".lead")
    assert 50 < start < start + width < 85


def test_the_figure_is_the_end_of_its_picture(hub: DemoHub) -> None:
    """The worst newest result is that of a site; no audit stands as the present."""
    page = hub.get(address("services", NORTHGATE, GATEWAY.name), "owner")
    story, *others = LexborHTMLParser(page.text).css("article.figure-of")
    told = story.text(separator=" ")

    assert "OVB-03 for pupils on school at Grange School, weekly" == story.attributes["aria-label"]
    assert "Drawn:" not in told
    assert "measured" in told
    assert story.css('a[href$="/requirements/OVB-03#newest"]')
    assert all("weekly" in str(each.attributes["aria-label"]) for each in others)
    requirement = hub.get(
        address("services", NORTHGATE, GATEWAY.name, "requirements", "OVB-03"), "owner"
    )
    assert text_of(requirement, "h1").startswith("OVB-03: ")
    assert ", measured " in text_of(requirement, "h1")
    assert "Grange School" in text_of(requirement, "article.figure-of h3 + p")


def test_a_cause_says_what_is_known(hub: DemoHub) -> None:
    page = hub.get(address("services", NORTHGATE, GATEWAY.name), "owner")
    causes = text_of(page, "#causes + table")
    assert "rules" in causes
    assert "not known" not in causes
    assert "accredit" not in causes


def test_the_items_of_a_campaign_are_a_table_too(hub: DemoHub) -> None:
    got = hub.get(address("campaigns", NORTHGATE, "dns-retest") + "/items.csv", "owner")
    assert (200, "text/csv") == (got.status, got.kind)
    assert len(got.text.splitlines()) > 200
