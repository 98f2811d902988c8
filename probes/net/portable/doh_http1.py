"""DNS over HTTPS: a question is posted, one at a time on a connection (RFC 8484, HTTP/1.1).

dnspython would make a connection of its own for each, past the line.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import ClassVar

import httptools

from probes.net.portable.dns_stream import Conversation

MESSAGE = "application/dns-message"
NO_ID = b"\0\0"
"""An id of 0 lets caches on the way answer (RFC 8484 section 4.1)."""
LARGEST = 65535


class StatusError(Exception):
    """The server answered with another status than 200."""


class Posting(Conversation):
    """One connection to ``host`` with a question under way, or none."""

    shared: ClassVar[bool] = False

    def __init__(self, host: str, path: str) -> None:
        super().__init__()
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {MESSAGE}\r\n"
            f"Content-Type: {MESSAGE}\r\nContent-Length: "
        ).encode("ascii")
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""

    def ask(self, rest: bytes) -> asyncio.Future[bytes]:
        """Post a question, whole but for its id. Its answer may be LostError or StatusError."""
        size = len(NO_ID) + len(rest)
        return self._expect(NO_ID, self._head + b"%d\r\n\r\n" % size + NO_ID + rest)

    def data_received(self, data: bytes) -> None:
        """Read the answer on."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.break_off(error)

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body, up to what DNS allows."""
        self._body += body[: LARGEST - len(self._body)]

    def on_message_complete(self) -> None:
        """Give the answer away, and be ready for the next if the server is."""
        status, body = self._parser.get_status_code(), self._body
        if status < HTTPStatus.OK:
            return
        self._body = b""
        self.is_over = self.is_over or not self._parser.should_keep_alive()
        answer = self._waiting.get(NO_ID)
        if answer is not None and not answer.done() and status != HTTPStatus.OK:
            answer.set_exception(StatusError(f"status {status} over HTTPS"))
        self._answer(NO_ID, body)
