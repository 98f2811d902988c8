"""An event loop whose time passes only while nothing can be done: hours take a moment."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any

REAL_WAIT = 0.001
"""Seconds for which threads are really waited for."""


class VirtualTime:
    """The time of virtual loops and of the clock that goes with them, in seconds."""

    def __init__(self, begins: datetime = datetime(2026, 3, 2, 12, tzinfo=UTC)) -> None:
        self._begins = begins
        self.seconds = 1000.0

    def now(self) -> datetime:
        return self._begins + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def new_loop(self) -> asyncio.AbstractEventLoop:
        return _VirtualLoop(self)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, time: VirtualTime) -> None:
        self._virtual = time
        self.threads = 0
        super().__init__(_Selector(self, time))

    def time(self) -> float:
        return self._virtual.seconds

    def run_in_executor(  # type: ignore[override]  # the types of the arguments do not matter here
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        self.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(lambda _: self._end())
        return future

    async def shutdown_default_executor(self, *_: Any, **__: Any) -> None:
        """Wait for threads, whose time is not virtual, as long as they need."""
        self.threads += 1
        await super().shutdown_default_executor()

    def _end(self) -> None:
        self.threads -= 1


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: _VirtualLoop, time: VirtualTime) -> None:
        super().__init__()
        self._loop, self._time = loop, time

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if events or timeout == 0:
            return events
        if timeout is None or self._loop.threads:
            return super().select(REAL_WAIT if timeout is not None else None)
        self._time.seconds += timeout
        return events
