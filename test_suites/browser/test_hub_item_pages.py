"""Pages of campaigns, items and comparisons in a browser: at every width, light and dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reports.dashboard.addresses import address
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
from test_suites.hub_items_example import AFTER, BEFORE, NORTHGATE, campaigns_registry
from test_suites.hub_items_pages import ASSESSOR, SUPPLIER, PagesWorld, of_campaign
from test_suites.hub_serving import served

WIDTHS = (320, 390, 768, 1280)


class Served:
    """The pages at an address, and the paths to look at, each with the role of who looks."""

    def __init__(self, address_of_hub: str, world: PagesWorld) -> None:
        self.address = address_of_hub
        self.paths = (
            ("/campaigns", ASSESSOR),
            ("/campaigns?site=nowhere", ASSESSOR),
            (of_campaign(), ASSESSOR),
            (of_campaign(), SUPPLIER),
            (of_campaign("items", requirement="URL-04"), ASSESSOR),
            (of_campaign("items", category="NONE"), ASSESSOR),
            (of_campaign("items"), SUPPLIER),
            (world.item("drug-01"), ASSESSOR),
            (world.item("drug-03"), ASSESSOR),
            (world.item("=drug-04"), ASSESSOR),
            (world.item("s3-1"), ASSESSOR),
            (world.item("private-05"), SUPPLIER),
            (address("compare", stream=NORTHGATE, before=BEFORE, after=AFTER), ASSESSOR),
            (address("compare", stream=NORTHGATE, after=BEFORE), ASSESSOR),
        )


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A hub with the example's pages."""
    folder = tmp_path_factory.mktemp("hub")
    with campaigns_registry(folder) as registry:
        world = PagesWorld(registry, folder)
        with served(world.app) as address_of_hub:
            yield Served(address_of_hub, world)


async def show(page: Page, hub: Served, path: str, role: str) -> None:
    """Load a page as somebody of that role."""
    await page.call("Network.enable")
    await page.call("Network.setCookie", name="accredit_session", value=role, url=hub.address)
    await page.open(f"{hub.address}{path}")


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("width", "scheme"), SCREENS)
async def test_axe_finds_nothing(page: Page, hub: Served, width: int, scheme: str) -> None:
    core = axe()
    await page.resize(width, scheme)
    for path, role in hub.paths:
        await show(page, hub, path, role)
        await page.run(UNFOLD)
        assert [] == await violations(page, core), path
    assert page.said == []


@pytest.mark.timeout(240)
async def test_nothing_is_outside_cut_off_or_covered(page: Page, hub: Served) -> None:
    for path, role in hub.paths:
        await show(page, hub, path, role)
        await page.run(UNFOLD)
        for width in WIDTHS:
            await page.resize(width)
            where = path, width
            assert await page.run("document.documentElement.scrollWidth") <= width, where
            for check in (WIDER, CLIPPED, OVERLAPS, BROKEN):
                assert [] == await page.run(check), where


@pytest.mark.timeout(240)
async def test_without_scripts_each_page_shows_the_same_text(page: Page, hub: Served) -> None:
    for path, role in hub.paths:
        await page.call("Emulation.setScriptExecutionDisabled", value=False)
        await show(page, hub, path, role)
        with_scripts = await page.text()
        await page.call("Emulation.setScriptExecutionDisabled", value=True)
        await show(page, hub, path, role)

        assert with_scripts == await page.text(), path
