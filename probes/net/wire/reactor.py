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
class Complaint:
    """An error number, ``icmp 3/13`` where a message said so, and the start of what it quotes."""

    code: int
    icmp: str = ""
    quoted: bytes = b""


def keep_complaints(sock: socket.socket, host: str, *, kept: bool = True) -> None:
    """Let the kernel keep ICMP messages for a socket towards ``host``, or no more."""
    six = ":" in host
    level, option = (socket.IPPROTO_IPV6, IPV6_RECVERR) if six else (socket.IPPROTO_IP, IP_RECVERR)
    sock.setsockopt(level, option, int(kept))


def read_complaint(sock: socket.socket) -> Complaint | None:
    """The oldest message in the queue, or None when there is none."""
    try:
        quoted, ancillary, _, _ = sock.recvmsg(QUOTED_BYTES, ANCILLARY_BYTES, MSG_ERRQUEUE)
    except OSError:
        return None
    for level, kind, told in ancillary:
        if (level, kind) in _OPTIONS:
            code, origin, type_, number, _ = _EXTENDED_ERROR.unpack_from(told)
            named = {SO_EE_ORIGIN_ICMP: "icmp", SO_EE_ORIGIN_ICMP6: "icmp6"}.get(origin)
            icmp = f"{named} {type_}/{number}" if named else ""
            return Complaint(code=code, icmp=icmp, quoted=quoted)
    return Complaint(code=0, quoted=quoted)


Result = TypeVar("Result")
Steps: TypeAlias = Generator[None, None, Result]
"""Work that yields when it must wait, and returns a Result."""

EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
EVENTS_A_TURN = 1024
LEAST_TICK = 0.002
"""Seconds that pass at least between two looks at what is overdue."""


class Errand:
    """One piece of work under way, with the one socket that it waits for at a time.

    ``heard`` holds the events (``epoll_ctl(2)``) that came and that the work has not yet used
    up: as each is told once only, the work clears a bit when it found nothing more behind it.
    """

    __slots__ = ("_reactor", "done", "heard", "work")

    def __init__(self, reactor: Reactor, begin: Callable[[Errand], Steps[None]]) -> None:
        self.heard = 0
        self.done: asyncio.Future[None] | None = None
        self._reactor = reactor
        self.work = begin(self)

    def watch(self, sock: socket.SocketType) -> None:
        """Go on when anything happens to ``sock``."""
        descriptor = sock.fileno()
        self.heard = 0
        self._reactor.errands[descriptor] = self
        self._reactor.epoll.register(descriptor, EVENTS)

    def drop(self, sock: socket.SocketType) -> None:
        """Close ``sock``; the kernel forgets it by itself."""
        self._reactor.errands.pop(sock.fileno(), None)
        sock.close()

    def step(self, events: int = 0, thrown: Exception | None = None) -> None:
        """Take the work as far as it goes without waiting: ``events`` came, or ``thrown`` did."""
        self.heard |= events
        try:
            if thrown is None:
                next(self.work)
            else:
                self.work.throw(thrown)
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
        self.errands: dict[int, Errand] = {}
        self._due: dict[Errand, float] = {}
        self._ticking: asyncio.TimerHandle | None = None
        self._looks = inf
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
        errand = Errand(self, begin)
        try:
            next(errand.work)
        except StopIteration:
            return
        errand.done = done = self._loop.create_future()
        self._due[errand] = due = monotonic() + patience
        if due < self._looks:
            self._look_at(due)
        try:
            await done
        finally:
            del self._due[errand]
            errand.work.close()

    def _tick(self) -> None:
        """End what is overdue. One timer for all: a timer an errand would cost a tenth of it."""
        # What came in time is heard first: a late look must not make a timeout of it.
        self._turn()
        now = monotonic()
        for errand in [each for each, due in self._due.items() if due <= now]:
            errand.step(thrown=TimeoutError())
        # Those just ended are still among them, until their tasks have heard of it.
        soonest = min(self._due.values(), default=inf)
        self._look_at(max(soonest, now + LEAST_TICK))

    def _look_at(self, moment: float) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        self._looks, self._ticking = moment, None
        if moment < inf:
            self._ticking = self._loop.call_later(moment - monotonic(), self._tick)

    def _turn(self) -> None:
        count = EVENTS_A_TURN
        while count == EVENTS_A_TURN:
            events = self.epoll.poll(0, EVENTS_A_TURN)
            count = len(events)
            for descriptor, event in events:
                errand = self.errands.get(descriptor)
                if errand is not None:
                    errand.step(event)
