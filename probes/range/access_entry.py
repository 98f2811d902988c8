"""One entry of the reference filter's own record, and its line in Squid's native log format.

Squid's ``logformat squid`` is ``%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt``
(https://wiki.squid-cache.org/Features/LogFormat). Two fields follow: the bytes of the request
(``%>st``), and the filter's category in quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote

from harness.model.marker import SHAPE
from harness.model.origin_zone import is_in
from probes.range.zone import ZONE

if TYPE_CHECKING:
    from probes.range.connection import Request

SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie")
MOST_SECRET_CHARACTERS = 64 * 1024
"""Characters of a body that the fault LOG_SECRETS keeps."""

_UNSAFE = re.compile(r"[^\x21-\x7e]+")
_UNSAFE_IN_QUOTES = re.compile(r"[^\x20-\x7e]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\r": "\\r", "\n": "\\n", "\t": "\\t"}


class ResultCode(StrEnum):
    """What became of a request (Squid's ``%Ss``)."""

    DENIED = "TCP_DENIED"
    PASSED = "TCP_MISS"
    ABORTED = "TCP_MISS_ABORTED"
    INVALID = "NONE_NONE"


AGREED = "agreed list"
"""The category of a blocked host that has none: one that was agreed with the supplier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEntry:
    """What the filter handled. ``profile`` to ``secrets`` are not in the line.

    ``at`` is when the request was complete, in seconds since 1970, ``elapsed`` how long it took in
    milliseconds. ``status`` is what the client was shown, 0 if nothing; of a DNS question the rcode
    (RFC 1035). ``sent`` and ``received`` are bytes to and from the client, headers included.
    ``peer`` is the address that the request was forwarded to. Empty texts are written as ``-``.
    ``host`` is the name that faults are for. ``is_marked`` says whether a test can be recognised
    by the request; ``secrets`` is what a log should not hold. ``appended`` follows in quotes.
    """

    at: float
    elapsed: int = 0
    client: str = ""
    code: ResultCode = ResultCode.PASSED
    status: int = 0
    sent: int = 0
    method: str
    url: str
    user: str = ""
    peer: str = ""
    content_type: str = ""
    received: int = 0
    category: str = ""
    appended: tuple[str, ...] = ()
    host: str = ""
    profile: str = ""
    service: str = ""
    is_marked: bool = False
    secrets: tuple[str, ...] = ()

    @property
    def request(self) -> tuple[str, ...]:
        """Who asked for what: equal for equal requests."""
        return self.service, self.profile, self.client, self.method, self.url, self.user

    def line(self) -> str:
        """Return the entry as one line of printable ASCII, without its end."""
        fields = (
            f"{self.at:.3f}",
            f"{self.elapsed:>6}",
            _field(self.client),
            f"{self.code}/{self.status:03}",
            f"{self.sent}",
            _field(self.method),
            _field(self.url),
            _field(self.user),
            f"HIER_DIRECT/{_field(self.peer)}" if self.peer else "HIER_NONE/-",
            _field(self.content_type),
            f"{self.received}",
            _quoted(self.category) if self.category else "-",
            *map(_quoted, self.appended),
        )
        return " ".join(fields)


def url_of(request: Request, *, is_secure: bool) -> str:
    """Return the URL that was asked for, without user information; of CONNECT host and port."""
    if request.method == "CONNECT":
        return request.target
    if request.is_absolute:
        scheme, _, rest = request.target.partition("//")
        written = rest.partition("/")[0].partition("?")[0]
        return f"{scheme}//{rest[len(written) - len(request.authority) :]}"
    scheme = "https" if is_secure else "http"
    return f"{scheme}://{request.headers.get('host', '')}{request.path}"


def size_of(request: Request) -> int:
    """Return the bytes of a request, without those of chunked coding."""
    first = len(f"{request.method} {request.target} HTTP/1.1\r\n")
    return first + sum(len(line) + 2 for line in request.lines) + 2 + len(request.body)


def has_mark(host: str, *texts: str) -> bool:
    """Whether a test can be recognised: by a nonce in the texts, or by a host of the canary zone.

    A host in the zone of the plain twins shows nothing.
    """
    return is_in(host, ZONE) or any(SHAPE.search(text) for text in texts)


def secrets_in(request: Request) -> tuple[str, ...]:
    """Return the headers and the body of a request that a log should not hold."""
    headers = request.headers
    named = [f"{name}: {headers[name]}" for name in SECRET_HEADERS if name in headers]
    body = request.body[:MOST_SECRET_CHARACTERS].decode("latin-1")
    return (*named, *((body,) if body else ()))


def _field(text: str) -> str:
    """Return a text without blanks, other characters percent-encoded (RFC 3986)."""
    return _UNSAFE.sub(_percent_encoded, text) or "-"


def _quoted(text: str) -> str:
    escaped = "".join(_ESCAPES.get(each, each) for each in text)
    return f'"{_UNSAFE_IN_QUOTES.sub(_percent_encoded, escaped)}"'


def _percent_encoded(found: re.Match[str]) -> str:
    return quote(found[0], errors="replace")
