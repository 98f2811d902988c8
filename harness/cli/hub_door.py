"""Who may keep a connection to a hub when there are too many, and for how long.

Nothing is known of a connection before its request was read but its address. So the newest always
gets a place: one that is idle gives its own up first, then one whose request is not complete, of
the address that has most. A connection whose answer is being made is never ended for another.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Protocol

MOST, OF_ONE = 512, 64
"""The most connections in all, and of one address (IPv6: of one /64 network)."""

AT_ONCE = 32
"""Where all places are held, one of so many is freed at once: looking through all takes time."""

MOST_PAGES = 256
"""The most answers that are made at once for others than agents; agents have the other half."""

IDLE_WITHIN, HEAD_WITHIN, UNREAD_WITHIN = 15.0, 20.0, 60.0
"""Seconds until the next request begins, until it (and TLS) was read, and an answer is taken."""

BODY_WINDOW, BODY_BYTES = 20.0, 10_000
"""So many bytes of a body have to come in each window of so many seconds."""


class Phase(IntEnum):
    """What a connection waits for; those with lower numbers give up their place first."""

    IDLE = 0
    HEAD = 1
    BODY = 2
    UNREAD = 3
    ANSWERING = 4


WITHIN = {
    Phase.IDLE: IDLE_WITHIN,
    Phase.HEAD: HEAD_WITHIN,
    Phase.BODY: BODY_WINDOW,
    Phase.UNREAD: UNREAD_WITHIN,
}


class Visit(Protocol):
    """A connection: its phase since when (seconds), and the bytes that came in the phase.

    ``address`` is that of a subscriber. Behind a proxy are many people, so that the places of its
    address are not limited.
    """

    address: str
    phase: Phase
    since: float
    heard: int
    is_page: bool
    is_proxy: bool

    def look(self) -> None:
        """Find out the phase."""

    def end(self) -> None:
        """End the connection at once."""


class Door:
    """The places of a hub. It belongs to one event loop."""

    def __init__(self, most: int = MOST, of_one: int = OF_ONE) -> None:
        self._most, self._of_one = most, of_one
        self._visits: set[Visit] = set()
        self._of: dict[str, set[Visit]] = {}

    def enter(self, visit: Visit) -> bool:
        """Give a new connection a place; false if every place is held by an answer."""
        own = self._of.get(visit.address, set())
        if not visit.is_proxy and len(own) >= self._of_one:
            is_free = self._make_room(own, 1)
        elif len(self._visits) >= self._most:
            others = (each for each in self._visits if not each.is_proxy)
            is_free = self._make_room(others, max(1, self._most // AT_ONCE))
        else:
            is_free = True
        if is_free:
            self._visits.add(visit)
            self._of.setdefault(visit.address, set()).add(visit)
        return is_free

    def leave(self, visit: Visit) -> None:
        """Give the place of a connection back."""
        self._visits.discard(visit)
        own = self._of.get(visit.address, set())
        own.discard(visit)
        if not own:
            self._of.pop(visit.address, None)

    def has_room_for_page(self) -> bool:
        """Whether one more answer may be made for somebody who is no agent."""
        made = (each for each in self._visits if each.is_page and each.phase is Phase.ANSWERING)
        return sum(1 for _ in made) <= MOST_PAGES

    def end_overdue(self, now: float) -> None:
        """End every connection that is too slow."""
        for visit in tuple(self._visits):
            visit.look()
            if is_overdue(visit, now):
                self._end(visit)

    def _make_room(self, among: Iterable[Visit], number: int) -> bool:
        """End at most so many connections that may be ended; whether there was one."""
        found = [each for each in among if each.phase is not Phase.ANSWERING]
        found.sort(key=lambda one: one.since)
        left = {address: len(own) for address, own in self._of.items()}
        order = {}
        for one in found:  # the oldest of an address gives way first, its newest last
            order[one] = (one.phase is not Phase.IDLE, -left[one.address], one.since)
            left[one.address] -= 1
        found.sort(key=order.__getitem__)
        for visit in found[:number]:
            self._end(visit)
        return bool(found)

    def _end(self, visit: Visit) -> None:
        self.leave(visit)
        visit.end()


def is_overdue(visit: Visit, now: float) -> bool:
    """Whether a connection has been in its phase for too long."""
    within = WITHIN.get(visit.phase)
    if within is None or now - visit.since < within:
        return False
    return visit.phase is not Phase.BODY or visit.heard < BODY_BYTES
