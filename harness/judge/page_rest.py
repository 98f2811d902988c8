"""What a page may hold beside the notice by which it is known as a block page.

A block page's words, title or host are copied easily and put over something else. So such a sign
counts only on a page that has no room for content: little text that nobody knows, and no more
pictures, frames and scripts than the pages that the must-block sentinels met.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.bare_page import BARE
from harness.model.observation import WebFacts
from harness.model.sketch import Sketch, share_within

READ = 256
"""Characters of a page's text that are kept, and so can be looked at (``probes.net.html_text``)."""
LEAST, USUAL, MOST = 120, 600, 1800
"""Characters of unknown text that a notice may always hold, may where there is no page of the
control to compare it with, and may at most."""
SHARE = 0.5
"""Share of the control's text that the unknown text of a notice may reach: less is no page."""


def says_nothing(web: WebFacts) -> bool:
    """Whether a page has next to no text, and nothing else that would show something."""
    shows = bool(shown_beside_text(web) or web.frames)
    return len(web.title) <= BARE and is_wordless(web) and not shows


def shown_beside_text(web: WebFacts) -> int:
    """How many pictures, frames, scripts and style sheets a page has, those of headers too."""
    return web.embedded + has_styles_by_header(web)


def has_styles_by_header(web: WebFacts) -> bool:
    """Whether a header names a style sheet, which may write text (RFC 8288, CSS Content)."""
    return any(name == "link" and "stylesheet" in value.lower() for name, value in web.headers)


def is_wordless(web: WebFacts) -> bool:
    """Whether a page has next to no text, whatever it shows besides."""
    return max(len(web.text), web.text_length) <= BARE


def has_room(
    web: WebFacts, control: WebFacts | None, known: Iterable[Sketch], *, embedded: int, read: int
) -> bool:
    """Whether a page may hold content beside what it is known by.

    ``known`` are sketches of texts that are no content; ``embedded`` is the number of pictures,
    frames and scripts that such a page has, and ``read`` the number of characters that were found
    to be a notice; where there is none, a page must say nothing else. Pages that other people kept
    do not say how long their text is, and so have no room.
    """
    if shown_beside_text(web) > embedded:
        return True
    share = max((share_within(web.sketch, each) for each in known), default=0.0)
    unknown = min(web.text_length - read, web.text_length * (1 - share))
    return unknown > (_least_content(control) if read else BARE)


def _least_content(control: WebFacts | None) -> float:
    """The least number of characters beside a notice that would be a page's content."""
    if control is None:
        return USUAL
    if not control.text_length:
        return MOST
    return min(MOST, max(LEAST, control.text_length * SHARE))
