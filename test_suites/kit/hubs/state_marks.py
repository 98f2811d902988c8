"""Whether each state of a page is told by a sign and a word, and never by colour alone."""

from __future__ import annotations

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

STATES = ("conforms", "does-not-conform", "insufficient", "no-data", "silent", "stopped")
DRAWN = frozenset({"rect", "circle", "path", "line", "polygon", "polyline", "g", "svg"})


def states_by_colour_alone(html: str) -> list[str]:
    """The elements with the class of a state that have no sign or no word."""
    return [node.html or "" for node in _marked(LexborHTMLParser(html)) if not _is_told(node)]


def _marked(page: LexborHTMLParser) -> Iterator[LexborNode]:
    for state in STATES:
        yield from page.css(f"body .{state}")


def _is_told(node: LexborNode) -> bool:
    if node.tag in DRAWN:
        return _is_told_beside(node)
    return node.css_first("svg.icon") is not None and bool(node.text(strip=True))


def _is_told_beside(node: LexborNode) -> bool:
    """Whether a drawing has a sentence, or is one of the signs and keys that stand beside words."""
    parent: LexborNode | None = node
    while parent is not None:
        attributes = parent.attributes
        if attributes.get("role") == "img":
            return bool(attributes.get("aria-label"))
        if parent.tag == "svg" and attributes.get("aria-hidden") == "true":
            above = parent.parent
            return above is not None and bool(above.text(strip=True))
        parent = parent.parent
    return False
