"""The head of an HTTP/1.1 message: written by us, and read with a limit (RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from harness.ports.network import Request

HEAD_BYTES = 65536
"""A head larger than this is not one."""

END = b"\r\n\r\n"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: [^\r\n]*)?")

Headers = tuple[tuple[str, str], ...]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The status and headers of a response; names in lower case."""

    status: int
    headers: Headers

    def header(self, name: str) -> str:
        """The first value of a header, or the empty text."""
        for key, value in self.headers:
            if key == name:
                return value
        return ""

    def all(self, name: str) -> list[str]:
        """All values of a header, in order."""
        return [value for key, value in self.headers if key == name]


def read_head(head: bytes) -> Head:
    """Read a response head without its last empty line; raises ValueError if it is none."""
    status_line, *lines = head.split(b"\r\n")
    match = _STATUS_LINE.fullmatch(status_line)
    if match is None:
        raise ValueError(f"no HTTP/1.1 status line: {status_line[:80]!r}")
    pairs = (line.partition(b":") for line in lines if b":" in line)
    headers = tuple(
        (header_text(name.strip()).lower(), header_text(value.strip())) for name, _, value in pairs
    )
    return Head(status=int(match[1]), headers=headers)


def header_text(value: bytes) -> str:
    """A header as text: UTF-8 where it is, for a journal holds nothing that is no text."""
    return value.decode("utf-8", "replace")


def sent_headers(request: Request, *, handed_on: bool) -> list[tuple[str, str]]:
    """The headers of a request but for Host, in order; ``handed_on``: to a proxy, whole.

    A request that says nothing of its connection has it closed after the answer.
    """
    chosen = list((handed_on and request.proxied_headers) or request.headers)
    if not any(name.lower() in ("connection", "proxy-connection") for name, _ in chosen):
        chosen.append(("Connection", "close"))
    return chosen


def write_head(method: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """A request head; raises ValueError for a line break, which would smuggle a header."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    head = "\r\n".join(lines) + "\r\n\r\n"
    if not head.count("\r") == head.count("\n") == len(lines) + 1:
        raise ValueError("a line break inside a request head")
    return head.encode("latin-1")
