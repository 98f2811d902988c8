"""A reactor of our own, nested in asyncio: its epoll is one more descriptor of the loop.

Work is a generator that yields whenever it would block; any event on its socket takes it
further. Edge-triggered (``epoll(7)``), so that each socket costs one system call to watch.
"""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from collections.abc import Callable, Generator
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import TypeAlias, TypeVar

IP_RECVERR, IPV6_RECVERR = 11, 25
MSG_ERRQUEUE = 0x2000
SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6 = 2, 3
ANCILLARY_BYTES = 256
QUOTED_BYTES = 512
_EXTENDED_ERROR = struct.Struct("=IBBBB")
_OPTIONS = frozenset({(socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)})


@dataclass(frozen=True, slots=True, kw_only=True)
class IcmpError:
    """An error number, ``icmp 3/13`` where a message said so, and the start of what it quotes."""

    code: int
    icmp: str = ""
    quoted: bytes = b""


def set_error_queue(sock: socket.socket, host: str, *, kept: bool = True) -> None:
    """Let the kernel keep ICMP messages for a socket towards ``host``, or no more."""
    six = ":" in host
    level, option = (socket.IPPROTO_IPV6, IPV6_RECVERR) if six else (socket.IPPROTO_IP, IP_RECVERR)
    sock.setsockopt(level, option, int(kept))


def read_icmp_error(sock: socket.socket) -> IcmpError | None:
    """The oldest message in the queue, or None when there is none."""
    try:
        quoted, ancillary, _, _ = sock.recvmsg(QUOTED_BYTES, ANCILLARY_BYTES, MSG_ERRQUEUE)
    except OSError:
        return None
    for level, kind, data in ancillary:
        if (level, kind) in _OPTIONS:
            code, origin, type_, number, _ = _EXTENDED_ERROR.unpack_from(data)
            named = {SO_EE_ORIGIN_ICMP: "icmp", SO_EE_ORIGIN_ICMP6: "icmp6"}.get(origin)
            icmp = f"{named} {type_}/{number}" if named else ""
            return IcmpError(code=code, icmp=icmp, quoted=quoted)
    return IcmpError(code=0, quoted=quoted)


Result = TypeVar("Result")
Steps: TypeAlias = Generator[None, None, Result]
"""Work that yields when it must wait, and returns a Result."""

EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
EVENTS_PER_POLL = 1024
MIN_TICK = 0.002
"""Seconds that pass at least between two looks at what is overdue."""


class ReactorTask:
    """One piece of work under way, with the one socket that it waits for at a time.

    ``ready`` holds the events (``epoll_ctl(2)``) that came and that the work has not yet used
    up: as each is told once only, the work clears a bit when it found nothing more behind it.
    """

    __slots__ = ("_reactor", "done", "ready", "work")

    def __init__(self, reactor: Reactor, begin: Callable[[ReactorTask], Steps[None]]) -> None:
        self.ready = 0
        self.done: asyncio.Future[None] | None = None
        self._reactor = reactor
        self.work = begin(self)

    def watch(self, sock: socket.SocketType) -> None:
        """Go on when anything happens to ``sock``."""
        descriptor = sock.fileno()
        self.ready = 0
        self._reactor.tasks[descriptor] = self
        self._reactor.epoll.register(descriptor, EVENTS)

    def drop(self, sock: socket.SocketType) -> None:
        """Close ``sock``; the kernel forgets it by itself."""
        self._reactor.tasks.pop(sock.fileno(), None)
        sock.close()

    def step(self, events: int = 0, exception: Exception | None = None) -> None:
        """Take the work as far as it goes without waiting: ``events`` came, or ``error`` did."""
        self.ready |= events
        try:
            if exception is None:
                next(self.work)
            else:
                self.work.throw(exception)
        except StopIteration:
            self._end(None)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever awaits the work
            self._end(error)

    def _end(self, error: Exception | None) -> None:
        # An exchange that was cancelled, or ended in this very turn, hears no more.
        if self.done is None or self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Reactor:
    """Runs errands on the running loop until it is closed."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.tasks: dict[int, ReactorTask] = {}
        self._deadlines: dict[ReactorTask, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next_tick = inf
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.epoll.fileno(), self._poll)

    def close(self) -> None:
        """Stop listening to the kernel; errands under way belong to their tasks."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self.epoll.fileno())
        self.epoll.close()

    async def run(self, begin: Callable[[ReactorTask], Steps[None]], patience: float) -> None:
        """Do work to its end; after ``patience`` seconds it is thrown TimeoutError until then."""
        task = ReactorTask(self, begin)
        try:
            next(task.work)
        except StopIteration:
            return
        task.done = done = self._loop.create_future()
        self._deadlines[task] = deadline = monotonic() + patience
        if deadline < self._next_tick:
            self._schedule_tick(deadline)
        try:
            await done
        finally:
            del self._deadlines[task]
            task.work.close()

    def _tick(self) -> None:
        """End what is overdue. One timer for all: a timer an errand would cost a tenth of it."""
        # What came in time is heard first: a late look must not make a timeout of it.
        self._poll()
        now = monotonic()
        for task in [each for each, deadline in self._deadlines.items() if deadline <= now]:
            task.step(exception=TimeoutError())
        # Those just ended are still among them, until their tasks have heard of it.
        soonest = min(self._deadlines.values(), default=inf)
        self._schedule_tick(max(soonest, now + MIN_TICK))

    def _schedule_tick(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next_tick, self._timer = moment, None
        if moment < inf:
            self._timer = self._loop.call_later(moment - monotonic(), self._tick)

    def _poll(self) -> None:
        count = EVENTS_PER_POLL
        while count == EVENTS_PER_POLL:
            events = self.epoll.poll(0, EVENTS_PER_POLL)
            count = len(events)
            for descriptor, event in events:
                task = self.tasks.get(descriptor)
                if task is not None:
                    task.step(event)
