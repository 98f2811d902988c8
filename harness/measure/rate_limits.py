"""Courtesy: no line and no site gets more of us at once than it was said to bear.

The gate says how many attempts fly in all; here each line and each site (the registrable
domain, or the host) has a place count of its own. A campaign that asks for no limit pays nothing.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from weakref import WeakValueDictionary

from harness.model.campaign import Limits
from harness.model.corpus import Item


class Place:
    """A place in each of several queues, taken in their order; a context manager."""

    def __init__(self, *queues: asyncio.Semaphore) -> None:
        self._queues = queues

    async def __aenter__(self) -> None:
        """Wait for all of them; whoever gives up waiting holds none."""
        for number, queue in enumerate(self._queues):
            try:
                await queue.acquire()
            except BaseException:
                _leave(self._queues[:number])
                raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give all of them back."""
        _leave(self._queues)


class Courtesy:
    """Says where to wait until a line and a site have a place for one more."""

    def __init__(self, limits: Limits) -> None:
        self._per_line = limits.per_line
        self._per_site = limits.per_site
        self._lines: dict[str, asyncio.Semaphore] = {}
        self._sites: WeakValueDictionary[tuple[str, str], asyncio.Semaphore]
        self._sites = WeakValueDictionary()

    def place(self, line: str, item: Item) -> Place:
        """A place at the item's site and on the line, to be taken with ``async with``."""
        queues = []
        if self._per_site is not None:
            queues.append(self._site(line, item, self._per_site))
        if self._per_line is not None:
            if line not in self._lines:
                self._lines[line] = asyncio.Semaphore(self._per_line)
            queues.append(self._lines[line])
        return Place(*queues)

    def _site(self, line: str, item: Item, most: int) -> asyncio.Semaphore:
        """The places at a site over a line; forgotten when nobody holds or wants one."""
        name = line, item.registrable or item.host
        site = self._sites.get(name)
        if site is None:
            site = self._sites[name] = asyncio.Semaphore(most)
        return site


def _leave(queues: tuple[asyncio.Semaphore, ...]) -> None:
    for queue in queues:
        queue.release()
