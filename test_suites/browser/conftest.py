"""A browser for the tests of pages on the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from test_suites.browser.chromium import Page, chromium, page_of
from test_suites.kit.processes.product import require


@pytest.fixture(scope="session")
def browser_address() -> Iterator[str]:
    """One browser for all pages; skips without Chromium, unless ``CI=true``."""
    require("chromium")
    with chromium() as address:
        yield address


@pytest.fixture
async def page(browser_address: str) -> AsyncIterator[Page]:
    """One page, with cookies and a cache of its own."""
    async with page_of(browser_address) as opened:
        yield opened
