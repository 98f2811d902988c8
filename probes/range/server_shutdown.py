"""Shuts a server's door without losing anybody in it.

A server that is closed while a client is half accepted loses that client's socket, and never
tells the protocol that it made for it. So nobody new is let in first, and those at the door
come in before they are shown out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Protocol


class Guest(Protocol):
    """A connection that takes itself out of its server's collection when it is lost."""

    def abort(self) -> None:
        """End at once; nothing happens before it has begun."""


async def shut(server: asyncio.Server, guests: Collection[Guest]) -> None:
    """Close ``server`` and end all its ``guests``; returns when none is left."""
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    await asyncio.sleep(0)
    while guests:
        for guest in tuple(guests):
            guest.abort()
        await asyncio.sleep(0)
    server.close()
