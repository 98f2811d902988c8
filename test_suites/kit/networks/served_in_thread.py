"""Servers of tests that run on an event loop and a thread of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

WAIT = 120
"""Seconds until the servers listen, or end."""


@contextmanager
def served_in_thread(servers: AbstractAsyncContextManager[object]) -> Iterator[None]:
    """Keep servers entered while the context lasts; they listen when it begins."""
    loop, stop, is_started = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def serve() -> None:
        async with servers:
            is_started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert is_started.wait(WAIT)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(WAIT)
        loop.close()
