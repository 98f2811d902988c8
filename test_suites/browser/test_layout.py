"""The report as a browser lays it out: accessible, whole, on one page, at every width."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from harness.follow.findings import draft_plan, follow_ups, open_findings
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.model.event import FindingOpened
from harness.model.outcome import Assessment, Conformity, LineUnderTest
from harness.pipeline import conclude
from harness.schemes.load import load_scheme
from harness.store.journal.journal import open_journal
from reports.documents import Report
from reports.documents.html import write_html
from test_suites.browser.chromium import Page
from test_suites.browser.layout_checks import (
    BROKEN,
    CLIPPED,
    GAP,
    OVERLAPS,
    SCREENS,
    UNFOLD,
    WIDER,
    WIDTHS,
    axe,
    violations,
)
from test_suites.kit.campaigns.example import example_assessment, example_metric, example_outcome
from test_suites.kit.campaigns.held import unpacked
from test_suites.kit.campaigns.hostile_texts import NAME
from test_suites.kit.campaigns.instrument import WHOLE

HIGHEST = 4200
"""The height of the demo's report in CSS pixels, 1280 wide and folded."""
A4 = (680, 998)
"""Width and height in CSS pixels of what is printed on a page: 180 by 264 mm."""


def followed(assessment: Assessment) -> Report:
    """The report of an assessment with a draft plan for each failure."""
    at = assessment.concluded
    findings = open_findings(assessment, at, StreamState())
    events = [
        event
        for finding in findings
        for event in (
            FindingOpened(at=at, actor="assessor", finding=finding),
            draft_plan(finding, at=at, actor="assessor"),
        )
    ]
    plans = follow_ups(assessment, replay(events))
    return Report(assessment=assessment, follow_ups=plans, read=at + timedelta(days=400))


@cache
def demo_assessment(folder: Path) -> Assessment:
    """The demo of an earlier version, by its ten checks of the web."""
    journal = open_journal(unpacked("demo", folder))
    try:
        return conclude(journal, load_scheme("becta-2008").within("web"))
    finally:
        journal.close()


def lines() -> tuple[LineUnderTest, ...]:
    return (
        LineUnderTest(name="proxy", type="explicit_proxy", site="Northfield", place="Library",
                      device="Laptop", group="Pupils"),
        LineUnderTest(name="resolver", type="resolver", site="Northfield", place="Library",
                      device="Tablet", group="Staff"),
        LineUnderTest(name="annexe", type="interface", site="Southfield", place="Annexe",
                      device="Laptop", group="Pupils"),
    )  # fmt: skip


def conforming() -> Assessment:
    return example_assessment(outcomes=(example_outcome(),), preconditions=(), mechanisms={})


def numerous() -> Assessment:
    """Outcomes of thousands of items: a row of the table has room for their numbers."""
    outcomes = (
        example_outcome(metric=example_metric(312_680, 313_101, lower=0.99, upper=0.9999)),
        example_outcome(
            Conformity.DOES_NOT_CONFORM, metric=example_metric(1268, 1310, lower=0.95, upper=0.98)
        ),
    )
    return example_assessment(outcomes=outcomes)


def hostile() -> Assessment:
    outcomes = tuple(
        replace(each, profile=NAME[:80], line=NAME[:80]) for each in example_assessment().outcomes
    )
    long = "w" * 300
    return example_assessment(
        outcomes=outcomes, service=long, supplier=NAME, title=long, scheme="x", warnings=(long,)
    )


EXAMPLES: dict[str, Callable[[], Assessment]] = {
    "fails": lambda: example_assessment(lines=lines(), instrument=(WHOLE,)),
    "conforms": conforming,
    "undecided": lambda: example_assessment(
        outcomes=tuple(
            replace(each, conformity=Conformity.INSUFFICIENT)
            for each in example_assessment().outcomes
        )
    ),
    "empty": lambda: example_assessment(
        outcomes=(), preconditions=(), rates=(), mechanisms={}, latencies={}, corpora=()
    ),
    "hostile": hostile,
    "numerous": numerous,
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    return write_html(followed(demo_assessment(folder)), folder / "report.html")


@pytest.fixture
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_html(followed(EXAMPLES[request.param]()), tmp_path / "report.html")


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("width", "scheme"), SCREENS)
async def test_axe_finds_nothing_in_the_demos_report(
    page: Page, demo: Path, width: int, scheme: str
) -> None:
    core = axe()
    await page.show(demo, width, scheme)
    assert [] == await violations(page, core)

    await page.run(UNFOLD)
    assert [] == await violations(page, core)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("example", EXAMPLES, indirect=True)
