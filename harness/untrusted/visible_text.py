r"""Shows text from outside on one line, with every character that does not show itself escaped.

A title, a header or a file name may hold terminal escape sequences (ECMA-48), line breaks that
fake a line of output, or marks that turn the reading direction (Unicode UAX 9). Each becomes the
escape that Python writes for it, such as ``\x1b`` or ``\u202e``.
"""

from __future__ import annotations

import re
import unicodedata

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that Unicode calls printable, and that nobody sees."""
_SELECTORS = range(0xE0100, 0xE01F0)
"""Variation selectors that no font of a terminal knows; texts hide bytes in them."""
_FIRST = frozenset("'=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""An apostrophe, and what makes a spreadsheet take a cell for a formula: also in full width.

See OWASP, CSV injection.
"""
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([\\ntr]))")
_PLAIN = {"\\": "\\", "n": "\n", "t": "\t", "r": "\r"}


def visible(text: str, keep: str = "") -> str:
    """The text with controls and invisible characters escaped, but those in ``keep``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(sign if _shows(sign) or sign in keep else _escaped(sign) for sign in text)


def visible_json(text: str, *, ascii_only: bool = False) -> str:
    r"""JSON text that means the same, in which no control or invisible character stands as it is.

    Such characters can stand in strings only (RFC 8259), where ``\uXXXX`` says the same.
    White space between values stays.
    """
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(
        sign if sign == "\n" or (_shows(sign) and (not ascii_only or sign.isascii()))
        else _escaped_json(sign)
        for sign in text
    )  # fmt: skip


def spreadsheet_cell(text: str) -> str:
    """A cell of a CSV file for people, which no spreadsheet runs; ``cell_text`` undoes it.

    Controls, invisible characters and backslashes are escaped, and what would begin a formula,
    or begins with an apostrophe, gets an apostrophe in front.
    """
    escaped = visible(text.replace("\\", "\\\\"))
    return f"'{escaped}" if text[:1] in _FIRST else escaped


def cell_text(cell: str) -> str:
    """The text that ``spreadsheet_cell`` made a cell of."""
    return _ESCAPE.sub(_unescaped, cell.removeprefix("'"))


def _shows(sign: str) -> bool:
    """Whether a reader sees the character, or the space that it takes."""
    is_seen = sign.isprintable() or unicodedata.category(sign) in {"Zs", "Co"}
    return is_seen and sign not in _BLANK and ord(sign) not in _SELECTORS


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")


def _escaped_json(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _unescaped(found: re.Match[str]) -> str:
    *digits, letter = found.groups()
    return _PLAIN[letter] if letter else chr(int(next(filter(None, digits)), 16))
