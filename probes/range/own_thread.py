"""Run a server on a thread of its own, for synchronous code."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager


@contextmanager
def run_in_thread(server: AbstractAsyncContextManager[object]) -> Iterator[None]:
    """Run a server on a thread and event loop of its own; raise its failure to start."""
    is_started, errors = threading.Event(), list[BaseException]()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        async with server:
            stop_event = asyncio.Event()
            stop.append((asyncio.get_running_loop(), stop_event))
            is_started.set()
            await stop_event.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            errors.append(error)
        finally:
            is_started.set()

    thread = threading.Thread(target=run, name="accredit-range", daemon=True)
    thread.start()
    is_started.wait()
    try:
        if not errors:
            yield
    finally:
        for loop, stop_event in stop:
            if not loop.is_closed():
                loop.call_soon_threadsafe(stop_event.set)
        thread.join()
    if errors:
        raise errors[0]
