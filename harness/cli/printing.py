"""The only way to print: text becomes one escaped line, and JSON keeps its meaning.

Text from outside (titles, headers, names of files, error messages) may hold escape sequences,
line breaks that fake a line, or invisible characters. They are escaped here, and in
``harness.cli.drawing`` for tables. A house test lets no other module print.

On a terminal a long line is wrapped between words; what follows is indented, so that it cannot look
like a line of its own. Pipes and files get whole lines, unless ``COLUMNS`` gives a width.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from harness.untrusted.passwords import without_passwords
from harness.untrusted.visible_text import visible, visible_json

ASCII_FORMS = str.maketrans({
    "✓": "+", "✗": "x", "≤": "<=", "≥": ">=", "±": "+/-", "→": "->", "…": "...", "“": '"', "”": '"',
    "·": "-", "•": "*", "§": "section ", "\u00d7": "x", "\u2013": "-", "\u2014": "-", "\u2018": "'",
    "\u2019": "'", "\u03b1": "alpha", "\u00b5": "u", "\u03bc": "u", "\u00a0": " ",
})  # fmt: skip
"""What is printed for a character of ours that a terminal lacks; other characters are escaped."""

NARROWEST = 20
"""Columns; a narrower terminal gets lines of this width."""


def shown(text: str) -> str:
    """A text as one line that may be printed: escaped, and without passwords in URLs."""
    return visible(without_passwords(text))


def say(*lines: str, to_stderr: bool = False) -> None:
    """Print each text as one line, wrapped on a terminal; line breaks and controls are escaped."""
    stream = sys.stderr if to_stderr else sys.stdout
    for line in lines:
        text = encodable(shown(line), stream.encoding)
        stream.write("\n".join(wrapped(text, columns_of(stream))) + "\n")


def say_at_once(line: str) -> None:
    """Print a line that somebody waits for, also if standard output is a file or a pipe."""
    say(line)
    sys.stdout.flush()


def warn(sentence: str) -> None:
    """Print a warning: one line on standard error. ``warnings_to`` sends it elsewhere."""
    if _elsewhere:
        _elsewhere[-1](sentence)
        return
    say(f"accredit: warning: {sentence}", to_stderr=True)


_elsewhere: list[Callable[[str], None]] = []
"""What takes warnings of this process in place of standard error; the last one counts."""


@contextmanager
def warnings_to(take: Callable[[str], None]) -> Iterator[None]:
    """Give warnings of all threads to a function meanwhile, as to the log of a server."""
    _elsewhere.append(take)
    try:
        yield
    finally:
        _elsewhere.remove(take)


def is_terminal() -> bool:
    """Whether somebody can read what is printed, and answer: both are a terminal."""
    streams = (sys.stdin, sys.stdout)
    return all(stream is not None and stream.isatty() for stream in streams)


def say_json(encoded: str | bytes, *, to_stderr: bool = False) -> None:
    """Print encoded JSON as it is, with unprintable characters escaped."""
    stream = sys.stderr if to_stderr else sys.stdout
    text = encoded.decode() if isinstance(encoded, bytes) else encoded
    stream.write(visible_json(text, ascii_only=not _is_unicode(stream.encoding)) + "\n")


def say_data(data: object) -> None:
    """Print data as indented JSON, with unprintable characters escaped."""
    import msgspec  # noqa: PLC0415 - keep the start light

    say_json(msgspec.json.format(msgspec.json.encode(data), indent=2))


def say_document(text: str) -> None:
    """Print a document as it is; on a terminal each line as ``say`` prints it."""
    if sys.stdout.isatty():
        say(*text.splitlines())
    else:
        sys.stdout.write(encodable(text, sys.stdout.encoding))


def encodable(text: str, encoding: str | None) -> str:
    """The text in characters that an encoding has: see ``ASCII_FORMS``; others are escaped."""
    if text.isascii() or _is_unicode(encoding):
        return text
    name = encoding or "ascii"
    return text.translate(ASCII_FORMS).encode(name, "backslashreplace").decode(name)


def columns_of(stream: IO[str]) -> int | None:
    """The width at which lines are wrapped; None where they stay whole.

    That is ``COLUMNS`` if it is set (POSIX 1003.1, chapter 8), else the width of a terminal.
    """
    declared = os.environ.get("COLUMNS", "")
    if declared.isdecimal() and int(declared):
        return max(int(declared), NARROWEST)
    try:
        if not stream.isatty():
            return None
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return None
    return max(columns, NARROWEST) if columns else None  # 0: the terminal does not know it


def wrapped(text: str, columns: int | None) -> list[str]:
    """The lines of a text of at most so many columns; None keeps it whole.

    A line breaks at spaces alone, so that a path or an address stays whole, even if it is longer.
    Further lines are indented by two more spaces than the first.
    """
    if columns is None or _width(text) <= columns:
        return [text]
    indent = " " * (len(text) - len(text.lstrip(" ")))
    words = text.split(" ")
    lines, line = [], words[0]
    for word in words[1:]:
        if line.strip() and _width(line) + 1 + _width(word) > columns:
            lines.append(line.rstrip(" "))
            line = f"{indent}  {word}"
        else:
            line = f"{line} {word}"
    return [*lines, line.rstrip(" ")]


def wrapped_on_stderr(text: str) -> list[str]:
    """The lines of a text as ``say`` would print it on standard error."""
    return wrapped(text, columns_of(sys.stderr))


def _width(text: str) -> int:
    """The columns that a text takes: two for wide characters (Unicode UAX 11)."""
    if text.isascii():
        return len(text)
    return sum(
        2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
        if not unicodedata.combining(character)
    )


def _is_unicode(encoding: str | None) -> bool:
    return (encoding or "utf-8").lower().replace("_", "-").startswith("utf")
