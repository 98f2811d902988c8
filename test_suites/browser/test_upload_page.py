"""The page of an upload that is under way shows what becomes of it, without being loaded again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.model.hub_access import Role, Viewer
from harness.store.hub.repository import Repository
from harness.store.hub.upload_store import FINAL, StoredUpload, UploadState
from reports.dashboard.pages.uploads import upload_pages
from test_suites.browser.chromium import Page
from test_suites.browser.layout_checks import axe, violations
from test_suites.browser.test_hub_pages import show
from test_suites.kit.campaigns.invented_uploads import InventedUploads, invented, path_of
from test_suites.kit.hubs.hub_pages import HubPage, example_routes, example_viewers, filled_registry
from test_suites.kit.hubs.hub_serving import app_of, served

PATIENCE = 60.0


class GoingUploads(InventedUploads):
    """An upload that is judged when it is first asked for, and recorded when ``is_done``."""

    is_done = False

    def find(self, viewer: Viewer, upload_id: str) -> StoredUpload | None:
        """The same upload in its present state."""
        found = super().find(viewer, upload_id)
        recorded = next(each for each in invented() if each.state == UploadState.RECORDED)
        return recorded._replace(id=upload_id) if self.is_done and found else found


@pytest.fixture
def going() -> GoingUploads:
    return GoingUploads()


@pytest.fixture
def hub(tmp_path: Path, going: GoingUploads) -> Iterator[str]:
    with filled_registry(tmp_path) as registry:
        routes = example_routes(Repository(registry))[:-1]
        with served(app_of(registry, (*routes, upload_pages(going)), example_viewers())) as address:
            yield address


async def test_the_state_changes_where_it_is_shown(
    page: Page, hub: str, going: GoingUploads
) -> None:
    await show(page, hub, HubPage(path_of(UploadState.JUDGING), Role.ASSESSOR))
    await page.run("window.isLoadedOnce = true; document.getElementById('again').focus()")
    assert "Step 3 of 4" in await page.text()
    going.is_done = True
    deadline = time.monotonic() + PATIENCE
    while "is recorded" not in await page.text():
        assert time.monotonic() < deadline

    assert await page.run("window.isLoadedOnce") is True
    assert await page.run("document.querySelectorAll('h1').length") == 1
    assert await page.run("document.getElementById('again')") is None
    assert page.said == []


@pytest.mark.parametrize("width", [390, 1280])
async def test_axe_finds_nothing_while_it_is_under_way(page: Page, hub: str, width: int) -> None:
    core = axe()
    await page.resize(width)
    for state in sorted(set(UploadState) - FINAL):
        await show(page, hub, HubPage(path_of(state), Role.ASSESSOR))
        assert [] == await violations(page, core), state
