"""The page of an agent as a browser lays it out, in each of its states."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.agent_page import agent_page
from test_suites.browser.chromium import Page
from test_suites.browser.layout_checks import (
    CLIPPED,
    OVERLAPS,
    SCREENS,
    WIDER,
    WIDTHS,
    axe,
    violations,
)
from test_suites.kit.hubs.agent_pages import STATES


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    home = tmp_path_factory.mktemp("agent")
    for name, facts in STATES.items():
        (home / f"{name}.html").write_text(agent_page(facts), encoding="utf-8")
    return sorted(home.iterdir())


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("width", "scheme"), SCREENS)
async def test_axe_finds_nothing_in_any_state(
    page: Page, pages: list[Path], width: int, scheme: str
) -> None:
    core = axe()
    for path in pages:
        await page.show(path, width, scheme)
        assert [] == await violations(page, core), path.name
    assert page.said == []


@pytest.mark.timeout(240)
async def test_nothing_is_outside_cut_off_or_covered(page: Page, pages: list[Path]) -> None:
    for path in pages:
        await page.show(path)
        for width in WIDTHS:
            await page.resize(width)
            where = path.name, width
            assert await page.run("document.documentElement.scrollWidth") <= width, where
            assert [] == await page.run(WIDER), where
            assert [] == await page.run(CLIPPED), where
            assert [] == await page.run(OVERLAPS), where


@pytest.mark.timeout(120)
async def test_it_is_whole_without_scripts_and_needs_no_keys(page: Page, pages: list[Path]) -> None:
    await page.call("Emulation.setScriptExecutionDisabled", value=True)
    for path in pages:
        await page.show(path)
        root = (await page.call("DOM.getDocument"))["root"]["nodeId"]
        held = await page.call("DOM.querySelectorAll", nodeId=root, selector="main h1, main .lead")
        assert 2 == len(held["nodeIds"]), path.name
        controls = "script, a, button, input, select, summary, [tabindex], [hidden], [onclick]"
        found = await page.call("DOM.querySelectorAll", nodeId=root, selector=controls)
        assert [] == found["nodeIds"], path.name
