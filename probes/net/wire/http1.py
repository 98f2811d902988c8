"""One HTTP/1.1 exchange over a stream, parsed by httptools (RFC 9112)."""

from __future__ import annotations

from functools import lru_cache
from time import perf_counter
from typing import Protocol

import httptools

from probes.net.exchange_recorder import (
    HEAD_BYTES,
    ExchangeRecorder,
    Head,
    header_text,
)
from probes.net.wire.reactor import Steps

SWITCHING_PROTOCOLS = 101
READ_BYTES = 65536
"""Maximum bytes that a stream returns at once."""


FIRST_FINAL = 200
FRAMING = 16
"""Maximum bytes of framing (RFC 9112 section 7.1) for each byte of content, beside the head."""


class Stream(Protocol):
    """What an exchange needs of a connection: TCP or TLS."""

    @property
    def arrived(self) -> float: ...  # noqa: D102 - see Tcp
    def read(self) -> Steps[bytes]: ...  # noqa: D102
    def write(self, data: bytes) -> Steps[None]: ...  # noqa: D102


class ResponseReader:
    """Receives the parser's callbacks; ignores interim responses (1xx).

    An answer ``is_bodiless`` if the request was HEAD (RFC 9110 section 9.3.2).
    """

    __slots__ = ("_headers", "_is_bodiless", "_parser", "_recorder", "complete", "on_body")

    def __init__(self, recorder: ExchangeRecorder, *, is_bodiless: bool = False) -> None:
        self.complete = False
        self._is_bodiless = is_bodiless
        self._recorder = recorder
        self._headers: list[tuple[str, str]] = []
        self.on_body = recorder.body.extend
        self._parser = httptools.HttpResponseParser(self)

    @property
    def has_length(self) -> bool:
        """Whether the head delimits the body, other than by closing the connection."""
        head = self._recorder.head
        if head is None:
            return False
        coded = "chunked" in head.header("transfer-encoding").lower()
        return coded or bool(head.header("content-length"))

    def feed(self, received: bytes) -> None:
        """Parse received bytes. Raises ValueError if they are not HTTP."""
        try:
            self._parser.feed_data(received)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self.complete:
                raise ValueError(f"no HTTP: {error}") from None

    def close(self) -> None:
        """Drop the parser: breaks a reference cycle, of which there are thousands per second."""
        del self._parser

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        self._headers.append((_header_name(name), header_text(value)))

    def on_headers_complete(self) -> None:
        """Record the head, unless it is an interim response."""
        status = self._parser.get_status_code()
        headers, self._headers = tuple(self._headers), []
        if status >= FIRST_FINAL or status == SWITCHING_PROTOCOLS:
            self._recorder.head = Head(status=status, headers=headers)
            self.complete = self._is_bodiless

    def on_message_complete(self) -> None:
        """Mark the response as complete, unless it was an interim one."""
        self.complete = self._recorder.head is not None


@lru_cache(maxsize=1024)
def _header_name(name: bytes) -> str:
    return header_text(name).lower()


def send_request(stream: Stream, request: bytes, recorder: ExchangeRecorder) -> Steps[None]:
    """Send a request and read the response into the recorder, up to its body limit.

    Raises EOFError if the peer closed early, ValueError if its response is not HTTP.
    """
    recorder.stage = "response"
    reader = ResponseReader(recorder, is_bodiless=request.startswith(b"HEAD "))
    try:
        sent_at = perf_counter()
        yield from stream.write(request)
        received_bytes = 0
        while not reader.complete and len(recorder.body) <= recorder.limit:
            received = yield from stream.read()
            if not received:
                if recorder.head is None or reader.has_length:
                    raise EOFError("the far end closed too early")
                return
            if not received_bytes:
                recorder.phases["first_byte"] = max(stream.arrived - sent_at, 0.0)
            received_bytes += len(received)
            reader.feed(received)
            if recorder.head is None and received_bytes > HEAD_BYTES:
                raise ValueError("the head of the answer has no end")
            if received_bytes > HEAD_BYTES + (1 + FRAMING) * (len(recorder.body) + READ_BYTES):
                raise ValueError("the chunks of the answer have hardly any content")
    finally:
        reader.close()
