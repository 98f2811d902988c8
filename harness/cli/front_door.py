"""The front door of a hub: how many connections may wait, and which is closed for another.

A connection *waits* while the hub cannot go on without its client: until the handshake and the
head of a request are complete, between two requests, while a body comes slowly, and while an answer
is not taken. With each second of that it is more *overdue*. While a request is being answered it is
not. Where there is no room for a new connection, the most overdue one is closed, those first whose
address has most; so whoever sends a request at once is answered, however many do nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, NamedTuple

from harness.model.client_address import Network, is_in, network_of

Peer = tuple[str, int]
"""The address and the port of a client, by which a connection is known while it lasts."""

BODY_RATE = 10_000
"""Bytes a second; a body that comes as fast is never overdue."""
REMEMBERED = 7200.0
"""Seconds for which an address counts as one of agents."""
MOST_REMEMBERED = 100_000
SWEEP = 1.0
"""Seconds between two looks at connections that are too much overdue."""
MOST_REFUSED = 100
"""The most connections that are refused before the event loop does something else."""

Waits = Literal["head", "body", "answer"]
PATIENCE: dict[Waits, float] = {"head": 15.0, "body": 30.0, "answer": 60.0}
"""Seconds overdue after which a connection is closed, by what it waits for."""


class Room(NamedTuple):
    """Numbers of connections: in all, those that only agents may take, and those of an address."""

    in_all: int = 512
    of_agents: int = 128
    of_address: int = 96


ROOM = Room()


class Visitor:
    """A connection: what it waits for, since when, and the bytes of the body that came."""

    __slots__ = ("came", "conn", "is_agent", "network", "peer", "since", "waits")

    def __init__(self, conn: socket.socket, peer: Peer, network: str, now: float) -> None:
        self.conn, self.peer, self.network = conn, peer, network
        self.is_agent = False
        self.waits: Waits | None = "head"
        self.since, self.came = now, 0

    def wait(self, what: Waits | None, now: float) -> None:
        """It waits for something else from now on; ``None``: for the hub."""
        self.waits, self.since, self.came = what, now, 0

    def overdue(self, now: float) -> float:
        """How many seconds it is overdue; 0 while its request is being answered."""
        if self.waits is None:
            return 0.0
        earned = self.came / BODY_RATE if self.waits == "body" else 0.0
        return max(0.0, now - self.since - earned)


class FrontDoor:
    """The connections of a server. It belongs to one event loop; ``now`` is monotonic."""

    def __init__(
        self, now: Callable[[], float], room: Room = ROOM, proxies: tuple[Network, ...] = ()
    ) -> None:
        self.now, self._room, self._proxies = now, room, proxies
        self._visitors: dict[Peer, Visitor] = {}
        self._agents: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._visitors)

    def admit(self, conn: socket.socket, peer: Peer) -> bool:
        """Take in a new connection, if need be in place of another; ``False``: close it."""
        if len(self._visitors) >= self._room.of_address:
            self._forget_closed()
        new = Visitor(conn, peer, network_of(peer[0]), self.now())
        is_proxy = is_in(peer[0], self._proxies)
        new.is_agent = is_proxy or self._is_agent(new.network)
        if not is_proxy and not self._has_room(
            self._room.of_address, lambda one: one.network == new.network
        ):
            return False
        strangers = self._room.in_all - self._room.of_agents
        if not new.is_agent and not self._has_room(strangers, lambda one: not one.is_agent):
            return False
        if not self._has_room(self._room.in_all, lambda _: True):
            return False
        self._visitors[peer] = new
        return True

    def visitor(self, peer: Peer) -> Visitor | None:
        """The connection of a client."""
        return self._visitors.get(peer)

    def leave(self, visitor: Visitor) -> None:
        """A connection ended."""
        if self._visitors.get(visitor.peer) is visitor:
            del self._visitors[visitor.peer]

    def note_agent(self, address: str) -> None:
        """An agent that the hub knows was answered at this address."""
        network = network_of(address)
        self._agents[network] = self.now()
        self._agents.move_to_end(network)
        if len(self._agents) > MOST_REMEMBERED:
            self._agents.popitem(last=False)
        for one in self._visitors.values():
            one.is_agent = one.is_agent or one.network == network

    def sweep(self) -> None:
        """Close the connections that are too much overdue."""
        self._forget_closed()
        now = self.now()
        for one in [*self._visitors.values()]:
            if one.waits is not None and one.overdue(now) > PATIENCE[one.waits]:
                self._close(one)

    def _has_room(self, most: int, is_among: Callable[[Visitor], bool]) -> bool:
        """Whether one more fits among some, after the most overdue was closed if need be.

        Agents are closed last.
        """
        among = [one for one in self._visitors.values() if is_among(one)]
        if len(among) < most:
            return True
        now, counts = self.now(), Counter(one.network for one in self._visitors.values())
        waiting = [one for one in among if one.waits is not None]
        if waiting:
            weights = {one: one.overdue(now) * counts[one.network] for one in waiting}
            self._close(max(waiting, key=lambda one: (not one.is_agent, weights[one])))
        return bool(waiting)

    def _close(self, visitor: Visitor) -> None:
        self.leave(visitor)
        with suppress(OSError):  # the client may have closed it
            visitor.conn.shutdown(socket.SHUT_RDWR)

    def _forget_closed(self) -> None:
        """Forget connections that ended before a request could begin."""
        for one in [one for one in self._visitors.values() if one.conn.fileno() < 0]:
            self.leave(one)

    def _is_agent(self, network: str) -> bool:
        return self.now() - self._agents.get(network, -REMEMBERED) < REMEMBERED


class DoorSocket(socket.socket):
    """A listening socket whose connections go through a front door."""

    door: FrontDoor
    _is_swept = False

    @classmethod
    def of(cls, listener: socket.socket, door: FrontDoor) -> DoorSocket:
        """Take over a listening socket, which may not be used any more."""
        taken = cls(fileno=listener.detach())
        taken.settimeout(0)
        taken.door = door
        return taken

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection that is admitted. Raises BlockingIOError if there is none."""
        if not self._is_swept:
            self._is_swept = True
            self._sweep(asyncio.get_running_loop())
        for _ in range(MOST_REFUSED):
            conn, address = super().accept()
            if self.door.admit(conn, address[:2]):
                return conn, address
            conn.close()
        raise BlockingIOError

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self.door.sweep()
        loop.call_later(SWEEP, self._sweep, loop)
