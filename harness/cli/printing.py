"""The only way to print: text becomes one escaped line, and JSON keeps its meaning.

Text from outside (titles, headers, names of files, error messages) may hold escape sequences,
line breaks that fake a line, or invisible characters. They are escaped here, and in
``harness.cli.drawing`` for tables. A house test lets no other module print.
"""

from __future__ import annotations

import sys
import textwrap
from typing import TextIO

from harness.untrusted.passwords import without_passwords
from harness.untrusted.visible_text import visible, visible_json


def shown(text: str) -> str:
    """A text as one line that may be printed: escaped, and without passwords in URLs."""
    return visible(without_passwords(text))


def say(*lines: str, to_stderr: bool = False) -> None:
    """Print each text as one line, with line breaks and control characters escaped."""
    stream = sys.stderr if to_stderr else sys.stdout
    for line in lines:
        stream.write(_encodable(shown(line), stream) + "\n")


WIDTH = 60
"""The columns of the narrowest terminal that long texts are wrapped for."""


def wrapped(text: str) -> list[str]:
    """A text as lines of at most ``WIDTH`` columns; its indent is kept and grows by two."""
    indent = " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(text, WIDTH, subsequent_indent=f"{indent}  ", break_on_hyphens=False)


def is_terminal() -> bool:
    """Whether somebody can read what is printed, and answer: both are a terminal."""
    streams = (sys.stdin, sys.stdout)
    return all(stream is not None and stream.isatty() for stream in streams)


def say_json(encoded: str | bytes, *, to_stderr: bool = False) -> None:
    """Print encoded JSON as it is, with unprintable characters escaped."""
    stream = sys.stderr if to_stderr else sys.stdout
    text = encoded.decode() if isinstance(encoded, bytes) else encoded
    stream.write(visible_json(text, ascii_only=not _is_unicode(stream)) + "\n")


def _encodable(text: str, stream: TextIO) -> str:
    """The text with characters escaped that the stream's encoding lacks."""
    if _is_unicode(stream):
        return text
    return text.encode(stream.encoding, "backslashreplace").decode(stream.encoding)


def _is_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "utf-8").lower().replace("_", "-").startswith("utf")
