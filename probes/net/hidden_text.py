"""Tell from CSS declarations whether a text is there, but not to be seen.

A block page states what a reader can see. These are the ordinary ways to hide text: no display, no
size, no opacity, a place outside the window, and the colour of the background. Other ways remain:
only a browser could tell what is behind another element.
"""

from __future__ import annotations

import re

_HIDDEN = re.compile(
    r"(?<![\w-])display\s{0,9}:\s{0,9}none"
    r"|(?<![\w-])visibility\s{0,9}:\s{0,9}(?:hidden|collapse)"
    r"|(?<![\w-])font(?:-size)?\s{0,9}:\s{0,9}0(?![.\d])"
    r"|(?<![\w-])opacity\s{0,9}:\s{0,9}0(?:\.0+)?(?![.\d])"
    r"|(?<![\w-])color\s{0,9}:\s{0,9}transparent"
    r"|(?<![\w-])(?:left|right|top|bottom|text-indent)\s{0,9}:\s{0,9}-\d{3,}"
    r"|(?<![\w-])margin(?:-\w{3,6})?\s{0,9}:\s{0,9}-\d{4,}"
    r"|(?<![\w-])clip\s{0,9}:\s{0,9}rect\((?!\s{0,9}auto)"
    r"|clip-path\s{0,9}:\s{0,9}(?:inset\(\s{0,9}(?:50|100)%|circle\(\s{0,9}0)"
    r"|scale\(\s{0,9}0\s{0,9}\)",
    re.IGNORECASE,
)
_NO_COLOUR = "inherit|currentcolor|initial|unset|revert"
"""Words that stand for a colour of elsewhere (CSS Cascade 5, 7.3)."""
_COLOUR = (
    r"\s{0,9}:\s{0,9}(#[0-9a-f]{3,8}|rgb\([\d ,]{5,20}\)"
    rf"|(?!{_NO_COLOUR})[a-z]{{3,20}}(?![\w(-]))"
)
_FOREGROUND = re.compile(rf"(?<![\w-])color{_COLOUR}", re.IGNORECASE)
_BACKGROUND = re.compile(rf"(?<![\w-])background(?:-color)?{_COLOUR}", re.IGNORECASE)
_NAMED = {"white": "#ffffff", "black": "#000000"}
_WHITE = "#ffffff"
_SHORT = 4


def hides(declarations: str, *, page_is_white: bool = False) -> bool:
    """Whether CSS declarations hide the text of an element.

    ``page_is_white``: the page sets no background, so that white letters cannot be seen.
    """
    if _HIDDEN.search(declarations):
        return True
    found, behind = _FOREGROUND.search(declarations), _BACKGROUND.search(declarations)
    if found is None:
        return False
    if behind is None:
        return page_is_white and _colour(found[1]) == _WHITE
    return _colour(found[1]) == _colour(behind[1])


def _colour(written: str) -> str:
    """Return a colour in one form (CSS Color 4, 4.2): ``#fff`` and ``white`` are the same."""
    colour = _NAMED.get(written.lower(), written.lower())
    if colour.startswith("#") and len(colour) == _SHORT:
        return "#" + "".join(2 * digit for digit in colour[1:])
    if colour.startswith("rgb"):
        return "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d{1,3}", colour))
    return colour
