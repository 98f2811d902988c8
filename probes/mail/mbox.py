"""Read the raw mails of an mbox file (RFC 4155), one after the other, in little memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader

from probes.mail.raw_mail import MOST_BYTES

LINE_BYTES = 64 * 1024
"""Bytes that are read at once; a longer line is read in pieces."""

FROM_LINE = re.compile(rb"From (\S*) {1,3}.{0,80}\b\d{1,2}:\d{2}(?::\d{2})?\b.{0,40}\b\d{4}\b")
"""The line before each mail: ``From SENDER DATE``. It follows an empty line."""
_QUOTED_FROM = re.compile(rb">+From ")


@dataclass(frozen=True, slots=True, kw_only=True)
class MboxMail:
    """A mail of an mbox file; ``line`` is that of its line ``From SENDER DATE``, from 1.

    Of a mail of more than ``MOST_BYTES`` the ``content`` is only the beginning; ``size`` counts all
    bytes. ``is_cut``: it is the last one, and its last line has no end.
    """

    from_line: str
    sender: str
    line: int
    content: bytes = field(repr=False)
    size: int
    is_cut: bool


@dataclass(slots=True)
class _Collected:
    """A mail that is being read: the line before it, and its bytes up to a limit."""

    from_line: bytes
    line: int
    kept: bytearray = field(default_factory=bytearray)
    size: int = 0

    def add(self, piece: bytes) -> None:
        """Add a piece, if it is within the limit."""
        self.size += len(piece)
        if len(self.kept) < MOST_BYTES:
            self.kept += piece

    def mail(self, *, is_cut: bool) -> MboxMail:
        """Return the mail."""
        found = FROM_LINE.match(self.from_line)
        # An empty line at the end belongs to the format.
        blank = 0 if len(self.kept) < self.size else _blank_at_end(self.kept)
        return MboxMail(
            from_line=self.from_line.decode("utf-8", "replace"),
            sender=found[1].decode("utf-8", "replace") if found else "",
            line=self.line,
            content=bytes(self.kept[: len(self.kept) - blank]),
            size=self.size - blank,
            is_cut=is_cut,
        )


def mbox_mails(
    stream: BufferedReader, note: Callable[[bytes], object] = lambda _: None
) -> Iterator[MboxMail]:
    """Yield the mails of an mbox file. Lines that were quoted (``>From``) lose one ``>``.

    ``note`` gets all bytes as they are read. What stands before the first mail is left out. Raises
    OSError for what cannot be read.
    """
    mail: _Collected | None = None
    is_start, is_after_blank, number = True, True, 0
    while piece := stream.readline(LINE_BYTES):
        note(piece)
        number += is_start
        if is_start and is_after_blank and FROM_LINE.match(piece):
            if mail is not None:
                yield mail.mail(is_cut=False)
            mail = _Collected(piece, number)
        elif mail is not None:
            is_quoted = is_start and _QUOTED_FROM.match(piece)
            mail.add(piece[1:] if is_quoted else piece)
        is_after_blank = is_start and piece in (b"\n", b"\r\n")
        is_start = piece.endswith(b"\n")
    if mail is not None:
        yield mail.mail(is_cut=not is_start)


def _blank_at_end(mail: bytearray) -> int:
    """Return how many bytes the empty line at the end of a mail has, if there is one."""
    if mail.endswith((b"\n\r\n", b"\n\n")):
        return 2 if mail.endswith(b"\r\n") else 1
    return 0
