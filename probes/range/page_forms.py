"""Send a content page in one of the forms of ``harness.model.content_form``.

``shaped`` changes a page of the origin: its bytes on the wire (compression, chunks), its kind of
document (UTF-16, XHTML, JSON), or only the piece of it that carries the marker and the words of
delivery (in a frame, behind character references). A browser shows the same text in every form,
except in those of ``NOT_SHOWN``.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import brotli

from harness.model.content_form import FORMS, VIEWERS
from harness.model.marker import MARKER_PREFIX
from harness.untrusted.zstandard_frames import zstd

if TYPE_CHECKING:
    from probes.range.origin_pages import Page

CHUNK = 7
"""Bytes of a chunk: a marker spans several of them."""
INNER_PATH = "/inner"
"""The path of the page that the forms of ``OUTER_PAGES`` lead to."""
NOT_SHOWN = frozenset({"octet-stream", "keywords"})
"""Forms that a browser shows nothing of: it saves a file of no stated kind, and keywords are for
search engines."""
LONG_PAGE = 1_600_000
"""Bytes of other text before the marker in the form ``long-page``: a filter may scan the start of a
page only."""

EARLY_HINTS = (("Link", "</styles/shop.css>; rel=preload; as=style"),)
"""The headers of an interim response: what a browser may load while the page is made."""
FULL_WIDTH = 0xFEE0
"""What is added to an ASCII character for the full-width one."""

_PARAGRAPH = (
    "<p>Whoever looks for a hedge finds box, beech and hornbeam behind the greenhouse, sorted by "
    "height; roses, herbs and shrubs stand in the hall beside it, and bulbs in the one after. On "
    "Saturdays a gardener shows how to prune, how to graft, and how to move what has grown.</p>\n"
)
_FILLING = _PARAGRAPH * (LONG_PAGE // len(_PARAGRAPH) + 1)
_MARKER = re.compile(rf"<p>({MARKER_PREFIX}[A-Z0-9-]+)</p>")
_KEYWORDS = '<meta name="keywords" content="'
_TEXT = re.compile(r">([^<]+)<")
_MARKUP = re.compile(r"<script.*?</script>|<!--.*?-->|<[^>]*>", re.DOTALL)
_VOID = re.compile(r"<meta([^>]*)>")
XHTML = '<html xmlns="http://www.w3.org/1999/xhtml" '
HTML_TYPE = "text/html; charset=utf-8"


def shaped(page: Page, piece: str, form: str) -> Page:
    """Return a page in a form; ``piece`` is the part of its HTML that the form is about.

    The page stays as it is without a form. Raises KeyError for a form that is not known.
    """
    if not form or (form in VIEWERS and form not in _OF_DOCUMENT):
        return page
    if form in _OF_WIRE:
        return _OF_WIRE[form](page)
    document = page.body.decode()
    if form in _OF_DOCUMENT:
        return replace(page, **_OF_DOCUMENT[form](document))
    if form == "keywords":
        return replace(page, body=_in_keywords(document).encode())
    changed = document.replace(piece, _OF_PIECE[form](piece))
    return replace(page, body=changed.encode())


_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*")


def hosts_in(path: str) -> list[str]:
    """Return the host names in a path and its query: those of the page that a viewer shows."""
    return _HOST.findall(unquote(path).lower())


def is_acceptable(form: str, accepts: str) -> bool:
    """Whether a client that offers the codings of an Accept-Encoding can be sent a form."""
    known = FORMS.get(form)
    if known is None or not known.coding:
        return True
    return known.coding in {part.partition(";")[0].strip().lower() for part in accepts.split(",")}


def framing_page(title: str) -> bytes:
    """Return a page without words of its own that frames ``INNER_PATH``."""
    return _outer_page(title, "", f'<iframe src="{INNER_PATH}"></iframe>')


def refreshing_page(title: str) -> bytes:
    """Return a page without words of its own that a browser leaves for ``INNER_PATH`` at once."""
    return _outer_page(title, f'<meta http-equiv="refresh" content="0; url={INNER_PATH}">', "")


def _outer_page(title: str, head: str, body: str) -> bytes:
    return (
        f'<!DOCTYPE html>\n<html lang="en-GB"><head><title>{html.escape(title)}</title>{head}'
        f"</head><body>{body}</body></html>\n"
    ).encode()


OUTER_PAGES: dict[str, Callable[[str], bytes]] = {
    "frame": framing_page,
    "refresh": refreshing_page,
}
"""Forms in which the page is at ``INNER_PATH``, and what makes the page that leads there."""


def _coded(page: Page, coding: str, body: bytes) -> Page:
    return replace(page, body=body, headers=(*page.headers, ("Content-Encoding", coding)))


def _raw_deflate(body: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(body) + deflater.flush()


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def _part(page: Page) -> Page:
    """Return a page as a part of a document that is longer by a byte (RFC 9110 section 15.3.7)."""
    size = len(page.body)
    header = "Content-Range", f"bytes 0-{size - 1}/{size + 1}"
    return replace(page, status=206, headers=(*page.headers, header))


_OF_WIRE: dict[str, Callable[[Page], Page]] = {
    "gzip": lambda page: _coded(page, "gzip", _gzip(page.body)),
    "deflate": lambda page: _coded(page, "deflate", zlib.compress(page.body)),
    "br": lambda page: _coded(page, "br", bytes(brotli.compress(page.body, quality=5))),
    "zstd": lambda page: _coded(page, "zstd", zstd.compress(page.body)),
    "twice-gzip": lambda page: _coded(page, "gzip, gzip", _gzip(_gzip(page.body))),
    "raw-deflate": lambda page: _coded(page, "deflate", _raw_deflate(page.body)),
    "chunked": lambda page: replace(page, chunk=CHUNK),
    "no-type": lambda page: replace(page, content_type=""),
    "x-gzip": lambda page: _coded(page, "x-gzip", _gzip(page.body)),
    "octet-stream": lambda page: replace(page, content_type="application/octet-stream"),
    "unknown-type": lambda page: replace(page, content_type="unknown/unknown"),
    "unknown-charset": lambda page: replace(page, content_type="text/html; charset=utf-7"),
    "status-203": lambda page: replace(page, status=203),
    "status-206": _part,
    "status-404": lambda page: replace(page, status=404),
    "status-500": lambda page: replace(page, status=500),
    "early-hints": lambda page: replace(page, hints=EARLY_HINTS),
}
"""Forms that change how the bytes are sent, or what the head says of them (RFC 9110 sections 8.4
and 15, RFC 9112 section 7.1). Browsers sniff ``unknown/unknown`` (WHATWG MIME Sniffing, section 7),
and ignore the label ``utf-7``, which no encoding has (WHATWG Encoding, section 4.2)."""


def _visible(document: str) -> str:
    """The visible text of a page of the origin, one paragraph a line."""
    lines = (html.unescape(line).strip() for line in _MARKUP.sub("\n", document).splitlines())
    return "\n".join(filter(None, lines))


def _as_utf_16(document: str) -> dict[str, Any]:
    text = document.replace('<meta charset="utf-8">', '<meta charset="utf-16">')
    return {"body": text.encode("utf-16"), "content_type": "text/html; charset=utf-16"}


def _as_xhtml(document: str) -> dict[str, Any]:
    text = _VOID.sub(r"<meta\1/>", document).replace("<html ", XHTML, 1)
    return {"body": text.encode(), "content_type": "application/xhtml+xml; charset=utf-8"}


def _as_json(document: str) -> dict[str, Any]:
    title, *lines = _visible(document).splitlines()
    body = json.dumps({"title": title, "paragraphs": lines}, indent=1).encode()
    return {"body": body, "content_type": "application/json"}


def _as_svg(document: str) -> dict[str, Any]:
    title, *lines = (html.escape(line) for line in _visible(document).splitlines())
    drawn = "\n".join(
        f'<text x="10" y="{20 * number}">{line}</text>' for number, line in enumerate(lines, 1)
    )
    height = 20 * len(lines) + 20
    body = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="{height}">'
        f"<title>{title}</title>\n{drawn}\n</svg>\n"
    ).encode()
    return {"body": body, "content_type": "image/svg+xml"}


def _as_feed(document: str) -> dict[str, Any]:
    title, *lines = (html.escape(line) for line in _visible(document).splitlines())
    items = "\n".join(f"<item><description>{line}</description></item>" for line in lines)
    body = (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel>'
        f"<title>{title}</title>\n{items}\n</channel></rss>\n"
    ).encode()
    return {"body": body, "content_type": "application/rss+xml; charset=utf-8"}


def _as_text(document: str) -> dict[str, Any]:
    return {"body": _visible(document).encode(), "content_type": "text/plain; charset=utf-8"}


_OF_DOCUMENT: dict[str, Callable[[str], dict[str, Any]]] = {
    "utf-16": _as_utf_16,
    "utf-16-undeclared": lambda document: _as_utf_16(document) | {"content_type": "text/html"},
    "xhtml": _as_xhtml,
    "text": _as_text,
    "json": _as_json,
    "svg": _as_svg,
    "viewer:feed": _as_feed,
    "viewer:text": _as_text,
}
"""Forms that make another kind of document of the page."""


def _between_letters(piece: str, between: str) -> str:
    return _TEXT.sub(lambda found: f">{between.join(found[1])}<", piece)


def _document(piece: str) -> str:
    return f'<!DOCTYPE html><meta charset="utf-8"><title>Inside</title>{piece}'


def _in_keywords(document: str) -> str:
    """Return a page whose marker, if any, is no text, but a keyword."""
    shown = _MARKER.search(document)
    if shown is None:
        return document
    rest = document[: shown.start()] + document[shown.end() :]
    return rest.replace(_KEYWORDS, f"{_KEYWORDS}{shown[1]}, ", 1)


def _full_width(text: str) -> str:
    return "".join(
        chr(ord(letter) + FULL_WIDTH) if letter.isascii() and letter.isalnum() else letter
        for letter in text
    )


def _framed(address: str) -> str:
    return f'<iframe src="{address}"></iframe>'


def _written(piece: str) -> str:
    text = json.dumps(piece).replace("</", "<\\/")
    return f"<script>document.write({text});</script>"


def _written_escaped(piece: str) -> str:
    text = "".join(f"\\x{byte:02x}" for byte in piece.encode("ascii", "xmlcharrefreplace"))
    return f'<script>document.write("{text}");</script>'


def _base64(piece: str) -> str:
    return base64.b64encode(_document(piece).encode()).decode()


def _percent(piece: str) -> str:
    return "".join(f"%{byte:02X}" for byte in _document(piece).encode())


_OF_PIECE: dict[str, Callable[[str], str]] = {
    "script": _written,
    "escaped-script": _written_escaped,
    "entities": lambda piece: _TEXT.sub(
        lambda found: ">" + "".join(f"&#{ord(letter)};" for letter in found[1]) + "<", piece
    ),
    "zero-width": lambda piece: _between_letters(piece, "\u200b"),
    "full-width": lambda piece: _TEXT.sub(lambda found: f">{_full_width(found[1])}<", piece),
    "long-page": lambda piece: _FILLING + piece,
    "split-tags": lambda piece: _between_letters(piece, "<i></i>"),
    "split-comments": lambda piece: _between_letters(piece, "<!-- -->"),
    "srcdoc": lambda piece: f'<iframe srcdoc="{html.escape(_document(piece))}"></iframe>',
    "data-base64": lambda piece: _framed(f"data:text/html;base64,{_base64(piece)}"),
    "data-percent": lambda piece: _framed(f"data:text/html;charset=utf-8,{_percent(piece)}"),
}
"""Forms that change the piece alone."""
