"""One HTTP answer as a hostile service reads it from the origin, and writes it to its client."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Self

END_OF_HEAD = b"\r\n\r\n"
FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, headers (without those that frame the body), and the whole body.

    ``padding`` comes before the body: an object that many answers may share, for it is large.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/html; charset=utf-8"),)
    body: bytes = b""
    reason: str = ""
    padding: bytes = b""

    @classmethod
    def read(cls, received: bytes) -> Self:
        """The answer in all that an origin sent before it closed. Raises ValueError."""
        head, _, body = received.partition(END_OF_HEAD)
        first, *lines = head.decode("latin-1").split("\r\n")
        _, status, *reason = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        headers = tuple((name, value.strip()) for name, _, value in pairs)
        kept = tuple(each for each in headers if each[0].lower() not in FRAMING)
        return cls(status=int(status), headers=kept, body=body, reason=" ".join(reason))

    def html(self, text: str | bytes) -> Self:
        """The same answer with other HTML in its place."""
        return self.with_body(text if isinstance(text, bytes) else text.encode())

    def with_body(self, body: bytes, **headers: str) -> Self:
        """The same answer with another body, and further headers (``_`` stands for ``-``)."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        gone = {name.lower() for name in more}
        kept = tuple(each for each in self.headers if each[0].lower() not in gone)
        return replace(self, body=body, headers=(*kept, *more.items()))

    def with_status(self, status: int) -> Self:
        """The same answer with another status."""
        return replace(self, status=status, reason="")

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def head(self, *framing: tuple[str, str], version: str = "HTTP/1.1") -> bytes:
        """The head, with the ``framing`` headers that a service gives it."""
        reason = self.reason or _reason(self.status)
        lines = [f"{version} {self.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in (*self.headers, *framing)]
        return "\r\n".join(lines).encode("latin-1", "replace") + END_OF_HEAD

    @property
    def wire(self) -> bytes:
        """The whole answer as it should be sent, for a connection that is closed after it."""
        return self.framed_head + self.padding + self.body

    @property
    def framed_head(self) -> bytes:
        """The head of an answer after which the connection is closed."""
        length = len(self.padding) + len(self.body)
        return self.head(("Content-Length", str(length)), ("Connection", "close"))


def chunked(pieces: Iterable[bytes], extension: bytes = b"") -> bytes:
    """A body in chunks (RFC 9112 section 7.1)."""
    parts = [b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces if piece]
    return b"".join((*parts, b"0\r\n\r\n"))


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
