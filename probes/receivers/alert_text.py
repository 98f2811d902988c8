"""What a received message says: its headers, its text as a person reads it, and its priority.

Messages come from outside, so everything is bounded, and nothing here raises for any bytes: what
cannot be decoded is shown with U+FFFD, and what is too deep or too long is left out. The standard
library's mail parser is not used for whole messages, because its time and depth grow with what a
sender nests.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from typing import NamedTuple

from harness.model.log_entry import AlertPriority
from harness.model.received_alert import LONGEST
from probes.net.html_text import decode_text, read_page

MOST_BYTES = 1024 * 1024
"""The most bytes of a message."""
HEAD_BYTES = 64 * 1024
"""Bytes of the headers of a message or part that are read."""
LONGEST_HEADER = 4096
"""Bytes of one header that are read; decoding takes time that grows faster than its length."""
LONGEST_ADDRESS = 320
"""The most characters of an address (RFC 3696, erratum 1690) or a path that are kept."""
LONGEST_SUBJECT = 1000
"""The most characters of a subject that are kept."""
MOST_PARTS, DEEPEST = 100, 12
"""The most parts of a message that are read, and how deeply they may be nested."""
MOST_VISITED = 1000
"""The most parts of a message that are looked at, with those that hold others."""

_FOLD = re.compile(rb"\n(?=[ \t])")
_BOUNDARY = re.compile(r'\bboundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MARKUP = ("text/html", "application/xhtml+xml")
_ENCLOSED = ("message/rfc822", "message/global")

_PRIORITIES: Mapping[AlertPriority, frozenset[str]] = {
    "urgent": frozenset(
        {"urgent", "high", "highest", "critical", "emergency", "severe", "immediate"}
    ),
    "normal": frozenset({"normal", "medium", "moderate", "default", "standard"}),
    "low": frozenset({"low", "lowest", "minor", "non-urgent", "info", "informational"}),
}
_X_PRIORITIES: Mapping[str, AlertPriority] = {
    "1": "urgent",
    "2": "urgent",
    "3": "normal",
    "4": "low",
    "5": "low",
}
"""The values of ``X-Priority``, 1 the highest, as mail clients write and read them."""
_WORD_HEADERS = ("importance", "priority", "x-msmail-priority", "x-priority")
"""Headers whose value is a word: RFC 4021, RFC 2156, and what mail clients write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a message that has no parts itself: its headers by lower-case name, its body."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The declared type in small letters; ``text/plain`` if none is (RFC 2045, 5.2)."""
        return media_type_of(self.headers.get("content-type", "")) or "text/plain"

    @property
    def is_attachment(self) -> bool:
        """Whether the part is declared to be a file rather than text to read (RFC 2183)."""
        return self.headers.get("content-disposition", "").lower().startswith("attachment")

    @property
    def text(self) -> str:
        """The text of the part, without markup, at most ``LONGEST`` characters."""
        content_type = self.headers.get("content-type", "")
        if self.media_type in _MARKUP:
            return clean(" ".join(read_page(self.content, content_type).words.split()))
        # The charset alone: the page's own declaration counts only in markup.
        return clean(decode_text(self.content, content_type or "charset=utf-8"))

    @property
    def content(self) -> bytes:
        """The body without its transfer encoding (RFC 2045, section 6), as far as it is valid."""
        coding = _coding(self.headers)
        if coding == "base64":
            return _from_base64(self.body)
        return binascii.a2b_qp(self.body) if coding == "quoted-printable" else self.body


def clean(text: str, longest: int = LONGEST) -> str:
    """Return at most ``longest`` characters, without control characters and lone surrogates.

    Lines end with a line feed; blanks around the text are removed.
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    plain = _CONTROLS.sub("", plain).encode("utf-8", "replace").decode()
    return plain.strip()[:longest].rstrip()


def media_type_of(content_type: str) -> str:
    """Return the type in a ``Content-Type`` header in small letters, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def decoded_header(value: str, longest: int = LONGEST_SUBJECT) -> str:
    """Return the text of a header, encoded words decoded (RFC 2047), on one line."""
    try:
        pieces = decode_header(value[:LONGEST_HEADER])
    except (HeaderParseError, ValueError):  # binascii.Error is a ValueError
        return clean(" ".join(value.split()), longest)
    text = "".join(
        piece if isinstance(piece, str) else decode_text(piece, f"charset={charset or 'utf-8'}")
        for piece, charset in pieces
    )
    return clean(" ".join(text.split()), longest)


def read_message(content: bytes) -> tuple[dict[str, str], bytes]:
    """Split a message or part into its headers, by lower-case name, and its body.

    Of a header that stands several times the first counts. Lines may end with CR LF or LF alone.
    """
    fields, body = header_fields(content)
    return dict(reversed(fields)), body