async def test_axe_finds_nothing_however_a_report_ends(page: Page, example: Path) -> None:
    core = axe()
    for width, scheme in SCREENS:
        await page.show(example, width, scheme)
        await page.run(UNFOLD)
        assert [] == await violations(page, core), (width, scheme)


@pytest.mark.timeout(120)
async def test_the_demos_report_of_ten_checks_is_at_most_4200_pixels_high(
    page: Page, demo: Path
) -> None:
    await page.show(demo, 1280)

    assert await page.run("document.documentElement.scrollHeight") <= HIGHEST
    assert await page.run(GAP) < 80
    assert page.said == []


@pytest.mark.timeout(240)
async def test_nothing_of_the_demos_report_is_clipped_covered_or_outside(
    page: Page, demo: Path
) -> None:
    await page.show(demo)
    for folded in (True, False):
        if not folded:
            await page.run(UNFOLD)
        for width in WIDTHS:
            await page.resize(width)
            assert await page.run("document.documentElement.scrollWidth") <= width
            assert [] == await page.run(WIDER), width
            assert [] == await page.run(CLIPPED), width
            assert [] == await page.run(OVERLAPS), width


@pytest.mark.timeout(240)
@pytest.mark.parametrize("example", EXAMPLES, indirect=True)
async def test_nothing_is_outside_however_a_report_ends(page: Page, example: Path) -> None:
    await page.show(example)
    await page.run(UNFOLD)
    for width in WIDTHS:
        await page.resize(width)
        assert await page.run("document.documentElement.scrollWidth") <= width
        assert [] == await page.run(WIDER), width
        assert [] == await page.run(OVERLAPS), width
        assert [] == await page.run(BROKEN), width


@pytest.mark.timeout(120)
async def test_the_first_printed_page_is_a_hand_out(page: Page, demo: Path) -> None:
    await page.show(demo)
    pages = len(re.findall(rb"/Type\s*/Page\b", await page.pdf()))
    await page.resize(A4[0], media="print")

    last = "document.getElementById('next-title').closest('section').getBoundingClientRect().bottom"
    assert await page.run(last) <= A4[1]
    breaks = "getComputedStyle(document.querySelector('section.page')).breakBefore"
    assert await page.run(breaks) == "page"
    assert 3 <= pages <= 11


@pytest.mark.timeout(120)
async def test_outcomes_differ_in_form_so_that_grey_is_enough(page: Page, demo: Path) -> None:
    await page.show(demo)
    forms = await page.run(
        "Object.fromEntries([...document.querySelectorAll('.chip')].map(each => [each.className, "
        "[getComputedStyle(each).borderTopStyle, getComputedStyle(each).backgroundColor]]))"
    )

    clear = "rgba(0, 0, 0, 0)"
    assert forms["chip insufficient"] == ["dashed", clear]
    assert forms["chip conforms"] == ["solid", clear]
    assert forms["chip does-not-conform"][1] != clear


TYPE = """
(words => {
  const field = document.querySelector('#item-filter input');
  field.value = words;
  field.dispatchEvent(new Event('input'));
  return [...document.querySelectorAll('[data-item]')].filter(each => each.checkVisibility())
    .map(each => each.textContent.trim());
})
"""


@pytest.mark.timeout(120)
async def test_the_filter_of_items_works_without_a_server(page: Page, demo: Path) -> None:
    await page.show(demo)
    every = await page.run(f"{TYPE}('')")
    found = await page.run(f"{TYPE}('CSAM ill-01')")

    assert len(every) == 10, "the others are folded"
    assert len(found) == 2
    assert all("ill-csam" in each for each in found)
    assert "2 of" in await page.run("document.querySelector('#item-filter output').textContent")
    assert len(await page.run(f"{TYPE}('drug')")) > 10, "it looks into the folded ones"
    assert every == await page.run(f"{TYPE}('')")
    assert page.said == []


@pytest.mark.timeout(120)
async def test_without_scripts_all_items_can_be_read(page: Page, demo: Path) -> None:
    await page.call("Emulation.setScriptExecutionDisabled", value=True)
    await page.show(demo)
    root = (await page.call("DOM.getDocument"))["root"]["nodeId"]

    for selector in ("#item-filter[hidden]", "#more-items [data-item]"):
        answer = await page.call("DOM.querySelector", nodeId=root, selector=selector)
        assert answer["nodeId"], selector
