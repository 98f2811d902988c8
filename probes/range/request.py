"""One HTTP/1.1 request as the range's servers read it (RFC 9112 sections 2 to 6)."""

from __future__ import annotations

from dataclasses import dataclass

from probes.range.zone import plain

LIMIT_HEAD = 64 * 1024
LIMIT_BODY = 16 * 1024 * 1024

_HOP_BY_HOP = frozenset(
    {b"connection", b"proxy-connection", b"keep-alive", b"proxy-authorization", b"te", b"upgrade"}
)


class Unreadable(ValueError):
    """A request that is not HTTP/1.1; ``status`` is what to answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A whole request. ``lines`` are its header lines as they came, for a proxy to pass on."""

    method: str
    target: str
    headers: dict[str, str]
    lines: tuple[bytes, ...]
    body: bytes = b""

    @property
    def host(self) -> str:
        """The host that is asked for: of the target if it names one, else of the Host line."""
        if self.method == "CONNECT":
            return plain(self.target)
        if self.is_absolute:
            return plain(self.authority)
        return plain(self.headers.get("host", ""))

    @property
    def is_absolute(self) -> bool:
        """Whether the target is a whole URL, as a proxy is asked (RFC 9112 section 3.2.2)."""
        return self.target[:7].lower() == "http://"

    @property
    def authority(self) -> str:
        """Host and port of an absolute target, without a user's name."""
        rest = self.target[7:].partition("/")[0].partition("?")[0]
        return rest.rpartition("@")[2]

    @property
    def port(self) -> int:
        """The port that a proxy is asked to reach; 0 if it is no number."""
        authority = self.target if self.method == "CONNECT" else self.authority
        digits = authority.rpartition(":")[2] if ":" in authority else "80"
        return int(digits) if digits.isascii() and digits.isdigit() else 0

    @property
    def path(self) -> str:
        """The path and query, as the origin sees them."""
        if not self.is_absolute:
            return self.target
        path = self.target[7 + len(self.target[7:].partition("/")[0]) :]
        return path or "/"

    def passed_on(self) -> bytes:
        """The request as a proxy sends it to the origin, for one answer only."""
        kept = [line for line in self.lines if line.partition(b":")[0].lower() not in _HOP_BY_HOP]
        first = f"{self.method} {self.path} HTTP/1.1".encode("latin-1")
        return b"\r\n".join((first, *kept, b"Connection: close", b"", self.body))


def read(received: bytes | bytearray) -> Request | None:
    """The request at the start of ``received``, or None while more must come.

    Raises Unreadable with the status to answer.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        if len(received) > LIMIT_HEAD:
            raise Unreadable(431, "the head is too long")
        return None
    first, *lines = bytes(received[:end]).split(b"\r\n")
    parts = first.decode("latin-1").split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):  # noqa: PLR2004 - method, target, version
        raise Unreadable(400, "the first line is not HTTP/1.1")
    headers = _headers(lines)
    length = _length(headers)
    if len(received) < end + 4 + length:
        return None
    body = bytes(received[end + 4 : end + 4 + length])
    return Request(method=parts[0], target=parts[1], headers=headers, lines=tuple(lines), body=body)


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise Unreadable(400, "a header line has no colon")
        headers[name.lower()] = value.strip()
    return headers


def _length(headers: dict[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise Unreadable(411, "a body needs a Content-Length here")
    stated = headers.get("content-length", "0")
    if not (stated.isascii() and stated.isdigit()):
        raise Unreadable(400, "Content-Length is no number")
    if int(stated) > LIMIT_BODY:
        raise Unreadable(413, "the body is too long")
    return int(stated)
