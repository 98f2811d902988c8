"""The pages of the site as a browser lays them out, at every width, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.model.obligation import Lane
from reports.site.board_facts import board_of
from reports.site.private_pages import private_files
from reports.site.public_facts import public_register
from reports.site.public_pages import public_files
from test_suites.browser.chromium import Page
from test_suites.browser.layout_checks import (
    BROKEN,
    CLIPPED,
    GAP,
    OVERLAPS,
    SCREENS,
    UNFOLD,
    WIDER,
    axe,
    violations,
)
from test_suites.kit.hubs.site_example import NOW, checks_of, example_views

WIDTHS = (320, 390, 768, 1280)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Every page, with long names, and those of a registry that holds nothing."""
    home, views = tmp_path_factory.mktemp("site"), example_views()
    long = [view._replace(supplier="w" * 150) for view in views]
    for name, files in (
        ("public", public_files(public_register(views, NOW, checks_of(views)))),
        ("owner", private_files(views, NOW, for_whom="for the owner of the scheme")),
        ("long", public_files(public_register(long, NOW, checks_of(long)))),
        ("empty", public_files(public_register((), NOW))),
        ("nothing", private_files((), NOW, for_whom="for nobody")),
    ):
        for path, content in files.items():
            if path == "guide.html" and name != "public":
                continue  # it is the same in all folders
            file = home / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    assert board_of(views, NOW).lanes[1][0] is Lane.OVERDUE
    return sorted(home.rglob("*.html"))


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("width", "scheme"), SCREENS)
async def test_axe_finds_nothing_on_any_page(
    page: Page, site: list[Path], width: int, scheme: str
) -> None:
    core = axe()
    for path in site:
        await page.show(path, width, scheme)
        await page.run(UNFOLD)
        assert [] == await violations(page, core), path.name
    assert page.said == []


@pytest.mark.timeout(240)
async def test_nothing_is_outside_cut_off_or_covered_and_no_area_is_empty(
    page: Page, site: list[Path]
) -> None:
    for path in site:
        await page.show(path)
        await page.run(UNFOLD)
        for width in WIDTHS:
            await page.resize(width)
            where = path.parent.name, path.name, width
            assert await page.run("document.documentElement.scrollWidth") <= width, where
            assert [] == await page.run(WIDER), where
            assert [] == await page.run(CLIPPED), where
            assert [] == await page.run(OVERLAPS), where
            assert [] == await page.run(BROKEN), where
            assert await page.run(GAP) < (400 if "trend" in str(path) else 90), where


@pytest.mark.timeout(120)
async def test_states_differ_in_form_so_that_grey_is_enough(page: Page, site: list[Path]) -> None:
    (overview,) = [path for path in site if path.parent.name == "owner" and "index" in path.name]
    await page.show(overview)
    heights = await page.run(
        "Object.fromEntries([...document.querySelectorAll('.strip rect')].map("
        "each => [each.getAttribute('class'), each.getAttribute('height')]))"
    )

    assert len(set(heights.values())) == len(heights) == 4
