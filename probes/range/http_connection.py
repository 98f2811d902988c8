"""Connections that speak HTTP/1.1 or HTTP/2, or carry a request in a WebSocket.

A client begins HTTP/2 with its preface (after ALPN, or by prior knowledge, RFC 9113 section 3), or
asks for an upgrade (RFC 7540 section 3.2). Each request is handled by ``handle``: that of a stream,
or of a tunnel, by an object of its own (``stream_to``), whose answer goes there.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Self

from probes.net.raw_http2 import PREFACE
from probes.net.websocket import BINARY, CLOSE, TEXT, Messages
from probes.range.connection import Connection, Request
from probes.range.http2_session import Answers, Http2Carrier, Http2Session, upgrade_settings
from probes.range.origin_pages import Page, response_head, websocket_page
from probes.range.visitor_limits import Admission, VisitorLimits
from probes.range.websocket_tunnel import WebSocketTunnel


class HttpConnection(Connection):
    """A client connection; subclasses handle its requests."""

    def __init__(
        self, context: ssl.SSLContext | None = None, limits: VisitorLimits | None = None
    ) -> None:
        super().__init__(context, limits)
        self._http2: Http2Session | None = None
        self._messages: Messages | None = None
        self._on_message: Callable[[bytes], None] = lambda _: None
        self.answers_to: Answers | None = None

    def handle(self, request: Request) -> None:
        """Handle a request."""
        raise NotImplementedError

    def stream_to(self, to: Answers) -> Self:
        """Return what handles the request of one stream of this connection."""
        raise NotImplementedError

    def opens_tunnel(self, request: Request) -> bool:
        """Whether a request for a WebSocket opens a tunnel."""
        raise NotImplementedError

    def on_request(self, request: Request) -> None:
        """Handle a request by HTTP/1.1, and switch to another protocol if it asks for one."""
        settings = None if self.is_secure else upgrade_settings(request.headers)
        if request.websocket_key and self.opens_tunnel(request):
            self._begin_tunnel(request)
        elif settings is None or not self._upgrade(settings, request):
            self.handle(request)

    def on_bytes(self, data: bytes) -> None:
        """Process HTTP/2 or the messages of a WebSocket, or collect a request."""
        if self._http2 is not None:
            self._http2.receive(data)
        elif self._messages is not None:
            self._read_messages(self._messages, data)
        elif self._has_request:
            super().on_bytes(data)
        elif (start := bytes(self._received) + data).startswith(PREFACE):
            self._http2 = self._new_session()
            self._http2.begin()
            self._http2.receive(start)
        elif PREFACE.startswith(start):
            self._received += data
        else:
            super().on_bytes(data)

    def answer(self, page: Page, *, bodiless: bool = False) -> None:
        """Send a page, on the stream if it is one."""
        if self.answers_to is not None:
            self.answers_to.answer(page, bodiless=bodiless)
        else:
            super().answer(page, bodiless=bodiless)

    def abort(self) -> None:
        """Close immediately, with all streams."""
        if self.answers_to is not None:
            self.answers_to.abort()
        else:
            super().abort()

    def _handle_stream(self, request: Request, to: Answers) -> None:
        self.stream_to(to).handle(request)

    def _upgrade(self, settings: bytes, request: Request) -> bool:
        """Switch to HTTP/2, if the settings are in range."""
        session = self._new_session()
        if not session.upgrade(settings):
            return False
        self._http2 = session
        session.handle_first(request)
        return True

    def _new_session(self) -> Http2Session:
        carrier = Http2Carrier(
            rules=self.rules,
            server=self.server,
            send=self.send,
            close=self.close,
            abort=self.abort,
            admit=self._admit_stream,
            handle=self._handle_stream,
        )
        return Http2Session(carrier)

    def _admit_stream(self) -> Admission:
        """Count a request on a stream; one that is served gives the connection its time again."""
        admission = self._visit.next_admission() if self._visit else Admission.SERVED
        if admission is Admission.SERVED and self._visit and self._transport:
            self._visit.restart(self._transport)
        return admission

    def _begin_tunnel(self, request: Request) -> None:
        """Accept a WebSocket, and take its messages as a request."""
        accepted = websocket_page(request.websocket_key, ())
        self.send(response_head(accepted, self.server))
        tunnel = WebSocketTunnel(
            rules=self.rules,
            server=self.server,
            send=self.send,
            close=self.close,
            abort=self.abort,
            handle=self._handle_stream,
        )
        self.open_websocket(tunnel.receive)
        self.on_bytes(request.rest)

    def open_websocket(self, on_message: Callable[[bytes], None]) -> None:
        """Take what comes as messages of a WebSocket from now on."""
        self._messages, self._on_message = Messages(self.rules.body_bytes), on_message

    def _read_messages(self, messages: Messages, data: bytes) -> None:
        try:
            complete = messages.feed(data)
        except ValueError:
            self.abort()
            return
        for opcode, payload in complete:
            if opcode in (TEXT, BINARY):
                self._on_message(payload)
            elif opcode == CLOSE:
                self.close()
                return
