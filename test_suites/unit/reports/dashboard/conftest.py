"""The pages of campaigns and items, shared by the tests of one module, or new for one test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from test_suites.hub_items_example import campaigns_registry
from test_suites.hub_items_pages import PagesWorld


@pytest.fixture(scope="module")
def item_pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesWorld]:
    folder = tmp_path_factory.mktemp("hub")
    with campaigns_registry(folder) as registry:
        yield PagesWorld(registry, folder)


@pytest.fixture
def new_item_pages(tmp_path: Path) -> Iterator[PagesWorld]:
    with campaigns_registry(tmp_path) as registry:
        yield PagesWorld(registry, tmp_path)