def header_fields(content: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """Split a message into its header fields, in their order, and its body.

    Names are in lower case; a field may stand several times (RFC 5322 section 3.6).
    """
    plain = content.replace(b"\r\n", b"\n")
    head, body = _head_and_body(plain, 0, len(plain))
    return _fields(head), plain[body:]


def _head_and_body(data: bytes, start: int, end: int) -> tuple[bytes, int]:
    """Return the headers of the message between two places, and where its body begins."""
    if data.startswith(b"\n", start, end):
        return b"", start + 1
    blank = data.find(b"\n\n", start, end)
    if blank < 0:
        first, last = data.find(b"\n", start, end), min(end, start + HEAD_BYTES)
        if data.find(b":", start, end if first < 0 else first) < 0:
            return b"", start  # no header at all
        return data[start:last], end
    return data[start : min(blank, start + HEAD_BYTES)], blank + 2


def _fields(head: bytes) -> list[tuple[str, str]]:
    found = []
    for line in _FOLD.sub(b"", head).split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            text = value[:LONGEST_HEADER].strip().decode("utf-8", "replace")
            found.append((name.strip().lower().decode("latin-1"), text))
    return found


def parts_of(headers: Mapping[str, str], body: bytes) -> list[Part]:
    """Return the parts of a message that have no parts themselves, in their order.

    At most ``MOST_PARTS``, nested at most ``DEEPEST`` times; messages in messages are parts too.
    """
    return opened_parts(headers, body).parts


class OpenedParts(NamedTuple):
    """The parts of a message as ``parts_of`` returns them, and the headers of messages in it."""

    parts: list[Part]
    enclosed: list[Mapping[str, str]]


def opened_parts(headers: Mapping[str, str], body: bytes) -> OpenedParts:
    """Return the parts of a message, and the headers of messages in it, the outermost first."""
    opening = _Opening()
    data = body.replace(b"\r\n", b"\n")
    opening.visit(headers, data, 0, len(data), DEEPEST)
    return OpenedParts(opening.parts, opening.enclosed)


class _Opening:
    """Looks for the parts of a message by their places, so that nesting takes no memory."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.enclosed: list[Mapping[str, str]] = []
        self._left = MOST_VISITED

    def visit(
        self, headers: Mapping[str, str], data: bytes, start: int, end: int, depth: int
    ) -> None:
        """Open the part whose body is between two places."""
        self._left -= 1
        if self._left < 0 or len(self.parts) >= MOST_PARTS:
            return
        content_type = headers.get("content-type", "")
        kind = media_type_of(content_type)
        boundary = _BOUNDARY.search(content_type) if kind.startswith("multipart/") else None
        if depth and boundary is not None:
            delimiter = (boundary[1] or boundary[2]).strip().encode()
            for section in _sections(data, start, end, delimiter):
                self._open(data, *section, depth - 1)
        elif depth and kind in _ENCLOSED:
            if _coding(headers) == "base64":
                data = _from_base64(data[start:end]).replace(b"\r\n", b"\n")
                start, end = 0, len(data)
            self._open(data, start, end, depth - 1, is_message=True)
        else:
            self.parts.append(Part(headers=headers, body=data[start:end]))

    def _open(
        self, data: bytes, start: int, end: int, depth: int, *, is_message: bool = False
    ) -> None:
        """Open the message or part between two places."""
        head, body = _head_and_body(data, start, end)
        headers = dict(reversed(_fields(head)))
        if is_message:
            self.enclosed.append(headers)
        self.visit(headers, data, body, end, depth)


def _sections(data: bytes, start: int, end: int, boundary: bytes) -> Iterator[tuple[int, int]]:
    """Yield the places between the delimiters of a multipart body (RFC 2046, section 5.1)."""
    delimiter = re.compile(rb"(?:^|\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\n|\Z)")
    opened = -1
    # The line feed before the body belongs to a delimiter that stands first in it.
    for number, match in enumerate(delimiter.finditer(data, max(0, start - 1), end)):
        if opened >= 0:
            yield opened, max(opened, match.start())
        if match[1] or number > MOST_PARTS:
            return
        opened = match.end() + 1
    if 0 <= opened < end:  # the last delimiter is missing
        yield opened, end


def text_of(parts: Iterable[Part]) -> str:
    """Return the text that a person reads: plain text, else markup as text, else an attachment.

    The first part of the best kind that is not empty counts.
    """
    readable = [part for part in parts if part.media_type.startswith(("text/", *_MARKUP))]
    shown = [part for part in readable if not part.is_attachment]
    plain = [part for part in shown if part.media_type not in _MARKUP]
    marked = [part for part in shown if part.media_type in _MARKUP]
    attached = [part for part in readable if part.is_attachment]
    texts = (part.text for part in (*plain, *marked, *attached))
    return next(filter(None, texts), "")


def _coding(headers: Mapping[str, str]) -> str:
    return headers.get("content-transfer-encoding", "").strip().lower()


def _from_base64(body: bytes) -> bytes:
    """Decode base64 (RFC 4648) as far as it goes; other characters are skipped."""
    digits = _NOT_BASE64.sub(b"", body)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def priority_of_word(word: str) -> AlertPriority:
    """Return the priority that a word states; empty if it states none.

    Numbers state none: 1 is the highest in one product and the lowest in another.
    """
    plain = word.strip().lower()
    return next((name for name, words in _PRIORITIES.items() if plain in words), "")


def most_urgent(priorities: Iterable[AlertPriority]) -> AlertPriority:
    """Return the most urgent of several statements; empty if there is none."""
    stated = set(priorities)
    return next((priority for priority in _PRIORITIES if priority in stated), "")


def priority_of_mail(headers: Mapping[str, str]) -> AlertPriority:
    """Return the priority that the headers of a mail state (RFC 4021, RFC 2156); empty if none."""
    number = re.match(r"[1-5]\b", headers.get("x-priority", ""))
    words = (headers.get(name, "").partition("(")[0] for name in _WORD_HEADERS)
    stated = [priority_of_word(word) for word in words]
    return most_urgent([*stated, _X_PRIORITIES[number[0]] if number else ""])
