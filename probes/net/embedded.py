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

WORDY = 60
"""Characters of all fields' values from which they may tell as much as a text."""

_STYLED = re.compile(r"url\s*\(|@import|\bcontent\s*:|image-set\s*\(|\\[0-9a-f]", re.IGNORECASE)
"""What such styles have in them; an escape may hide one of these."""
_XML_STYLE = "<?xml-stylesheet"


def count_embedded(tree: LexborHTMLParser, markup: str) -> int:
    """How many things in a page may show content that is not in its text."""
    values = sum(map(_shown_value, tree.css(FIELDS)))
    styled = sum(map(_is_showing_style, tree.css(STYLED)))
    return len(tree.css(SHOWING)) + styled + (values > WORDY) + (_XML_STYLE in markup)


def _is_showing_style(node: LexborNode) -> bool:
    written = node.text() if node.tag == "style" else ""
    return bool(_STYLED.search(f"{written} {node.attributes.get('style') or ''}"))


def _shown_value(node: LexborNode) -> int:
    """Characters of a field that stand in an attribute and are shown."""
    told = node.attributes
    return sum(len(told.get(name) or "") for name in ("value", "placeholder", "label"))
