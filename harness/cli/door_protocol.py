"""The protocol of a hub's server, which tells its front door what each connection waits for."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from harness.cli.front_door import FrontDoor, Visitor, Waits


def protocol_of(door: FrontDoor) -> type[H11Protocol]:
    """The protocol of a server with that door."""
    return type("_Guarded", (_Told,), {"door": door})


class _Told(H11Protocol):
    door: FrontDoor
    _visitor: Visitor | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as above it
        super().connection_made(transport)
        self._visitor = self.door.visitor(self.client) if self.client else None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._visitor is not None:
            self.door.leave(self._visitor)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._tell(len(data))

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._tell(0)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait("answer")

    def resume_writing(self) -> None:
        super().resume_writing()
        self._wait(None)

    def _tell(self, size: int) -> None:
        state = self.conn.their_state
        self._wait("head" if state is h11.IDLE else "body" if state is h11.SEND_BODY else None)
        if self._visitor is not None:
            self._visitor.came += size

    def _wait(self, what: Waits | None) -> None:
        if self._visitor is not None and self._visitor.waits != what:
            self._visitor.wait(what, self.door.now())
