"""Ways round the filter as a browser lays them out: accessible, whole, printable, without scripts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from harness.model.technique_matrix import technique_matrix
from reports.documents import Report
from reports.documents.html import write_html
from test_suites.browser.chromium import Page
from test_suites.browser.layout_checks import (
    BROKEN,
    CLIPPED,
    OVERLAPS,
    SCREENS,
    UNFOLD,
    WIDER,
    WIDTHS,
    axe,
    violations,
)
from test_suites.kit.campaigns.example import example_assessment
from test_suites.kit.campaigns.hostile_texts import NAME
from test_suites.kit.campaigns.technique_example import many_techniques, plain, trial

OPEN_GROUPS = "document.querySelectorAll('details.group').forEach(each => each.open = true)"
STATES = """
[...document.querySelectorAll('.cell summary')].filter(each => each.checkVisibility())
  .map(each => each.textContent.trim())
"""
OPENED = """
[...document.querySelectorAll('.cell')].filter(each => each.querySelector('dl').getClientRects().length
  && each.querySelector('dl').checkVisibility({contentVisibilityAuto: true}))
  .map(each => each.querySelector('summary').textContent.trim())
"""


def report(folder: Path, number: int, places: int) -> Path:
    assessment = example_assessment(techniques=many_techniques(number, places))
    return write_html(Report(assessment=assessment), folder / "report.html")


def hostile(folder: Path) -> Path:
    """Names as long and as odd as a journal allows."""
    place: dict[str, Any] = {"line": NAME[:80], "profile": NAME[:80]}
    trials = (
        trial(NAME, statement="w" * 300, reasons=("w" * 300,), nonce="n", **place),
        plain(NAME, **place),
    )
    found = technique_matrix(trials, {"n": ("w" * 300, NAME)})
    return write_html(
        Report(assessment=example_assessment(techniques=found)), folder / "report.html"
    )


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(tmp_path_factory.mktemp("few"), 1, 2)


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("width", "scheme"), SCREENS)
async def test_axe_finds_nothing(page: Page, few: Path, width: int, scheme: str) -> None:
    core = axe()
    await page.show(few, width, scheme)
    assert [] == await violations(page, core)

    await page.run(OPEN_GROUPS)
    assert [] == await violations(page, core)

    await page.run(UNFOLD)
    assert [] == await violations(page, core)
    assert page.said == []


@pytest.mark.timeout(240)
@pytest.mark.parametrize("places", [1, 4])
async def test_nothing_is_clipped_covered_or_outside(
    page: Page, tmp_path: Path, places: int
) -> None:
    await page.show(report(tmp_path, 1, places))
    await page.run(OPEN_GROUPS)
    for width in WIDTHS:
        await page.resize(width)
        assert await page.run("document.documentElement.scrollWidth") <= width
        for check in (WIDER, CLIPPED, BROKEN, OVERLAPS):
            assert [] == await page.run(check), width


@pytest.mark.timeout(240)
async def test_names_of_any_kind_stay_on_the_page(page: Page, tmp_path: Path) -> None:
    core = axe()
    await page.show(hostile(tmp_path))
    await page.run(UNFOLD)
    for width in WIDTHS:
        await page.resize(width)
        assert await page.run("document.documentElement.scrollWidth") <= width
        for check in (WIDER, BROKEN, OVERLAPS):
            assert [] == await page.run(check), width
    assert [] == await violations(page, core)


@pytest.mark.timeout(120)
async def test_cells_open_with_the_keyboard_and_without_scripts(page: Page, few: Path) -> None:
    await page.show(few)
    await page.run(OPEN_GROUPS)
    await page.run("document.querySelector('.cell summary').focus()")
    await page.call("Emulation.setScriptExecutionDisabled", value=True)
    for kind in ("keyDown", "keyUp"):
        await page.call(
            "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r",
            windowsVirtualKeyCode=13,
        )  # fmt: skip
    await page.call("Emulation.setScriptExecutionDisabled", value=False)

    assert await page.run("document.querySelector('.cell').open")
    assert len(await page.run(OPENED)) == 1


@pytest.mark.timeout(120)
async def test_hundreds_of_techniques_are_folded_into_a_few_screens(
    page: Page, tmp_path: Path
) -> None:
    await page.show(report(tmp_path, 6, 4))

    height = "document.querySelector('.ways').getBoundingClientRect().height"
    assert await page.run("document.querySelectorAll('.cell').length") > 1000
    assert await page.run(height) < 3000
    assert await page.run(STATES) == []


@pytest.mark.timeout(120)
async def test_printed_every_state_is_read_and_what_got_through_is_open(
    page: Page, few: Path
) -> None:
    await page.show(few)
    every = await page.run("document.querySelectorAll('.cell').length")
    await page.resize(680, media="print")
    opened = await page.run(OPENED)

    assert len(await page.run(STATES)) == every
    assert opened
    assert set(opened) == {"got through"}
    assert len(re.findall(rb"/Type\s*/Page\b", await page.pdf())) > 3


@pytest.mark.timeout(120)
async def test_states_differ_in_word_and_sign_so_that_grey_is_enough(page: Page, few: Path) -> None:
    await page.show(few)
    signs = await page.run(
        "Object.fromEntries([...document.querySelectorAll('.cell summary span')]"
        ".map(each => [each.textContent.trim(), each.querySelector('path').getAttribute('d')]))"
    )

    assert {"got through", "stopped", "not decided"} <= signs.keys()
    assert len({signs[word] for word in ("got through", "stopped", "not decided")}) == 3
