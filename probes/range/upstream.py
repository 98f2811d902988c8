"""The far side of a filter: its connection to the origin, for one client."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast


class Near(Protocol):
    """The client's side, which gets what the far side says."""

    def pass_back(self, data: bytes) -> None: ...  # noqa: D102 - see the implementation
    def far_ended(self, far: Far) -> None: ...  # noqa: D102
    def pause(self) -> None: ...  # noqa: D102
    def resume(self) -> None: ...  # noqa: D102


class Far(asyncio.Protocol):
    """The filter's connection to the origin; what comes from it goes to the near side."""

    def __init__(self, near: Near, host: str) -> None:
        self._near = near
        self._transport: asyncio.Transport | None = None
        self.has_spoken = False
        self.host = host

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the origin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand on what the origin says."""
        self.has_spoken = True
        self._near.pass_back(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the near side."""
        del exc
        self._transport = None
        self._near.far_ended(self)

    def pause_writing(self) -> None:
        """Let the client wait until the origin has read."""
        self._near.pause()

    def resume_writing(self) -> None:
        """Let the client go on."""
        self._near.resume()

    def send(self, data: bytes) -> None:
        """Send to the origin, if it is still there."""
        if self._transport is not None:
            self._transport.write(data)

    def abort(self) -> None:
        """End the connection at once."""
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
