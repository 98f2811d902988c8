"""The pages of a hub in a browser: at every width, light and dark, with and without scripts.

``PAGE_SETS`` lists the pages and who looks; every check is done on each.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.model.hub_access import Role
from reports.dashboard.pages import sites
from test_suites.browser.chromium import Page
from test_suites.browser.layout_checks import (
    BROKEN,
    CLIPPED,
    OVERLAPS,
    SCREENS,
    UNFOLD,
    WIDER,
    axe,
    violations,
)
from test_suites.kit.hubs.hub_page_sets import PAGE_SETS
from test_suites.kit.hubs.hub_pages import (
    HubPage,
    InventedSites,
    example_viewers,
    filled_registry,
    many_sites,
)
from test_suites.kit.hubs.hub_serving import app_of, served

WIDTHS = (320, 390, 768, 1280)
REQUESTED = "performance.getEntriesByType('resource').map(each => each.name)"
FOCUSABLE = """
[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter(each => each.checkVisibility())
"""
NOTE_FOCUS = "window.reached = new Set(); addEventListener('focusin', e => reached.add(e.target))"
UNREACHED = f"{FOCUSABLE}.filter(each => !reached.has(each)).map(each => each.outerHTML)"
TAB = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}


class ServedSet(NamedTuple):
    """A set of pages, and the address where it is served."""

    address: str
    pages: tuple[HubPage, ...]


@pytest.fixture(scope="module", params=PAGE_SETS)
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedSet]:
    """Each set of pages, served."""
    with (
        PAGE_SETS[request.param](tmp_path_factory.mktemp("hub")) as made,
        served(made.app) as address,
    ):
        yield ServedSet(address, made.pages)


async def show(page: Page, address: str, shown: HubPage) -> None:
    """Load a page as somebody of that role."""
    await page.call("Network.enable")
    await page.call("Network.clearBrowserCookies")
    if shown.role:
        await page.call("Network.setCookie", name="accredit_session", value=shown.role, url=address)
    await page.open(f"{address}{shown.path}")


def faults(page: Page) -> list[str]:
    """What went wrong in a page; hints of the browser do not count."""
    return [said for said in page.said if "'level': 'verbose'" not in said]


async def tab(page: Page) -> None:
    await page.call("Input.dispatchKeyEvent", type="keyDown", **TAB)
    await page.call("Input.dispatchKeyEvent", type="keyUp", **TAB)


@pytest.mark.timeout(900)
async def test_axe_finds_nothing_on_any_page(page: Page, hub: ServedSet) -> None:
    core = axe()
    for shown in hub.pages:
        await show(page, hub.address, shown)
        await page.run(UNFOLD)
        for width, scheme in SCREENS:
            await page.resize(width, scheme)
            assert [] == await violations(page, core), (shown, width, scheme)
    assert [] == faults(page)


@pytest.mark.timeout(900)
async def test_nothing_is_outside_cut_off_or_covered(page: Page, hub: ServedSet) -> None:
    for shown in hub.pages:
        await show(page, hub.address, shown)
        await page.run(UNFOLD)
        for width in WIDTHS:
            await page.resize(width)
            where = shown, width
            assert await page.run("document.documentElement.scrollWidth") <= width, where
            assert [] == await page.run(WIDER), where
            assert [] == await page.run(CLIPPED), where
            assert [] == await page.run(OVERLAPS), where
            assert [] == await page.run(BROKEN), where


@pytest.mark.timeout(900)
async def test_no_page_asks_another_host_or_breaks_the_content_security_policy(
    page: Page, hub: ServedSet
) -> None:
    for shown in hub.pages:
        await show(page, hub.address, shown)
        asked = await page.run(REQUESTED)

        assert any("hub.css" in each for each in asked)
        assert [] == [each for each in asked if not each.startswith(f"{hub.address}/static/")], (
            shown
        )
        assert await page.run("typeof htmx") == "object"
        assert await page.run("document.querySelectorAll('[style]').length") == 0
    assert [] == faults(page)


@pytest.mark.timeout(900)
async def test_without_scripts_each_page_shows_the_same_text(page: Page, hub: ServedSet) -> None:
    for shown in hub.pages:
        await page.call("Emulation.setScriptExecutionDisabled", value=False)
        await show(page, hub.address, shown)
        with_scripts = await page.text()
        await page.call("Emulation.setScriptExecutionDisabled", value=True)
        await show(page, hub.address, shown)

        assert with_scripts == await page.text(), shown


@pytest.mark.timeout(900)
async def test_the_keyboard_alone_reaches_everything(page: Page, hub: ServedSet) -> None:
    for shown in hub.pages:
        await show(page, hub.address, shown)
        await page.run(NOTE_FOCUS)
        for _ in range(await page.run(f"{FOCUSABLE}.length") + 5):
            await tab(page)

        assert [] == await page.run(UNREACHED), shown


@pytest.fixture
def many(tmp_path: Path) -> Iterator[str]:
    """The address of a hub with 120 sites."""
    with filled_registry(tmp_path) as registry:
        port = InventedSites(many_sites(120))
        app = app_of(registry, (sites.routes(port),), example_viewers())
        with served(app) as address:
            yield address


FIRST_ROW = "document.querySelector('tbody th').textContent"
FOCUSED = "document.activeElement.id || document.activeElement.tagName"
SWAPPED = """
new Promise(resolve => document.addEventListener('htmx:after:swap', () => setTimeout(resolve), {once: true}))
"""


async def swap(page: Page, act: str) -> None:
    """Do something in the page, and wait until htmx has put new content in."""
    await page.run(f"(() => {{ const done = {SWAPPED}; {act}; return done; }})()")


@pytest.mark.timeout(600)
async def test_the_next_page_comes_in_place_and_back_goes_back(page: Page, many: str) -> None:
    await show(page, many, HubPage("/sites", Role.ASSESSOR))
    await page.run("window.kept = true; document.getElementById('next').focus()")

    await swap(page, "document.getElementById('next').click()")

    assert await page.run("window.kept") is True
    assert (await page.run(FIRST_ROW)).startswith("School 051")
    assert await page.run("location.search") == "?state=&q=&start=50"
    assert await page.run("document.querySelectorAll('main').length") == 1
    assert await page.run(FOCUSED) == "next"
    await swap(page, "document.getElementById('next').click()")
    assert await page.run(FOCUSED) == "main"
    assert "120 sites" in await page.run("document.title")

    await page.run("history.back()")
    await page.loaded()
    assert (await page.run(FIRST_ROW)).startswith("School 051")
    assert await page.run("window.kept") is None
    assert [] == faults(page)


@pytest.mark.timeout(600)
async def test_a_filter_comes_in_place_and_its_field_keeps_the_focus(page: Page, many: str) -> None:
    await show(page, many, HubPage("/sites", Role.ASSESSOR))
    await page.run("window.kept = true; document.getElementById('q').focus()")

    await swap(page, "q.value = '<b>117'; q.form.requestSubmit()")
    assert "No site matches" in await page.run("document.getElementById('main').textContent")
    await swap(page, "q.value = '117'; q.form.requestSubmit()")

    assert await page.run("window.kept") is True
    assert (await page.run(FIRST_ROW)).startswith("School 117")
    assert await page.run(FOCUSED) == "q"
    assert [] == faults(page)


@pytest.mark.timeout(600)
async def test_a_session_that_ended_leads_to_the_sign_in_page(page: Page, many: str) -> None:
    await show(page, many, HubPage("/sites", Role.ASSESSOR))
    await page.call("Network.clearBrowserCookies")

    await page.run("document.getElementById('next').click()")
    await page.loaded()

    assert await page.run("location.pathname + location.search") == (
        "/sign-in?to=/sites%3Fstate%3D%26q%3D%26start%3D50"
    )
