"""Reads pages that somebody kept: ``id``, ``body``, and what else is known of each.

One JSON object a line: ``id`` and ``body``, optionally ``url``, ``status``, ``headers`` (an
object or pairs), ``location``, ``certificate_issuer``, and ``control`` of the same shape.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from harness.interop.markup import read_markup
from harness.interop.record import (
    MEASUREMENT_IMPORTERS,
    UNREADABLE,
    NotReadable,
    Record,
    Side,
    trial,
)
from harness.model.observation import Certificate, Hop, WebFacts

NOWHERE = "http://page.invalid/"
"""The URL of a page that does not say where it was found (RFC 6761)."""


class Page(msgspec.Struct, kw_only=True):
    """A page as it stands in the file."""

    body: str | None = ""
    id: str | int | None = None
    url: str | None = None
    status: int | str | None = None
    headers: Any = None
    location: str | None = None
    certificate_issuer: str | None = None
    control: Page | None = None


@MEASUREMENT_IMPORTERS.register("page")
def read_page(line: bytes | str) -> Record:
    """A page that somebody kept. Raises NotReadable, saying what is wrong."""
    try:
        page = msgspec.json.decode(line, type=Page, strict=False)
    except UNREADABLE as error:
        raise NotReadable(str(error)) from None
    if page.id is None or page.id == "":
        msg = "the key `id` is missing"
        raise NotReadable(msg)
    identity, url = str(page.id), page.url or NOWHERE
    control = Side(facts=_facts(page.control, url)) if page.control is not None else None
    made = trial(identity, url, "web", Side(facts=_facts(page, url)), control)
    return Record(id=identity, trials=(made,), alone=control is None)


def _facts(page: Page, url: str) -> WebFacts:
    headers = read_headers(page.headers)
    location = page.location or dict(headers).get("location", "")
    where, status = page.url or url, _status(page, location)
    body = page.body or ""
    markup = read_markup(body)
    raw = body.encode("utf-8", "surrogatepass")
    issuer = page.certificate_issuer or ""
    return WebFacts(
        url=where,
        status=status,
        hops=(Hop(url=where, status=status, location=location),) if location else (),
        headers=headers,
        certificate=Certificate(chain=(), issuer=issuer) if issuer else None,
        title=markup.title,
        text=markup.text,
        frames=markup.frames,
        body_length=len(raw),
        body_sha256=hashlib.sha256(raw).hexdigest() if raw else "",
    )


def read_headers(found: Any) -> tuple[tuple[str, str], ...]:
    """Headers from an object or pairs, names in lower case. Raises NotReadable."""
    if not found:
        return ()
    pairs = found.items() if isinstance(found, dict) else found
    try:
        return tuple((str(name).lower(), _value(value)) for name, value in pairs)
    except (TypeError, ValueError):
        msg = f"`headers` is neither an object nor pairs: {str(found)[:60]!r}"
        raise NotReadable(msg) from None


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return str(value[0]) if value else ""
    if isinstance(value, dict):
        return str(value.get("data", ""))
    return str(value)


def _status(page: Page, location: str) -> int:
    if page.status in (None, ""):
        return 302 if location else 200
    try:
        return int(str(page.status).split()[0])
    except ValueError:
        msg = f"`status` is not a number: {str(page.status)[:60]!r}"
        raise NotReadable(msg) from None
