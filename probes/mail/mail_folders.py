"""Read raw mails one after the other: from an mbox, a Maildir, or files of single mails.

A file of any size is read in little memory. A mail of more than ``MOST_BYTES`` is cut after one
byte more, so that a reader sees that it is too large.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from harness.untrusted.regular_file import open_regular

MOST_BYTES = 32 * 1024 * 1024
"""The most bytes of a mail."""

_LINE_BYTES = 64 * 1024
"""Bytes of a line that are read at once."""
_SEPARATOR = b"From "
_QUOTED = re.compile(rb">+From ")


def raw_mails(path: Path) -> Iterator[bytes]:
    """Yield the mails of an mbox, a Maildir, a folder of files ``*.eml``, or of one such file.

    An mbox (RFC 4155) begins with a line ``From ...``; further mails begin with such a line after
    an empty one, and lines with ``>From`` lose one ``>`` (mboxrd). The mails of folders come in the
    order of their names, of a Maildir first those in ``cur``. Line ends stay as they are. Raises
    OSError for what cannot be read.
    """
    if not path.is_dir():
        with open_regular(path) as stream:
            yield from _of_file(stream)
        return
    for file in _files(path):
        with open_regular(file) as stream:
            yield stream.read(MOST_BYTES + 1)


def _files(folder: Path) -> Iterator[Path]:
    parts = [folder / name for name in ("cur", "new") if (folder / name).is_dir()]
    for part in parts:
        yield from sorted(file for file in part.iterdir() if not file.name.startswith("."))
    if not parts:
        yield from sorted(file for file in folder.iterdir() if file.suffix.lower() == ".eml")


def _of_file(stream: BufferedReader) -> Iterator[bytes]:
    if stream.peek(len(_SEPARATOR))[: len(_SEPARATOR)] != _SEPARATOR:
        if mail := stream.read(MOST_BYTES + 1):
            yield mail
        return
    parts: bytearray | None = None
    is_start, after_empty = True, True
    while line := stream.readline(_LINE_BYTES):
        if is_start and after_empty and line.startswith(_SEPARATOR):
            if parts is not None:
                yield _without_last_line(parts)
            parts = bytearray()
            is_start, after_empty = line.endswith(b"\n"), False
            if not is_start:
                _skip_line(stream)
                is_start = True
            continue
        after_empty = is_start and line in (b"\n", b"\r\n")
        if is_start and _QUOTED.match(line):
            line = line[1:]
        assert parts is not None  # the first line is a separator
        if len(parts) <= MOST_BYTES:
            parts += line[: MOST_BYTES + 1 - len(parts)]
        is_start = line.endswith(b"\n")
    if parts is not None:
        yield _without_last_line(parts)


def _skip_line(stream: BufferedReader) -> None:
    while (line := stream.readline(_LINE_BYTES)) and not line.endswith(b"\n"):
        pass


def _without_last_line(mail: bytearray) -> bytes:
    """Return a mail without the empty line that ends it in an mbox."""
    for end in (b"\r\n", b"\n"):
        if mail.endswith(2 * end) and len(mail) <= MOST_BYTES:
            return bytes(mail[: -len(end)])
    return bytes(mail)
