"""``CarriedStream``: a byte stream inside another connection, for a server's ``Connection``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from probes.range.connection import Connection


class CarriedStream(asyncio.Transport):
    """The transport of a connection whose bytes a stream of another protocol carries.

    ``send`` takes what the connection sends; ``end`` is called once when it closes, with whether it
    was aborted. ``client`` is the client's IP address.
    """

    def __init__(
        self,
        connection: Connection,
        send: Callable[[bytes], None],
        end: Callable[[bool], None],
        client: str,
    ) -> None:
        super().__init__({"peername": (client, 0)})
        self._connection = connection
        self._send = send
        self._end = end
        self._is_closed = False
        connection.connection_made(self)

    def receive(self, data: bytes) -> None:
        """Pass bytes from the client to the connection."""
        if not self._is_closed:
            self._connection.data_received(data)

    def write(self, data: Any) -> None:
        """Send bytes to the client."""
        if not self._is_closed:
            self._send(bytes(data))

    def close(self) -> None:
        """Close in order."""
        self._close(aborted=False)

    def abort(self) -> None:
        """Close at once."""
        self._close(aborted=True)

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._is_closed

    def get_write_buffer_size(self) -> int:
        """What was written is never waited for here."""
        return 0

    def _close(self, *, aborted: bool) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._end(aborted)
        # As with a socket, the connection hears of it after the call that closed it.
        asyncio.get_running_loop().call_soon(self._connection.connection_lost, None)
