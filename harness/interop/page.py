"""Read stored pages: one JSON object a line with ``id``, ``body``, and what else is known.

Optional keys: ``url``, ``status``, ``headers`` (an object or pairs), ``location``,
``certificate_issuer``, and ``control`` of the same form.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import msgspec
from selectolax.lexbor import LexborHTMLParser

from harness.interop import MEASUREMENT_IMPORTERS
from harness.interop.record import (
    NotReadable,
    Record,
    Side,
    decode_line,
    trial,
)
from harness.model.facts import Certificate, Hop, WebFacts

TEXT_CHARACTERS = 6000
MARKUP_CHARACTERS = 400_000
MARKUP_TAGS = 20_000
"""Bounds on what is read; block pages say what they are early. The parser's time grows with the
square of the depth of tags: 17 s for 400,000 characters of them."""

LONG, HEADLINES, HEADLINE_CHARACTERS = 700, 3, 160
"""Length from which headlines come first, how many of them, and the characters of each."""

SCRIPT_CHARACTERS, MERE = 20_000, 90
"""Characters of scripts that are read, and length of text up to which a page only leads on."""
MENU_ITEMS, MENU_CHARACTERS, LEAST_SAID = 60, 300, 120
"""Links of a long page that are read, characters kept of their text, and the least text outside of
them for them to be put last."""
IMAGES, IMAGE_CHARACTERS = 4, 80

_MENUS = ["a", "option", "button", "nav", "footer"]
_UNSEEN = ["script", "style", "noscript", "template", "head", "iframe", "frameset"]
_REFRESH = re.compile(r"url\s*=\s*['\"]?\s*([^'\"\s>]+)", re.IGNORECASE)
_SCRIPTED = re.compile(
    r"(?:location(?:\.href)?\s*=|location\.(?:replace|assign)\s*\()\s*[\"']([^\"']{4,500})[\"']"
)
_ADDRESS = re.compile(r"""["'](https?://[^"'\s<>]{4,300})["']""")
_WRITTEN = re.compile(
    r"(?:document\.write(?:ln)?\s*\(|\.(?:innerHTML|textContent|innerText)\s*=)\s*"
    r"([\"'`])((?:(?!\1)[^\\]|\\.){3,2000})\1"
)
_TAGS = re.compile(r"<[^<>]{1,2000}>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """A page as a reader sees it; white space folded."""

    title: str = ""
    text: str = ""
    frames: tuple[str, ...] = ()


def read_markup(body: str) -> Markup:
    """Read a page; text without tags is read as plain text."""
    if "<" not in body:
        return Markup(text=_fold(body))
    body = _bounded(body)
    tree = LexborHTMLParser(body)
    title = tree.css_first("title")
    heading = title.text() if title else ""
    frames = _frames(tree, body)
    ways = _scripted_ways(tree)
    described = tree.css_first("meta[name=description]")
    spare = _spare_text(tree)
    tree.strip_tags(_UNSEEN)
    seen = _seen(tree)
    if not seen and described is not None:
        seen = _fold(described.attributes.get("content") or "")
    if not seen:
        seen = spare or _images(tree)
    if len(seen) > LONG:
        headlines = _headlines(tree)
        seen = f"{headlines} {_without_links(tree) or seen}"[:TEXT_CHARACTERS].strip()
    if len(seen) < MERE:
        frames = tuple(dict.fromkeys((*frames, *ways)))[:8]
    return Markup(title=_fold(heading)[:300], text=seen, frames=frames)


def _bounded(body: str) -> str:
    parts = body[:MARKUP_CHARACTERS].split("<", MARKUP_TAGS + 1)
    return "<".join(parts[: MARKUP_TAGS + 1])


def _headlines(tree: LexborHTMLParser) -> str:
    """The first headlines: after menus and banners, a long page says there what it is."""
    found = (_fold(node.text(separator=" ")) for node in tree.css("h1, h2")[:HEADLINES])
    return " ".join(f"{line[:HEADLINE_CHARACTERS]}." for line in found if line)


def _seen(tree: LexborHTMLParser) -> str:
    return _fold(tree.body.text(separator=" ") if tree.body else "")


def _without_links(tree: LexborHTMLParser) -> str:
    """The page's own text, then the start of its menus; empty if it is mostly menus."""
    menus = " ".join(node.text(separator=" ") for node in tree.css("a, option")[:MENU_ITEMS])
    tree.strip_tags(_MENUS)
    said = _seen(tree)
    return f"{said} {_fold(menus)[:MENU_CHARACTERS]}" if len(said) >= LEAST_SAID else ""


def _spare_text(tree: LexborHTMLParser) -> str:
    """The text that a page shows without scripts, or that its scripts write into it."""
    without = " ".join(node.text(separator=" ") for node in tree.css("noscript")[:IMAGES])
    scripts = " ".join(node.text() for node in tree.css("script"))[:SCRIPT_CHARACTERS]
    written = " ".join(_TAGS.sub(" ", found[2]) for found in _WRITTEN.finditer(scripts))
    return _fold(f"{_TAGS.sub(' ', without)} {written}")


def _images(tree: LexborHTMLParser) -> str:
    """The texts or file names of images, for a page that shows nothing else."""
    shown = (
        node.attributes.get("alt") or _file_name(node.attributes.get("src") or "")
        for node in tree.css("img")[:IMAGES]
    )
    return " ".join(f"[{_fold(each)[:IMAGE_CHARACTERS]}]" for each in shown if each)


def _file_name(address: str) -> str:
    return "" if address.startswith("data:") else address.partition("?")[0].rsplit("/", 1)[-1]


def _frames(tree: LexborHTMLParser, body: str) -> tuple[str, ...]:
    found = [node.attributes.get("src") or "" for node in tree.css("iframe, frame")]
    for node in tree.css("meta[http-equiv]"):
        if (node.attributes.get("http-equiv") or "").lower() == "refresh":
            found += _REFRESH.findall(node.attributes.get("content") or "")
    if len(_TAGS.sub("", body)) < TEXT_CHARACTERS:
        found += _SCRIPTED.findall(body)
    return tuple(dict.fromkeys(address.strip() for address in found if address.strip()))[:8]


def _scripted_ways(tree: LexborHTMLParser) -> list[str]:
    """Addresses in scripts that redirect the reader, and of forms that submit themselves."""
    script = " ".join(node.text() for node in tree.css("script"))[:SCRIPT_CHARACTERS]
    if "location" not in script and "submit" not in script:
        return []
    forms = [node.attributes.get("action") or "" for node in tree.css("form[action]")]
    return [*_ADDRESS.findall(script)[:4], *filter(None, forms[:2])]


def _fold(text: str) -> str:
    return " ".join(text[: TEXT_CHARACTERS * 4].split())[:TEXT_CHARACTERS].strip()


NOWHERE = "http://page.invalid/"
"""The URL of a page without one (RFC 6761)."""


class Page(msgspec.Struct, kw_only=True):
    """A stored page in the form of the file."""

    body: str | None = ""
    id: str | int | None = None
    url: str | None = None
    status: int | str | None = None
    headers: Any = None
    location: str | None = None
    certificate_issuer: str | None = None
    control: Page | None = None


_PAGES = msgspec.json.Decoder(Page, strict=False)


@MEASUREMENT_IMPORTERS.register("page")
def read_page(line: bytes | str) -> Record:
    """Read a stored page. Raises NotReadable with the reason."""
    page = decode_line(line, _PAGES)
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
    """Return headers from an object or pairs, names in lower case. Raises NotReadable."""
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
