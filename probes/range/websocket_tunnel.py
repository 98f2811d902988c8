"""A tunnel in a WebSocket: its messages carry a request by HTTP/1.1, and the answer back.

The request may be for any host of the origin, which answers by itself: no other server is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from probes.net.websocket import BINARY, closing, frame
from probes.range.connection import MalformedRequestError, Request, parse_request
from probes.range.http2_session import Answers
from probes.range.origin_pages import Page, response_head, sent_body
from probes.range.visitor_limits import VisitorRules

TUNNEL_PATH = "/tunnel"
"""The path of the tunnel at each host of techniques."""


@dataclass(slots=True, kw_only=True)
class WebSocketTunnel:
    """The tunnel of one WebSocket: one request in one or several messages, and its answer.

    ``handle`` answers the request, also later, by calling ``answer`` or ``abort``.
    """

    rules: VisitorRules
    server: str
    send: Callable[[bytes], None]
    close: Callable[[], None]
    abort: Callable[[], None]
    handle: Callable[[Request, Answers], None]
    _received: bytearray = field(default_factory=bytearray)
    _has_request: bool = False

    def receive(self, payload: bytes) -> None:
        """Collect the messages of a request."""
        if self._has_request:
            return
        self._received += payload
        try:
            request = parse_request(self._received, self.rules)
        except MalformedRequestError as reason:
            self._has_request = True
            self.answer(Page(status=reason.status, body=f"{reason}\n".encode()))
            return
        if request is not None:
            self._has_request = True
            self.handle(request, self)

    def answer(self, page: Page, *, bodiless: bool = False) -> None:
        """Send a page as a message, and close."""
        body = b"" if bodiless else sent_body(page)
        self.send(frame(BINARY, response_head(page, self.server) + body) + closing())
        self.close()
