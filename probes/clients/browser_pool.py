"""Browsers for lines: one Chromium for all lines that trust the same authorities, while they last.

It is started when the first of these lines needs it, and ends when the last one is closed. Each
visit has a profile, connections and a line of its own, so visits over different lines share nothing
but the program. A browser that ended by itself is started again. At most ``MOST_PAGES`` pages are
open in it at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

from harness.ports.network import HostsBrowser
from probes.clients.chromium import Chromium, NoBrowserError

MOST_PAGES = 4
PATIENCE_FOR_TURN = 1.5
"""Seconds that a visit waits until fewer pages are open; less than an attempt's grace."""


class BusyBrowserError(Exception):
    """Too many pages were open for too long."""


class SharedBrowser:
    """The browser of all lines with the same authorities (in PEM form)."""

    def __init__(self, authorities: str) -> None:
        self._authorities = authorities
        self._turns = asyncio.Semaphore(MOST_PAGES)
        self._start: asyncio.Task[Chromium] | None = None
        self.lines: set[int] = set()

    async def chromium(self) -> Chromium:
        """Return the running browser; start it if it is not. Raises NoBrowserError.

        A start goes on if the caller is cancelled, so that it serves the next one.
        """
        if self._start is not None and self._has_ended(self._start):
            await self.close()
        if self._start is None:
            self._start = asyncio.create_task(Chromium(self._authorities).__aenter__())
        return await asyncio.shield(self._start)

    @staticmethod
    def _has_ended(start: asyncio.Task[Chromium]) -> bool:
        if not start.done():
            return False
        return start.cancelled() or bool(start.exception()) or not start.result().is_running

    async def close(self) -> None:
        """End the browser, or its start."""
        start, self._start = self._start, None
        if start is None:
            return
        start.cancel()
        await asyncio.wait({start})
        if not start.cancelled() and start.exception() is None:
            await start.result().__aexit__()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Chromium]:
        """Wait until a page may be opened. Raises BusyBrowserError, NoBrowserError."""
        chromium = await self.chromium()
        try:
            async with asyncio.timeout(PATIENCE_FOR_TURN):
                await self._turns.acquire()
        except TimeoutError:
            raise BusyBrowserError(f"{MOST_PAGES} pages of other attempts are open") from None
        try:
            yield chromium
        finally:
            self._turns.release()


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, SharedBrowser]] = (
    WeakKeyDictionary()
)


async def browser_for(line: HostsBrowser) -> SharedBrowser:
    """Return the browser for a line, which ends with the last line that has it.

    Raises NoBrowserError if the authorities cannot be read.
    """
    of_loop = _shared.setdefault(asyncio.get_running_loop(), {})
    known = next((each for each in of_loop.values() if id(line) in each.lines), None)
    if known is not None:
        return known
    try:
        files = [Path(each) for each in line.authorities]
        authorities = "\n".join([await asyncio.to_thread(file.read_text) for file in files])
    except (OSError, UnicodeDecodeError) as error:
        raise NoBrowserError(
            f"an authority of line {line.name!r} cannot be read: {error}"
        ) from None
    browser = of_loop.get(authorities)
    if browser is None:
        browser = of_loop[authorities] = SharedBrowser(authorities)
    if id(line) not in browser.lines:  # another attempt may have added it meanwhile
        browser.lines.add(id(line))

        async def end() -> None:
            browser.lines.discard(id(line))
            if not browser.lines:
                of_loop.pop(authorities, None)
                await browser.close()

        line.at_close(end)
    return browser
