"""Find out whether the origin's page arrived, however it was changed on its way.

The token proves it at once. Where the token is missing, the delivery words
(``harness.model.marker``) are searched for in several readings of the body: as text, with markup,
entities, escapes and invisible characters undone, and in Base64 inside of it.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

from probes.net.html_text import decode_text

LONGEST_BASE64 = 256
"""How many Base64 runs of a body are decoded."""

_TAGS = re.compile(r"<[^>]*>")
_ESCAPES = re.compile(r"\\(?:x([0-9a-f]{2})|u\{?([0-9a-f]{4})\}?)", re.IGNORECASE)
_NOT_LETTERS = re.compile(r"[^a-z]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_NUL_SHARE = 0.2


def find_words(body: bytes, content_type: str, words: Iterable[str]) -> tuple[str, ...]:
    """The words that a body shows in any reading, in the order given; lower-case words."""
    missing, found = list(words), set[str]()
    for reading in _readings(body, content_type):
        found |= {word for word in missing if word in reading}
        missing = [word for word in missing if word not in found]
        if not missing:
            break
    return tuple(word for word in words if word in found)


def _readings(body: bytes, content_type: str) -> Iterator[str]:
    text = _text(body, content_type)
    yield text.casefold()
    yield from _plain_readings(text)
    for run in _BASE64.findall(body)[:LONGEST_BASE64]:
        decoded = _base64(run)
        if decoded:
            inner = _text(decoded, "")
            yield inner.casefold()
            yield from _plain_readings(inner)


def _text(body: bytes, content_type: str) -> str:
    if b"\0" in body and body.count(b"\0") > len(body) * _NUL_SHARE:
        even = body[::2].count(b"\0")
        return body.decode("utf-16-be" if even * 2 > body.count(b"\0") else "utf-16-le", "replace")
    return decode_text(body, content_type)


def _plain_readings(text: str) -> Iterator[str]:
    """Letters alone, with entities, percent signs and script escapes undone; with tags, without."""
    unescaped = html.unescape(_ESCAPES.sub(_escaped, text))
    if "%" in unescaped:
        unescaped = unquote_to_bytes(unescaped).decode("utf-8", "replace")
    yield _NOT_LETTERS.sub("", unescaped.casefold())
    yield _NOT_LETTERS.sub("", _without_tags(html.unescape(unescaped)).casefold())


def _without_tags(text: str) -> str:
    """The text outside of tags. Behind the last ``>`` no tag ends, so nothing is searched there.

    Each tag found ends the search for it: the time taken grows with the length of the text.
    """
    head, mark, tail = text.rpartition(">")
    return _TAGS.sub("", head + mark) + tail


def _escaped(found: re.Match[str]) -> str:
    return chr(int(found[1] or found[2], 16))


def _base64(run: bytes) -> bytes:
    bare = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    bare = bare[: len(bare) - (len(bare) % 4 == 1)]
    try:
        return base64.b64decode(bare + b"=" * (-len(bare) % 4))
    except binascii.Error:
        return b""
