"""Limit how many pages are made at once.

Pages are made by Python code, of which one thread runs at a time. More threads make no page sooner:
they take turns every few milliseconds, and all end late. With few at once, in the order in which
they were asked for, a short page does not wait for long ones that were asked for after it.
"""

from __future__ import annotations

import asyncio

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
