"""Reads what a page shows and where it leads: title, visible text, frames and forwards."""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

TEXT_CHARACTERS = 6000
MARKUP_CHARACTERS = 400_000
"""Bounds on what is looked at; a block page has said what it is long before."""

LONG, HEADLINES, HEADLINE_CHARACTERS = 700, 3, 160
"""From which length headlines are put first, how many, and how much of each."""

_UNSEEN = ["script", "style", "noscript", "template", "head", "iframe", "frameset"]
_REFRESH = re.compile(r"url\s*=\s*['\"]?\s*([^'\"\s>]+)", re.IGNORECASE)
_SCRIPTED = re.compile(
    r"(?:location(?:\.href)?\s*=|location\.(?:replace|assign)\s*\()\s*[\"']([^\"']{4,500})[\"']"
)
_TAGS = re.compile(r"<[^>]{1,2000}>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """A page as a person would meet it; white space folded."""

    title: str = ""
    text: str = ""
    frames: tuple[str, ...] = ()


def read_markup(body: str) -> Markup:
    """Read a page. Anything that is no markup is plain text."""
    if "<" not in body:
        return Markup(text=_fold(body))
    tree = LexborHTMLParser(body[:MARKUP_CHARACTERS])
    title = tree.css_first("title")
    heading = title.text() if title else ""
    frames = _frames(tree, body[:MARKUP_CHARACTERS])
    described = tree.css_first("meta[name=description]")
    tree.strip_tags(_UNSEEN)
    seen = _fold(tree.body.text(separator=" ") if tree.body else "")
    if not seen and described is not None:
        seen = _fold(described.attributes.get("content") or "")
    if len(seen) > LONG:
        seen = f"{_headlines(tree)} {seen}"[:TEXT_CHARACTERS].strip()
    return Markup(title=_fold(heading)[:300], text=seen, frames=frames)


def _headlines(tree: LexborHTMLParser) -> str:
    """The first headlines: a long page says there what it is, after its menus and banners."""
    found = (_fold(node.text(separator=" ")) for node in tree.css("h1, h2")[:HEADLINES])
    return " ".join(f"{line[:HEADLINE_CHARACTERS]}." for line in found if line)


def _frames(tree: LexborHTMLParser, body: str) -> tuple[str, ...]:
    found = [node.attributes.get("src") or "" for node in tree.css("iframe, frame")]
    for node in tree.css("meta[http-equiv]"):
        if (node.attributes.get("http-equiv") or "").lower() == "refresh":
            found += _REFRESH.findall(node.attributes.get("content") or "")
    if len(_TAGS.sub("", body)) < TEXT_CHARACTERS:
        found += _SCRIPTED.findall(body)
    return tuple(dict.fromkeys(address.strip() for address in found if address.strip()))[:8]


def _fold(text: str) -> str:
    return " ".join(text[: TEXT_CHARACTERS * 4].split())[:TEXT_CHARACTERS].strip()
