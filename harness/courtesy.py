"""Courtesy: no line and no site gets more of us at once than it was said to bear.

The gate says how many attempts fly in all; here each line and each site (the registrable
domain, or the host) has a place count of its own. A campaign that asks for no limit pays nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

from harness.model.campaign import Limits
from harness.model.corpus import Item


class Courtesy:
    """Waits until a line and a site have a place for one more."""

    def __init__(self, limits: Limits) -> None:
        self._per_line = limits.per_line
        self._per_site = limits.per_site
        self._lines: dict[str, asyncio.Semaphore] = {}
        self._sites: WeakValueDictionary[tuple[str, str], asyncio.Semaphore]
        self._sites = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, line: str, item: Item) -> AsyncGenerator[None]:
        """A place on the line and at the item's site, while it lasts."""
        async with AsyncExitStack() as stack:
            if self._per_site is not None:
                await stack.enter_async_context(self._site(line, item, self._per_site))
            if self._per_line is not None:
                free = self._lines.setdefault(line, asyncio.Semaphore(self._per_line))
                await stack.enter_async_context(free)
            yield

    def _site(self, line: str, item: Item, most: int) -> asyncio.Semaphore:
        """The places at a site over a line; forgotten when nobody holds or wants one."""
        name = line, item.registrable or item.host
        site = self._sites.get(name)
        if site is None:
            site = self._sites[name] = asyncio.Semaphore(most)
        return site
