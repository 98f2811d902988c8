"""Read a body in all ways in which it may hold text for a reader.

As text; with character references, escapes and percent-encoding decoded; without markup and
invisible characters, and that with plain letters for full-width ones; and the same of Base64 runs
inside it. Delivery words are searched for in these readings, and so does a filter that examines
content.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from probes.net.html_text import decode_text

LONGEST_BASE64 = 256
"""Maximum number of Base64 runs of a body that are decoded."""

_TAGS = re.compile(r"<[^>]*>")
_BLOCKS = re.compile(r"</?(?:p|div|h[1-6]|li|tr|td|text|title)\b[^>]*>", re.IGNORECASE)
_ESCAPES = re.compile(r"\\(?:x([0-9a-f]{2})|u\{?([0-9a-f]{4})\}?)", re.IGNORECASE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_LONG_NUMBER = re.compile(r"&#([0-9]{8,});?")
_MOST_DIGITS = 7
"""Digits of the largest code point; a longer number refers to no character."""
_NUL_SHARE = 0.2
_FULL_WIDTH = re.compile("[\uff01-\uff5e]")
_PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
"""The ASCII characters of full-width ones (Unicode block Halfwidth and Fullwidth Forms)."""


def readings(body: bytes, content_type: str) -> Iterator[str]:
    """Yield the readings of a body, the plainest first; ``body`` has no content coding any more."""
    yield from _of_text(_text(body, content_type))
    for run in _BASE64.findall(body)[:LONGEST_BASE64]:
        decoded = _base64(run)
        if decoded:
            yield from _of_text(_text(decoded, ""))


def _of_text(text: str) -> Iterator[str]:
    """Yield a text, the same with escapes decoded, that without tags, and with plain letters."""
    yield text
    unescaped = without_references(_ESCAPES.sub(_escaped, text))
    if "%" in unescaped:  # an escape may have been half a character
        unescaped = unquote_to_bytes(unescaped.encode("utf-8", "replace")).decode(
            "utf-8", "replace"
        )
    yield unescaped
    shown = _without_tags(without_references(unescaped))
    yield shown
    if _FULL_WIDTH.search(shown):
        yield shown.translate(_PLAIN)


def without_references(text: str) -> str:
    """Decode character references (WHATWG HTML, 13.2.5), however many digits they have.

    ``html.unescape`` raises ValueError for more digits than Python converts to a number.
    """
    return html.unescape(_LONG_NUMBER.sub(_shortened, text))


def _shortened(reference: re.Match[str]) -> str:
    digits = reference[1].lstrip("0") or "0"
    return f"&#{digits};" if len(digits) <= _MOST_DIGITS else "\ufffd"


def _text(body: bytes, content_type: str) -> str:
    if b"\0" in body and body.count(b"\0") > len(body) * _NUL_SHARE:
        even = body[::2].count(b"\0")
        return body.decode("utf-16-be" if even * 2 > body.count(b"\0") else "utf-16-le", "replace")
    return decode_text(body, content_type)


def _without_tags(text: str) -> str:
    """Return the text outside tags, in linear time; blocks are on lines of their own.

    After the last ``>`` no tag can end, so the expressions are not applied there.
    """
    head, mark, tail = text.rpartition(">")
    return _TAGS.sub("", _BLOCKS.sub("\n", head + mark)) + tail


def _escaped(match: re.Match[str]) -> str:
    return chr(int(match[1] or match[2], 16))


def _base64(run: bytes) -> bytes:
    bare = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    bare = bare[: len(bare) - (len(bare) % 4 == 1)]
    try:
        return base64.b64decode(bare + b"=" * (-len(bare) % 4))
    except binascii.Error:
        return b""
