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
MOST_PARTS, DEEPEST = 100, 8
"""The most parts of a message that are read, and how deeply they may be nested."""

_FOLD = re.compile(rb"\n(?=[ \t])")
_BOUNDARY = re.compile(r'\bboundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MARKUP = ("text/html", "application/xhtml+xml")

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
        coding = self.headers.get("content-transfer-encoding", "").strip().lower()
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
    plain = content.replace(b"\r\n", b"\n")
    head, blank, body = plain.partition(b"\n\n")
    if plain.startswith(b"\n"):
        head, body = b"", plain[1:]
    elif not blank and b":" not in plain.partition(b"\n")[0]:
        head, body = b"", plain  # no header at all
    headers: dict[str, str] = {}
    for line in _FOLD.sub(b"", head[:HEAD_BYTES]).split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            key = name.strip().lower().decode("latin-1")
            headers.setdefault(key, value[:LONGEST_HEADER].strip().decode("utf-8", "replace"))
    return headers, body


def parts_of(headers: Mapping[str, str], body: bytes) -> list[Part]:
    """Return the parts of a message that have no parts themselves, in their order.

    At most ``MOST_PARTS``, nested at most ``DEEPEST`` times; messages in messages are parts too.
    """
    found: list[Part] = []
    _add_parts(headers, body.replace(b"\r\n", b"\n"), DEEPEST, found)
    return found


def _add_parts(headers: Mapping[str, str], body: bytes, depth: int, found: list[Part]) -> None:
    if len(found) >= MOST_PARTS:
        return
    content_type = headers.get("content-type", "")
    kind = media_type_of(content_type)
    boundary = _BOUNDARY.search(content_type) if kind.startswith("multipart/") else None
    if depth and boundary is not None:
        for section in _sections(body, (boundary[1] or boundary[2]).strip().encode()):
            _add_parts(*read_message(section), depth - 1, found)
    elif depth and kind == "message/rfc822":
        _add_parts(*read_message(body), depth - 1, found)
    else:
        found.append(Part(headers=headers, body=body))


def _sections(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """Yield what stands between the delimiters of a multipart body (RFC 2046, section 5.1)."""
    delimiter = re.compile(rb"(?:^|\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\n|\Z)")
    start = -1
    for number, match in enumerate(delimiter.finditer(body)):
        if start >= 0:
            yield body[start : match.start()]
        if match[1] or number > MOST_PARTS:
            return
        start = match.end() + 1
    if 0 <= start < len(body):  # the last delimiter is missing
        yield body[start:]


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
