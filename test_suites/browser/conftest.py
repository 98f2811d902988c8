"""A browser for the tests of pages on the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from test_suites.browser.chromium import Page, browser_page
from test_suites.products.process import require


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """One page of a browser of its own; skips without Chromium, unless ``CI=true``."""
    require("chromium")
    async with browser_page() as opened:
        yield opened
