"""Read malformed HTTP/1 requests as lenient servers do, instead of refusing them.

Only the origin reads them so: a technique with a malformed request works if some server accepts
it, and a filter has to refuse what it cannot read. Accepted are blanks and line ends of any kind,
any method and version, HTTP/0.9 (RFC 1945 section 5), header lines without a colon, folded lines
(RFC 9112 section 5.2), several Host headers, and two lengths (the chunks count, RFC 9112 section
6.3).
"""

from __future__ import annotations

import re

from harness.model.transition_address import host_in
from probes.range.connection import MalformedRequestError, Request
from probes.range.visitor_limits import VisitorRules
from probes.range.zone import normalise

_END = re.compile(rb"\r?\n\r?\n|\r\r(?!\n)")
_LINE_END = re.compile(rb"\r?\n|\r")
_BEGINNING = re.compile(rb"[\r\n \t]*[A-Za-z]{1,32}[ \t]")
_VERSION = re.compile(r"[A-Za-z]*/[0-9]+(?:\.[0-9]+)*")
_SIMPLE = re.compile(rb"[\r\n ]*([A-Za-z]+)[ \t]+([^\s]+)[ \t]*(?:\r?\n)\Z")
_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[^\r\n]*\r?\n")
_CHUNK_END = re.compile(rb"\r?\n")
_EXPECTS = re.compile(rb"(?i)[\r\n]expect:[ \t]*100-continue")

SIMPLE = "0.9"
"""The version of a request without one: its answer has no head."""

MAX_DIGITS = 18
"""Digits of a length that is read; Python refuses to read numbers of thousands of digits."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def read_lenient(received: bytes, rules: VisitorRules) -> Request | None:
    """Read the request at the start; None while it is incomplete.

    Raises MalformedRequestError for one that is too long, or whose chunks cannot be read.
    """
    simple = _SIMPLE.fullmatch(received)
    if simple is not None and needs_leniency(received):
        method, target = (part.decode("latin-1") for part in simple.groups())
        return Request(method=method, target=target, headers={}, lines=(), version=SIMPLE)
    start = len(received) - len(received.lstrip(b"\r\n \t"))
    end = _END.search(received, start)
    if (end.start() if end else len(received)) > rules.head_bytes:
        raise MalformedRequestError(431, "the request's header is too long")
    if end is None:
        return None
    first, *lines = _LINE_END.split(received[start : end.start()])
    method, target, version = _request_line(first.decode("latin-1"))
    headers = _headers(lines, target)
    taken = _body(received[end.end() :], headers, rules)
    if taken is None:
        return None
    body, size = taken
    return Request(
        method=method,
        target=target,
        headers=headers,
        lines=(),
        body=body,
        rest=received[end.end() + size :],
        version=version,
    )


def is_readable(received: bytes) -> bool:
    """Whether the beginning is that of a request, however malformed, and of no other protocol."""
    return _BEGINNING.match(received) is not None


def needs_leniency(received: bytes | bytearray) -> bool:
    """Whether a strict reader would wait for more, although a request may have come already.

    It is one of HTTP/0.9, or its lines end with carriage returns alone.
    """
    simple = _SIMPLE.fullmatch(received)
    if simple is not None:
        return _VERSION.fullmatch(simple[2].decode("latin-1")) is None
    return b"\n" not in received and b"\r\r" in received


def awaits_continue(received: bytes) -> bool:
    """Whether the head is complete, and the client waits for 100 (RFC 9110 section 10.1.1)."""
    end = _END.search(received)
    return end is not None and _EXPECTS.search(received, 0, end.start()) is not None


def _request_line(line: str) -> tuple[str, str, str]:
    """Return the method, the target (``/`` if there is none) and the version."""
    method, *parts = line.split() or ("GET",)
    version = SIMPLE
    if len(parts) > 1 or (parts and _VERSION.fullmatch(parts[0])):
        version = parts.pop().rpartition("/")[2]
    return method, " ".join(parts) or "/", version


def _headers(lines: list[bytes], target: str) -> dict[str, str]:
    """Return the headers by name; of several with one name the first."""
    pairs: list[tuple[str, str]] = []
    for line in (raw.decode("latin-1") for raw in lines):
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") and pairs:
            pairs[-1] = pairs[-1][0], f"{pairs[-1][1]} {line.strip()}".strip()
        elif colon:
            pairs.append((name.strip().lower(), value.strip()))
    headers = dict(reversed(pairs))
    hosts = [value for name, value in pairs if name == "host"]
    if len(hosts) > 1:
        headers["host"] = _chosen(hosts, target)
    return headers


def _chosen(hosts: list[str], target: str) -> str:
    """Return the Host that the path names (``page_path``), else the last: servers differ."""
    wanted = host_in(target)
    return next((host for host in hosts if normalise(host) == wanted), hosts[-1])


def _body(data: bytes, headers: dict[str, str], rules: VisitorRules) -> tuple[bytes, int] | None:
    """Return the body, and how many bytes it took; None while it is incomplete."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _chunks(data, rules)
    declared = headers.get("content-length", "0").partition(",")[0].strip()
    is_number = declared.isascii() and declared.isdigit() and len(declared) <= MAX_DIGITS
    length = int(declared) if is_number else 0
    if length > rules.body_bytes:
        raise MalformedRequestError(413, "the request body is too long")
    return (data[:length], length) if len(data) >= length else None


def _chunks(data: bytes, rules: VisitorRules) -> tuple[bytes, int] | None:
    """Return a body in chunks, without trailers (RFC 9112 section 7.1)."""
    body, place = bytearray(), 0
    while True:
        size = _SIZE.match(data, place)
        if size is None:
            if b"\n" in data[place:]:
                raise MalformedRequestError(400, "a chunk has no size")
            return None
        length = int(size[1], 16)
        place = size.end()
        if len(body) + length > rules.body_bytes:
            raise MalformedRequestError(413, "the request body is too long")
        chunk = data[place : place + length]
        place += length
        end = _CHUNK_END.match(data, place)
        if end is None:
            return None
        place = end.end()
        if not length:
            return bytes(body), place
        body += chunk
