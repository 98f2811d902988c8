"""A reactor of our own, nested in asyncio: its epoll is one more descriptor of the loop.

Work is a generator that yields whenever it would block; any event on one of its sockets takes
it further. Edge-triggered (``epoll(7)``), so that each socket costs one system call to watch.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable, Generator
from typing import TypeAlias, TypeVar

Result = TypeVar("Result")
Steps: TypeAlias = Generator[None, None, Result]
"""Work that yields when it must wait, and returns a Result."""

EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
EVENTS_A_TURN = 1024
TICK = 0.02
"""Seconds between two looks at what is overdue."""


class Errand:
    """One piece of work under way, with the sockets that it waits for."""

    def __init__(self, reactor: Reactor, done: asyncio.Future[None]) -> None:
        self.done = done
        self.work: Steps[None]
        self._reactor = reactor

    def watch(self, sock: socket.socket) -> None:
        """Go on when anything happens to ``sock``."""
        self._reactor.errands[sock.fileno()] = self
        self._reactor.epoll.register(sock.fileno(), EVENTS)

    def drop(self, sock: socket.socket) -> None:
        """Close ``sock``; the kernel forgets it by itself."""
        self._reactor.errands.pop(sock.fileno(), None)
        sock.close()

    def step(self) -> None:
        """Take the work as far as it goes without waiting."""
        self._advance(self.work.__next__)

    def expire(self) -> None:
        """Time is over: the work hears of it where it waits."""
        self._advance(lambda: self.work.throw(TimeoutError()))

    def _advance(self, go: Callable[[], None]) -> None:
        if self.done.done():
            return
        try:
            go()
        except StopIteration:
            self.done.set_result(None)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever awaits the work
            self.done.set_exception(error)


class Reactor:
    """Runs errands on the running loop until it is closed."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.errands: dict[int, Errand] = {}
        self._due: dict[Errand, float] = {}
        self._ticking: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.epoll.fileno(), self._turn)

    def close(self) -> None:
        """Stop listening to the kernel; errands under way belong to their tasks."""
        if self._ticking is not None:
            self._ticking.cancel()
        self._loop.remove_reader(self.epoll.fileno())
        self.epoll.close()

    async def run(self, begin: Callable[[Errand], Steps[None]], patience: float) -> None:
        """Do work to its end; after ``patience`` seconds it is thrown TimeoutError until then."""
        errand = Errand(self, self._loop.create_future())
        errand.work = begin(errand)
        errand.step()
        if errand.done.done():
            return errand.done.result()
        self._due[errand] = self._loop.time() + patience
        if self._ticking is None:
            self._ticking = self._loop.call_later(TICK, self._tick)
        try:
            return await errand.done
        finally:
            del self._due[errand]
            errand.work.close()

    def _tick(self) -> None:
        """End what is overdue. One timer for all: a timer an errand would cost a tenth of it."""
        self._ticking = None
        now = self._loop.time()
        for errand in [each for each, due in self._due.items() if due <= now]:
            errand.expire()
        if self._due:
            self._ticking = self._loop.call_later(TICK, self._tick)

    def _turn(self) -> None:
        for descriptor, _ in self.epoll.poll(0, EVENTS_A_TURN):
            errand = self.errands.get(descriptor)
            if errand is not None:
                errand.step()
