"""DNS over HTTPS by HTTP/2: one stream per question on one connection (RFC 8484, RFC 9113).

Needs the optional package h2: import this module only where it is used.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import ClassVar

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from probes.net.portable.dns_stream import (
    LARGEST,
    MESSAGE,
    NO_ID,
    ConnectionLostError,
    DnsStream,
    StatusError,
)

ROOM = 4096
"""Flow-control window needed for another question: more than any question has."""


class DohHttp2(DnsStream):
    """DNS over HTTPS by HTTP/2: one stream per question."""

    shared: ClassVar[bool] = True

    def __init__(self, host: str, path: str) -> None:
        super().__init__()
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self._h2 = h2.connection.H2Connection(config)
        self._headers = [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", host),
            (":path", path),
            ("accept", MESSAGE),
            ("content-type", MESSAGE),
        ]
        self._status: dict[int, str] = {}
        self._bodies: dict[int, bytes] = {}

    @property
    def can_ask(self) -> bool:
        """Whether the server accepts another stream now."""
        if self.is_ending or self._h2.outbound_flow_control_window < ROOM:
            return False
        most: int = self._h2.remote_settings.max_concurrent_streams
        return len(self._waiting) < most

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the connection preface."""
        super().connection_made(transport)
        self._h2.initiate_connection()
        self._flush()

    def ask(self, without_id: bytes) -> asyncio.Future[bytes]:
        """POST a question, given without its id.

        The future may raise ConnectionLostError or StatusError.
        """
        stream = self._h2.get_next_available_stream_id()
        size = str(len(NO_ID) + len(without_id))
        self._h2.send_headers(stream, [*self._headers, ("content-length", size)])
        self._h2.send_data(stream, NO_ID + without_id, end_stream=True)
        return self._send_question(_key(stream), self._h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        """Process events, and resolve complete answers."""
        try:
            for event in self._h2.receive_data(data):
                self._handle(event)
        except h2.exceptions.ProtocolError as error:
            self.fail_all(StatusError(f"no HTTP/2: {error}"))
        else:
            self._flush()

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            names = {str(name): str(value) for name, value in event.headers}
            self._status[event.stream_id] = names[":status"]
        elif isinstance(event, h2.events.DataReceived):
            body = self._bodies.get(event.stream_id, b"") + event.data
            self._bodies[event.stream_id] = body[:LARGEST]
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            status, body = self._ended(event.stream_id)
            if status == str(HTTPStatus.OK.value):
                self._set_answer(_key(event.stream_id), body)
            else:
                self._refuse(event.stream_id, StatusError(f"status {status} over HTTPS"))
        elif isinstance(event, h2.events.StreamReset):
            self._ended(event.stream_id)
            reason = f"stream reset with code {int(event.error_code)} over HTTPS"
            self._refuse(event.stream_id, ConnectionLostError(StatusError(reason)))
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.fail_all(EOFError("the server ended the connection"))

    def _ended(self, stream: int) -> tuple[str, bytes]:
        return self._status.pop(stream, ""), self._bodies.pop(stream, b"")

    def _refuse(self, stream: int, error: Exception) -> None:
        answer = self._waiting.get(_key(stream))
        if answer is not None and not answer.done():
            answer.set_exception(error)

    def _flush(self) -> None:
        if pending := self._h2.data_to_send():
            self._write(pending)


def _key(stream: int) -> bytes:
    return stream.to_bytes(4, "big")
