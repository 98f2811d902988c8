"""Relays: hosts of the origin that show the pages of its other hosts (CIR-15).

The address names the wanted host in clear or encoded: in a label, in the path or in the query. The
first part of the path says in what form the page is shown (``FORMS``); else it is the page itself,
as a web proxy, a translator or a cache shows it.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal
from urllib.parse import unquote

from harness.model.technique_host import relay_labels
from probes.range.image_card import image_card
from probes.range.origin_pages import (
    Page,
    Pages,
    category_marker,
    document,
    marked_piece,
    marks_for,
)
from probes.range.page_forms import hosts_in, shaped
from probes.range.zone import ZoneNames

LONGEST = 2048
"""Characters of a path that are searched for a host."""

_PARTS = re.compile(r"[/?&=#,;]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayRequest:
    """A request to a relay: the ``host`` whose page is wanted, and for which attempt."""

    host: str
    path: str
    scheme: Literal["http", "https"]
    nonce: str
    pages: Pages

    @property
    def page(self) -> Page:
        """The page of the wanted host, as the host itself shows it."""
        return self.pages.page(self.host, "/", self.scheme, self.nonce)


def wanted_host(host: str, path: str, names: ZoneNames) -> str:
    """Return the host of the zones whose page a relay is asked for; empty if it is no relay."""
    zones = tuple(zone.zone for zone in names.zones)
    labels = relay_labels(host, zones)
    if not labels:
        return ""
    for text in _readings(labels, path[:LONGEST]):
        for found in hosts_in(text):
            if names.is_within(found) and not relay_labels(found, zones):
                return found
    return ""


def relay_page(asked: RelayRequest) -> Page:
    """Return the wanted page in the form that the path begins with."""
    form = asked.path.removeprefix("/").partition("/")[0].partition("?")[0]
    return FORMS[form](asked) if form in FORMS else asked.page


def _readings(labels: str, path: str) -> Iterator[str]:
    """Yield the texts in which a host may be named, in clear first."""
    plain = unquote(path)
    yield plain
    for part in (*labels.split("."), *_PARTS.split(plain)):
        if part:
            yield from filter(None, (decode(part) for decode in _DECODERS))


def _base64(text: str) -> str:
    return _text(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _base32(text: str) -> str:
    return _text(base64.b32decode(text.upper() + "=" * (-len(text) % 8)))


def _text(data: bytes) -> str:
    return data.decode("ascii")


def _or_nothing(decode: Callable[[str], str], text: str) -> str:
    """Return what is encoded, or nothing if it is not so encoded."""
    try:
        return decode(text)
    except (binascii.Error, ValueError):
        return ""


def _dashes(text: str) -> str:
    """Read a label in which dots are dashes, and dashes are doubled (as translate.goog does)."""
    return text.replace("--", "\0").replace("-", ".").replace("\0", "-")


_DECODERS: tuple[Callable[[str], str], ...] = tuple(
    partial(_or_nothing, decode)
    for decode in (
        _dashes,
        _base64,
        _base32,
        lambda text: _text(bytes.fromhex(text)),
        lambda text: codecs.decode(text, "rot13"),
        lambda text: text[::-1],
    )
)


def _piece(asked: RelayRequest) -> tuple[str, tuple[str, ...]]:
    """Return the marked part of the wanted page, as HTML and as words."""
    pages, host = asked.pages, asked.host
    code = pages.content_at(host).code or pages.names.code_of(host)
    marks = marks_for(pages.key, host, asked.nonce, category_marker(code, asked.nonce))
    return marked_piece(marks), (marks.token, *marks.piece)


def _as_feed(asked: RelayRequest) -> Page:
    return shaped(asked.page, "", "viewer:feed")


def _as_reader(asked: RelayRequest) -> Page:
    return shaped(asked.page, "", "viewer:text")


def _as_image(asked: RelayRequest) -> Page:
    """A preview, or the screen of a remote browser."""
    body = image_card(f"card of {asked.host}", _piece(asked)[1])
    return replace(asked.page, body=body, content_type="image/png")


def _as_embedded(asked: RelayRequest) -> Page:
    body = json.dumps({"type": "rich", "version": "1.0", "html": _piece(asked)[0]}).encode()
    return replace(asked.page, body=body, content_type="application/json")


def _as_file(asked: RelayRequest) -> Page:
    page = asked.page
    header = ("Content-Disposition", 'attachment; filename="homework.html"')
    return replace(page, headers=(*page.headers, header), content_type="application/octet-stream")


def _as_redirect(asked: RelayRequest) -> Page:
    """A short link; the page itself is not shown."""
    location = f"{asked.scheme}://{asked.host}/"
    body = document("Moved", "The page is at another place.")
    return Page(status=301, body=body, headers=(("Location", location),))


FORMS: dict[str, Callable[[RelayRequest], Page]] = {
    "feed": _as_feed,
    "read": _as_reader,
    "thumb": _as_image,
    "screen": _as_image,
    "oembed": _as_embedded,
    "file": _as_file,
    "s": _as_redirect,
}
"""Forms of a page by the first part of the path: a feed, a text, an image, an embedded part, a
file, and a short link."""
