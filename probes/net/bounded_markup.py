"""Shorten a page's markup to what can be parsed in little time and memory.

A parser builds a tree of a page. A page that nests elements a million levels deep, or holds
nothing but comments, would keep it busy for minutes and fill gigabytes: every step here takes
time in proportion to the page's length.
"""

from __future__ import annotations

import re

MOST_TAGS = 20_000
"""Tags that are parsed: so many elements inside each other take about half a second."""

MOST_CHARACTERS = 1_000_000
"""Characters that are parsed."""

SHORT = 64 * 1024
"""Pages up to this length keep their comments and white space."""

_RAW_TEXT = re.compile(r"<(?:xmp|textarea|plaintext|noembed|noframes)\b", re.IGNORECASE)
_BLANKS = re.compile(r"\s{2,}")


def bounded(markup: str) -> tuple[str, bool]:
    """The markup to parse, and whether something was cut off that might have been seen.

    Comments and repeated white space of a long page are left out, which shows nothing less.
    """
    if len(markup) > SHORT:
        markup = _BLANKS.sub(" ", _without_comments(markup))
    end = _end_of_tags(markup)
    return markup[:end], end < len(markup)


def _without_comments(markup: str) -> str:
    """The markup without comments; one that holds a tag stays, for it may be none to a browser.

    In a script ``<!--`` begins no comment, and an element that follows the script is seen; in
    elements whose text is taken as it stands, it is shown.
    """
    if _RAW_TEXT.search(markup):
        return markup
    parts, place = [], 0
    while (start := markup.find("<!--", place)) >= 0:
        end = markup.find("-->", start + 4)
        if end < 0:
            break
        is_plain = markup.find("<", start + 4, end) < 0
        parts.append(markup[place : start if is_plain else end + 3])
        place = end + 3
    return "".join((*parts, markup[place:]))


def _end_of_tags(markup: str) -> int:
    if len(markup) <= MOST_CHARACTERS and markup.count("<") <= MOST_TAGS:
        return len(markup)
    place = -1
    for _ in range(MOST_TAGS + 1):
        place = markup.find("<", place + 1)
        if place < 0:
            return min(len(markup), MOST_CHARACTERS)
    return min(place, MOST_CHARACTERS)
