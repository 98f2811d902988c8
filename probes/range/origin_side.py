"""The filter's connection to the origin, for a client's side that receives the data."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast


class ClientSide(Protocol):
    """The client's side of a proxied connection; receives the origin's data."""

    def send_to_client(self, data: bytes) -> None: ...  # noqa: D102 - see the implementation
    def origin_side_closed(self, origin_side: OriginSide) -> None: ...  # noqa: D102
    def pause(self) -> None: ...  # noqa: D102
    def resume(self) -> None: ...  # noqa: D102


class OriginSide(asyncio.Protocol):
    """The filter's connection to the origin; passes data to the client's side."""

    def __init__(self, client_side: ClientSide, host: str) -> None:
        self._client_side = client_side
        self._transport: asyncio.Transport | None = None
        self.has_answered = False
        self.host = host

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass data to the client's side."""
        self.has_answered = True
        self._client_side.send_to_client(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the client's side."""
        del exc
        self._transport = None
        self._client_side.origin_side_closed(self)

    def pause_writing(self) -> None:
        """Stop reading from the client: the origin's buffer is full."""
        self._client_side.pause()

    def resume_writing(self) -> None:
        """Read from the client again."""
        self._client_side.resume()

    def send(self, data: bytes) -> None:
        """Send to the origin, if still connected."""
        if self._transport is not None:
            self._transport.write(data)

    def abort(self) -> None:
        """Close immediately."""
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Stop reading from the origin."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read from the origin again."""
        if self._transport is not None:
            self._transport.resume_reading()
