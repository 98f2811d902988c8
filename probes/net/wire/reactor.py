"""An epoll reactor inside asyncio: the loop watches the epoll descriptor.

A task is a generator that yields whenever it would block; any event on its socket resumes it.
Edge-triggered (``epoll(7)``), so that watching a socket costs one system call. Also holds
``IcmpError`` and the functions that read it from a socket's error queue (``IP_RECVERR``).
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
    """An entry of the error queue: errno, ``icmp`` type/code such as 3/13, quoted bytes."""

    code: int
    icmp: str = ""
    quoted: bytes = b""


def set_error_queue(sock: socket.socket, host: str, *, enabled: bool = True) -> None:
    """Switch the queue of ICMP errors (IP_RECVERR) of a socket to ``host`` on or off."""
    is_ipv6 = ":" in host
    level, option = (
        (socket.IPPROTO_IPV6, IPV6_RECVERR) if is_ipv6 else (socket.IPPROTO_IP, IP_RECVERR)
    )
    sock.setsockopt(level, option, int(enabled))


def read_icmp_error(sock: socket.socket) -> IcmpError | None:
    """Return the oldest entry of the error queue, or None."""
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
"""A generator that yields when it must wait, and returns a Result."""

EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
EVENTS_PER_POLL = 1024
MIN_TICK = 0.002
"""Minimum interval between two checks for timeouts, in seconds."""


class ReactorTask:
    """One running generator and the one socket that it waits for.

    ``ready`` holds the events (``epoll_ctl(2)``) that were reported and not yet consumed. As each
    is reported only once, the generator clears a bit when a system call would block.
    """

    __slots__ = ("_reactor", "done", "ready", "steps")

    def __init__(self, reactor: Reactor, begin: Callable[[ReactorTask], Steps[None]]) -> None:
        self.ready = 0
        self.done: asyncio.Future[None] | None = None
        self._reactor = reactor
        self.steps = begin(self)

    def watch(self, sock: socket.SocketType) -> None:
        """Resume the task on any event of ``sock``."""
        descriptor = sock.fileno()
        self.ready = 0
        self._reactor.tasks[descriptor] = self
        self._reactor.epoll.register(descriptor, EVENTS)

    def drop(self, sock: socket.SocketType) -> None:
        """Close ``sock``; the kernel then removes it from the epoll set."""
        self._reactor.tasks.pop(sock.fileno(), None)
        sock.close()

    def step(self, events: int = 0, exception: Exception | None = None) -> None:
        """Run until the task waits again, after ``events`` or with ``exception`` thrown in."""
        self.ready |= events
        try:
            if exception is None:
                next(self.steps)
            else:
                self.steps.throw(exception)
        except StopIteration:
            self._end(None)
        except Exception as error:  # noqa: BLE001 - raised where the task is awaited
            self._end(error)

    def _end(self, error: Exception | None) -> None:
        # The awaiting task may be cancelled, or the result already set in this iteration.
        if self.done is None or self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Reactor:
    """Runs tasks on the running loop until it is closed."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.tasks: dict[int, ReactorTask] = {}
        self._deadlines: dict[ReactorTask, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next_tick = inf
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.epoll.fileno(), self._poll)

    def close(self) -> None:
        """Stop polling; running tasks are ended by the asyncio tasks that await them."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self.epoll.fileno())
        self.epoll.close()

    async def run(self, begin: Callable[[ReactorTask], Steps[None]], patience: float) -> None:
        """Run a task to its end; after ``patience`` seconds TimeoutError is thrown into it."""
        task = ReactorTask(self, begin)
        try:
            next(task.steps)
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
            task.steps.close()

    def _tick(self) -> None:
        """End overdue tasks with TimeoutError. A timer per task would cost 10 % more CPU time."""
        # Process pending events first, so that a late check does not turn them into timeouts.
        self._poll()
        now = monotonic()
        for task in [task for task, deadline in self._deadlines.items() if deadline <= now]:
            task.step(exception=TimeoutError())
        # Tasks that just ended are still listed until the asyncio tasks awaiting them run.
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
