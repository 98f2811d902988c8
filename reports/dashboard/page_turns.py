"""Limit how many pages are made at once.

Pages are made by Python code, of which one thread runs at a time. More threads make no page sooner:
they take turns every few milliseconds, and all end late. With few at once, in the order in which
they were asked for, a short page does not wait for long ones that were asked for after it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from harness.model.client_address import network_of

AT_ONCE = 2
"""How many pages are made at once: while one waits for the database, the other can be made."""

PATIENCE = 1.0
"""Seconds after which a page is made without a turn, so that slow ones never stop all others."""


class Turn:
    """The right to make a page; it can be given back more than once."""

    def __init__(self, turns: asyncio.Semaphore | None = None) -> None:
        self._turns = turns

    def give_back(self) -> None:
        """Let the next page be made."""
        if self._turns is not None:
            self._turns.release()
        self._turns = None


MOST_OF_ADDRESS = 48
"""How many requests of one address are answered at once; a browser makes six."""


class Guests:
    """Counts the requests of each address that are being answered."""

    def __init__(self, most: int = MOST_OF_ADDRESS) -> None:
        self._most, self._held = most, Counter[str]()

    @contextmanager
    def one_of(self, address: str) -> Iterator[bool]:
        """Count one more while it lasts; gives whether that is not too many."""
        network = network_of(address)
        self._held[network] += 1
        try:
            yield self._held[network] <= self._most
        finally:
            self._held[network] -= 1
            if not self._held[network]:
                del self._held[network]


class PageTurns:
    """Gives turns, first come, first served. It belongs to one event loop."""

    def __init__(self, at_once: int = AT_ONCE, patience: float = PATIENCE) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._patience = patience

    async def take(self) -> Turn:
        """Wait for a turn. After ``patience`` seconds return one that does not count."""
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError:
            return Turn()
        return Turn(self._turns)
