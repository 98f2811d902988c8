"""Persistent connections to a name server.

DNS over TCP and TLS (``DnsTcp``; RFC 7766, RFC 7858), and over HTTPS by HTTP/1.1 (``DohHttp1``;
RFC 8484). dnspython would open a connection per question, and would not use the line's binding.
"""

from __future__ import annotations

import asyncio
import os
from http import HTTPStatus
from typing import ClassVar, cast

import httptools

MESSAGE = "application/dns-message"
NO_ID = b"\0\0"
"""Message id 0 makes responses cacheable (RFC 8484 section 4.1)."""
LARGEST = 65535


class StatusError(Exception):
    """The server answered with a status other than 200."""


class ConnectionLostError(Exception):
    """The connection was lost before the answer; ``cause`` is the reason."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class DnsStream(asyncio.Protocol):
    """One connection. ``question_count`` is the number of questions sent so far.

    A ``shared`` connection carries several questions at once.
    """

    shared: ClassVar[bool]

    def __init__(self) -> None:
        self.question_count = 0
        self.is_ending = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._outbox: list[bytes] = []
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}

    @property
    def can_ask(self) -> bool:
        """Whether another question may be sent now."""
        return not self.is_ending and (self.shared or not self._waiting)

    def ask(self, without_id: bytes) -> asyncio.Future[bytes]:
        """Send a question, given without its id; the future may raise ConnectionLostError."""
        raise NotImplementedError

    def end(self) -> None:
        """Accept no more questions, and close after the last answer."""
        self.is_ending = True
        self._close_if_idle()

    def close(self) -> None:
        """Close immediately; pending questions fail."""
        self.is_ending = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport, which may already be closing: its end is then not reported again."""
        self._transport = cast("asyncio.Transport", transport)
        if self._transport.is_closing():
            self._loop.call_soon(self.connection_lost, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail pending questions."""
        self.fail_all(exc or EOFError("the server closed before it answered"))
        self._transport = None

    def fail_all(self, cause: Exception) -> None:
        """Fail all pending questions and close."""
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionLostError(cause))
        self.close()

    def _send_question(self, id_: bytes, message: bytes) -> asyncio.Future[bytes]:
        """Send a message; return the future of the answer with that id."""
        self.question_count += 1
        self._write(message)
        answer = self._waiting[id_] = self._loop.create_future()
        answer.add_done_callback(lambda _: self._forget(id_, answer))
        return answer

    def _write(self, data: bytes) -> None:
        """Write together with everything else from this iteration of the loop."""
        if not self._outbox:
            self._loop.call_soon(self._send_all)
        self._outbox.append(data)

    def _set_answer(self, id_: bytes, message: bytes) -> None:
        """Resolve the question with that id, if it is still pending."""
        answer = self._waiting.get(id_)
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _forget(self, id_: bytes, answer: asyncio.Future[bytes]) -> None:
        if self._waiting.get(id_) is answer:
            del self._waiting[id_]
        self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self.is_ending and not self._waiting:
            self.close()

    def _send_all(self) -> None:
        outbox, self._outbox = self._outbox, []
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(outbox))


LENGTH = 2
"""Size of the length prefix (RFC 1035 section 4.2.2)."""


class DnsTcp(DnsStream):
    """DNS over TCP or TLS with pipelined questions."""

    shared: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._received = bytearray()

    def ask(self, without_id: bytes) -> asyncio.Future[bytes]:
        """Send a question, given without its id; the future may raise ConnectionLostError."""
        id_ = os.urandom(2)
        while id_ in self._waiting:
            id_ = os.urandom(2)
        length = (len(without_id) + len(id_)).to_bytes(LENGTH, "big")
        return self._send_question(id_, length + id_ + without_id)

    def data_received(self, data: bytes) -> None:
        """Split the stream into messages and resolve their questions."""
        received = self._received
        received += data
        offset = 0
        while len(received) >= (start := offset + LENGTH):
            end = start + int.from_bytes(received[offset:start], "big")
            if len(received) < end:
                break
            self._set_answer(bytes(received[start : start + 2]), bytes(received[start:end]))
            offset = end
        del received[:offset]


class DohHttp1(DnsStream):
    """DNS over HTTPS by HTTP/1.1: at most one question at a time."""

    shared: ClassVar[bool] = False

    def __init__(self, host: str, path: str) -> None:
        super().__init__()
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {MESSAGE}\r\n"
            f"Content-Type: {MESSAGE}\r\nContent-Length: "
        ).encode("ascii")
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""

    def ask(self, without_id: bytes) -> asyncio.Future[bytes]:
        """POST a question, given without its id.

        The future may raise ConnectionLostError or StatusError.
        """
        size = len(NO_ID) + len(without_id)
        return self._send_question(NO_ID, self._head + b"%d\r\n\r\n" % size + NO_ID + without_id)

    def data_received(self, data: bytes) -> None:
        """Parse the response."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.fail_all(error)

    def on_body(self, body: bytes) -> None:
        """Collect the body, up to the largest DNS message."""
        self._body += body[: LARGEST - len(self._body)]

    def on_message_complete(self) -> None:
        """Resolve the question, and end the connection if the server does not keep it alive."""
        status, body = self._parser.get_status_code(), self._body
        if status < HTTPStatus.OK:
            return
        self._body = b""
        self.is_ending = self.is_ending or not self._parser.should_keep_alive()
        answer = self._waiting.get(NO_ID)
        if answer is not None and not answer.done() and status != HTTPStatus.OK:
            answer.set_exception(StatusError(f"status {status} over HTTPS"))
        self._set_answer(NO_ID, body)
