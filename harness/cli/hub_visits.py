"""The connections of a hub's server: each asks the ``Door`` for a place before TLS begins."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import get_remote_addr

from harness.cli.hub_door import BODY_BYTES, HEAD_WITHIN, Door, Phase
from harness.model.subscriber import subscriber_of

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

FOR_AGENTS = ("/agent/", "/health/")
"""Below these paths an answer is for an agent, or for who watches the server."""


class HubVisit(H11Protocol):
    """A connection to a hub; made by ``visits_through``."""

    door: ClassVar[Door]
    tls: ClassVar[ssl.SSLContext | None]
    proxies: Callable[[str], bool]

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        self.address, self.is_page, self.is_proxy = "", False, False
        self.phase, self.since, self.heard = Phase.HEAD, self.loop.time(), 0
        self._lowest: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._early = bytearray()
        self._is_open = self._is_lost = False
        self._answers, self.app = self.app, self._answer_if_possible

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, and open TLS."""
        self._lowest = transport
        host = (get_remote_addr(transport) or ("", 0))[0]
        self.address, self.is_proxy = subscriber_of(host), self.proxies(host)
        if not self.door.enter(self):
            transport.abort()
        elif self.tls is None:
            self._begin(transport)
        else:
            transport.pause_reading()
            self._opening = self.loop.create_task(self._open(transport, self.tls))

    def _begin(self, transport: asyncio.Transport) -> None:
        self._is_open = True
        super().connection_made(transport)

    async def _open(self, transport: asyncio.Transport, tls: ssl.SSLContext) -> None:
        try:
            opened = await self.loop.start_tls(
                transport, self, tls, server_side=True, ssl_handshake_timeout=HEAD_WITHIN
            )
        except OSError:  # ssl.SSLError and ConnectionError are OSErrors
            opened = None
        if opened is None or self._is_lost:
            self.door.leave(self)
            transport.abort()
            return
        self._begin(opened)
        if self._early:
            self.data_received(bytes(self._early))

    def data_received(self, data: bytes) -> None:
        """Read on; what came before TLS was told to be open is kept until then."""
        if not self._is_open:
            self._early += data
            return
        self.heard += len(data)
        super().data_received(data)
        self.look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._is_lost = True
        self.door.leave(self)
        if self._is_open:
            super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self.look()

    def pause_writing(self) -> None:
        """Stop while the client takes nothing."""
        super().pause_writing()
        self.look()

    def resume_writing(self) -> None:
        """Go on once the client took something."""
        super().resume_writing()
        self.look()

    def end(self) -> None:
        """End the connection at once."""
        if self._lowest is not None:
            self._lowest.abort()

    def look(self) -> None:
        """Find out the phase, and since when it lasts."""
        found = self._phase_now()
        is_fast = found is Phase.BODY and self.heard >= BODY_BYTES
        if found is not self.phase or is_fast:
            self.phase, self.since, self.heard = found, self.loop.time(), 0

    def _phase_now(self) -> Phase:
        if not self._is_open:
            return Phase.HEAD
        if self.flow.write_paused or self.transport.is_closing():
            return Phase.UNREAD
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None:
            return Phase.HEAD
        if cycle.response_complete:
            return Phase.HEAD if self.conn.trailing_data[0] else Phase.IDLE
        return Phase.BODY if cycle.more_body and not self.flow.read_paused else Phase.ANSWERING

    async def _answer_if_possible(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.is_page = not scope["path"].startswith(FOR_AGENTS)
        self.look()
        is_possible = not self.is_page or self.door.has_room_for_page()
        answer: Any = self._answers if is_possible else service_unavailable
        await answer(scope, receive, send)


def visits_through(
    door: Door, tls: ssl.SSLContext | None, is_proxy: Callable[[str], bool]
) -> type[HubVisit]:
    """The kind of connections that go through a door; ``is_proxy`` is asked for each address."""
    parts = {"door": door, "tls": tls, "proxies": staticmethod(is_proxy)}
    return type("HubVisitThroughDoor", (HubVisit,), parts)
