"""The overview, services and requirements in a browser: at every width, light and dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reports.dashboard.service_reading import service_address
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
from test_suites.hub_result_pages import ASSESSOR, SUPPLIER, ResultPages, declare_monitoring
from test_suites.hub_serving import served
from test_suites.projected_example import projected
from test_suites.site_example import example_views

WIDTHS = (320, 390, 768, 1280)
NORTHGATE, BRIGHTWATER = (view.name for view in example_views())
GATEWAY = service_address(NORTHGATE, "SchoolShield Gateway")
HARBOUR = service_address(BRIGHTWATER, "Harbour Filter")
PATHS = (
    ("/overview", ASSESSOR),
    ("/overview", SUPPLIER),
    (GATEWAY, ASSESSOR),
    (f"{GATEWAY}/requirements/URL-04", ASSESSOR),
    (HARBOUR, SUPPLIER),
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a hub with the example's pages."""
    with projected(tmp_path_factory.mktemp("hub")) as example:
        declare_monitoring(example, BRIGHTWATER, "Harbour Filter")
        example.projector.catch_up()
        with served(ResultPages(example, frozenset({BRIGHTWATER})).app) as address:
            yield address


async def show(page: Page, hub: str, path: str, role: str) -> None:
    """Load a page as somebody of that role."""
    await page.call("Network.enable")
    await page.call("Network.setCookie", name="accredit_session", value=role, url=hub)
    await page.open(f"{hub}{path}")
    await page.run(UNFOLD)


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("width", "scheme"), SCREENS)
async def test_axe_finds_nothing(page: Page, hub: str, width: int, scheme: str) -> None:
    core = axe()
    await page.resize(width, scheme)
    for path, role in PATHS:
        await show(page, hub, path, role)
        assert [] == await violations(page, core), path
    assert [] == page.said


@pytest.mark.timeout(240)
async def test_nothing_is_outside_cut_off_or_covered(page: Page, hub: str) -> None:
    for path, role in PATHS:
        await show(page, hub, path, role)
        for width in WIDTHS:
            await page.resize(width)
            where = path, width
            assert await page.run("document.documentElement.scrollWidth") <= width, where
            for check in (WIDER, CLIPPED, OVERLAPS, BROKEN):
                assert [] == await page.run(check), (where, check)
