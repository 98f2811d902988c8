r"""Escape untrusted text for output: control and invisible characters become visible.

A title, a header or a file name may contain terminal escape sequences (ECMA-48), line breaks that
fake a line of output, or marks that change the text direction (Unicode UAX 9). Each becomes the
escape that Python writes for it, such as ``\x1b`` or ``\u202e``.
"""

from __future__ import annotations

import re
import unicodedata

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that Unicode classes as printable but that are invisible."""
_SELECTORS = range(0xE0100, 0xE01F0)
"""Variation selectors, in which texts can hide bytes."""
_HIDDEN = _BLANK | set(map(chr, _SELECTORS))
"""Characters that are escaped although Unicode classes them as printable."""
_FIRST = frozenset("'=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""First characters that make a spreadsheet cell a formula, also in full width; and apostrophes.

See OWASP, CSV injection.
"""
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([\\ntr]))")
_PLAIN = {"\\": "\\", "n": "\n", "t": "\t", "r": "\r"}


def visible(text: str, keep: str = "") -> str:
    """Escape control and invisible characters, except those in ``keep``."""
    if text.isascii() and text.isprintable():
        return text
    if text.replace("\xa0", " ").isprintable() and _HIDDEN.isdisjoint(text):
        return text  # most texts of pages: the same as below, without looking at each character
    return "".join(
        character if _shows(character) or character in keep else _escaped(character)
        for character in text
    )


def visible_json(text: str, *, ascii_only: bool = False) -> str:
    r"""Escape control and invisible characters of a JSON text as ``\uXXXX``.

    Such characters can occur only in strings (RFC 8259), so the value stays the same, and so does
    white space between values.
    """
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(
        character
        if character == "\n" or (_shows(character) and (not ascii_only or character.isascii()))
        else _escaped_json(character)
        for character in text
    )


def spreadsheet_cell(text: str) -> str:
    """Return a CSV cell that no spreadsheet evaluates; ``cell_text`` is the inverse.

    Control and invisible characters and backslashes are escaped; a text that would begin a formula,
    or begins with an apostrophe, gets a leading apostrophe.
    """
    escaped = visible(text.replace("\\", "\\\\"))
    return f"'{escaped}" if text[:1] in _FIRST else escaped


def cell_text(cell: str) -> str:
    """Return the text of a cell made by ``spreadsheet_cell``."""
    return _ESCAPE.sub(_unescaped, cell.removeprefix("'"))


def _shows(character: str) -> bool:
    """Whether a character is visible, or is visible space."""
    is_seen = character.isprintable() or unicodedata.category(character) in {"Zs", "Co"}
    return is_seen and character not in _HIDDEN


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _escaped_json(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _unescaped(found: re.Match[str]) -> str:
    *digits, letter = found.groups()
    return _PLAIN[letter] if letter else chr(int(next(filter(None, digits)), 16))
