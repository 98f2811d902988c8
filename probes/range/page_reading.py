"""How the reference filter reads a response: it looks for what a category page shows.

It knows the agreed content marker, the agreed image and the RTA self-label, in every form of
``harness.model.content_form``. Nothing else on a page makes it block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.model.marker import MARKER_PREFIX
from probes.net.content_coding import decode
from probes.net.readings import readings
from probes.range.image_card import is_agreed

_MARKER = re.compile(MARKER_PREFIX + r"([A-Z][A-Z0-9]*(?:-[A-Z][A-Z0-9]*)*)-[0-9A-Z]{4}\b")
_INTERIM = re.compile(rb"HTTP/1\.[01] 1(?!01)\d\d ")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
RTA_LABEL = b"RTA-5042-1996-1400-1577-RTA"
"""The label "restricted to adults" of the ASACP, in an element or a header."""
WITHOUT_TEXT = ("video/", "image/jpeg", "application/zip")
"""Types of content in which no text is looked for: it would take long, and find nothing."""
LONGEST = 4 * 1024 * 1024
"""Bytes of a body that are read, after decoding."""


def code_in(answer: bytes) -> str:
    """Return the taxonomy code that a response shows (``PORN.NUDE``), or an empty string."""
    if RTA_LABEL in answer:
        return "PORN"
    headers, body = decoded_body(answer)
    if is_agreed(body):
        return "PORN"
    kind = headers.get("content-type", "")
    if kind.startswith(WITHOUT_TEXT):
        return ""
    for reading in visible_readings(body, kind):
        if found := _MARKER.search(reading):
            return found[1].replace("-", ".")
    return ""


def visible_readings(body: bytes, content_type: str) -> Iterator[str]:
    """Yield the readings of a body (``probes.net.readings``) without invisible characters."""
    return (_INVISIBLE.sub("", reading) for reading in readings(body, content_type))


def decoded_body(answer: bytes) -> tuple[dict[str, str], bytes]:
    """Return the headers of a response, and its body without chunks and content codings.

    Interim responses before it are skipped, but for 101 (RFC 9110 section 15.2).
    """
    while _INTERIM.match(answer):
        answer = answer.partition(b"\r\n\r\n")[2]
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not blank:
        head, body = b"", answer
    headers = _headers(head)
    if "chunked" in headers.get("transfer-encoding", ""):
        body = unchunked(body)
    return headers, decode(body, headers.get("content-encoding", ""), LONGEST).body


def _headers(head: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.strip().lower(): value.strip().lower() for name, _, value in lines}


def unchunked(body: bytes) -> bytes:
    """Return a chunked body joined, as far as it is well-formed (RFC 9112 section 7.1)."""
    parts: list[bytes] = []
    rest = body
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        try:
            length = int(size.partition(b";")[0], 16)
        except ValueError:
            break
        if length <= 0:
            break
        parts.append(rest[:length])
        rest = rest[length + 2 :]
    return b"".join(parts)
