"""Encrypted DNS as the range plays it: over TLS (RFC 7858) and over HTTPS (RFC 8484).

What is answered is the name server's business; here are only the two ways to say it.
"""

from __future__ import annotations

import ssl

from probes.range.connection import Connection
from probes.range.name_server import Answering, answer
from probes.range.origin_pages import Page
from probes.range.request import Request

HOST = "dns.accredit.test"
"""The name on the certificate of the range's encrypted name servers."""

PATH = "/dns-query"


class TlsAsked(Connection):
    """DNS over TLS: each message after its length in two octets."""

    def __init__(self, answering: Answering, context: ssl.SSLContext) -> None:
        super().__init__(context)
        self._answering = answering

    def on_bytes(self, data: bytes) -> None:
        """Answer each whole message."""
        self._received += data
        while len(self._received) >= 2:  # noqa: PLR2004 - the length's own length
            end = 2 + int.from_bytes(self._received[:2], "big")
            if len(self._received) < end:
                return
            message = bytes(self._received[2:end])
            del self._received[:end]
            answer(self._answering, message, self._reply)

    def _reply(self, wire: bytes) -> None:
        self.send(len(wire).to_bytes(2, "big") + wire)


class HttpsAsked(Connection):
    """DNS over HTTPS: a question is posted, one a connection."""

    def __init__(self, answering: Answering, context: ssl.SSLContext) -> None:
        super().__init__(context)
        self._answering = answering

    def on_request(self, request: Request) -> None:
        """Answer what was posted; a question that is none gets no answer, as elsewhere."""
        if request.method != "POST" or request.path != PATH:
            self.answer(Page(status=404, body=b"questions are posted to /dns-query\n"))
            return
        answer(self._answering, request.body, self._reply)

    def _reply(self, wire: bytes) -> None:
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\n"
            f"Content-Length: {len(wire)}\r\nConnection: close\r\n\r\n"
        )
        self.send(head.encode("ascii") + wire)
        self.close()
