"""The pages of plans and alarms, and of campaigns and items, each over a real registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from test_suites.kit.hubs.follow_up_desk import FollowUpDesk
from test_suites.kit.hubs.hub_items_example import campaigns_registry
from test_suites.kit.hubs.hub_items_pages import PagesWorld


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FollowUpDesk]:
    made = FollowUpDesk(tmp_path / "out")
    yield made
    made.close()


@pytest.fixture(scope="module")
def item_pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesWorld]:
    """Pages that the tests of a module share, because they only read."""
    folder = tmp_path_factory.mktemp("hub")
    with campaigns_registry(folder) as registry:
        yield PagesWorld(registry, folder)


@pytest.fixture
def new_item_pages(tmp_path: Path) -> Iterator[PagesWorld]:
    """Pages that one test may change."""
    with campaigns_registry(tmp_path) as registry:
        yield PagesWorld(registry, tmp_path)
