"""Counts what a page may show content by other than text: pictures, frames, scripts, styles.

What these show is not read. Whoever judges a page must know that they are there.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

SHOWING = (
    "img, object, embed, applet, video, audio, canvas, svg, math, iframe, frame, script, "
    "input[type=image i], meta[http-equiv=refresh i], link[rel~=stylesheet i], style[style], "
    "[background], template[shadowrootmode]"
)
"""Elements that show what is not in the page's text, or that load something that does."""

STYLED = "style, [style]"
"""Elements that do so if their style loads a picture or another style, or writes text."""

FIELDS = "input:not([type=hidden i]), textarea[placeholder], option[label], optgroup[label]"
"""Elements that show the words of an attribute."""

LEADING = "a[href], area[href], form[action], [formaction]"
"""Elements that may run a script in place of leading to a page."""

WORDY = 60
"""Characters from which the values of all fields, or the strings of all styles, may tell as much
as a text."""

LONGEST = 200
"""Characters that a script in an attribute has at most if it shows nothing new."""

_STYLED = re.compile(
    r"url\s*\(|@import|@counter-style|\bcontent\s*:|image-set\s*\(|\\[0-9a-f]", re.IGNORECASE
)
"""What such styles have in them; an escape may hide one of these."""
_STYLE_PARTS = re.compile(
    r"/\*.*?(?:\*/|$)"
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|'(?:\\.|[^'\\\n])*'?"
    r"|[;{}]|[^\"'/;{}]+|.",
    re.DOTALL,
)
"""A style's comments, strings, ends of declarations, and what is between (CSS Syntax 3, 4.3)."""
_FONT = re.compile(r"font(-family)?\s*:", re.IGNORECASE)
"""Begins a declaration whose strings are the names of fonts, and are never shown."""
_XML_STYLE = "<?xml-stylesheet"

_HANDLER = re.compile(r"\bon[a-z]+\s*=", re.IGNORECASE)
_SCRIPT = re.compile(r"[\x00-\x20]*j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t\s*:", re.IGNORECASE)
"""The scheme of a script in a URL; a parser of URLs drops control characters (WHATWG URL, 4.4)."""
_HARMLESS = re.compile(
    r"(?:\s*(?:return\s+)?(?:"
    r"true|false|void\s*\(?\s*0\s*\)?|(?:window\.)?(?:close|print)\(\)"
    r"|(?:window\.)?history\.(?:back\(\)|go\(\s*-\s*\d+\s*\))"
    r"|(?:window\.|document\.)?location\.reload\((?:true|false)?\)"
    r")\s*(?:;|$))*\s*"
)
"""Scripts that show nothing new: they go back, close, print, or load the page again."""


def count_embedded(tree: LexborHTMLParser, markup: str) -> int:
    """How many things in a page may show content that is not in its text."""
    values = sum(map(_shown_value, tree.css(FIELDS)))
    styles = [_style_of(node) for node in tree.css(STYLED)]
    return (
        len(tree.css(SHOWING))
        + sum(bool(_STYLED.search(style)) for style in styles)
        + (sum(map(_written_by, styles)) > WORDY)
        + (values > WORDY)
        + (_XML_STYLE in markup)
        + sum(map(_is_script, tree.css(LEADING)))
        + _handlers(tree, markup)
    )


def _style_of(node: LexborNode) -> str:
    written = node.text() if node.tag == "style" else ""
    return f"{written} {node.attributes.get('style') or ''}"


def _written_by(style: str) -> int:
    """Characters of a style's strings: quotes, list markers and others may show them."""
    first, last, count = "", "", 0
    for part in _STYLE_PARTS.findall(style):
        if part in ";{}":
            first = last = ""
        elif part[0] in "\"'":
            is_selector = last.endswith("=")  # a[href="..."]
            count += 0 if is_selector or _FONT.match(first) else len(part)
        elif not part.startswith("/*"):
            last = part.strip()
            first = first or last
    return count


def _shown_value(node: LexborNode) -> int:
    """Characters of a field that stand in an attribute and are shown."""
    told = node.attributes
    return sum(len(told.get(name) or "") for name in ("value", "placeholder", "label"))


def _is_script(node: LexborNode) -> bool:
    """Whether following an element runs a script that may show something new."""
    urls = (node.attributes.get(name) or "" for name in ("href", "action", "formaction"))
    scripts = [url[found.end() :] for url in urls if (found := _SCRIPT.match(url))]
    return not all(map(_is_harmless, scripts))


def _is_harmless(script: str) -> bool:
    return len(script) <= LONGEST and bool(_HARMLESS.fullmatch(script))


def _handlers(tree: LexborHTMLParser, markup: str) -> int:
    """How many attributes hold a script (``onload``, ``onclick``) that may show something new."""
    if not _HANDLER.search(markup):
        return 0
    return sum(
        name.lower().startswith("on") and not _is_harmless(value or "")
        for node in tree.css("*")
        for name, value in node.attributes.items()
    )
