"""Stream the mails of an mbox file (RFC 4155): memory holds one mail at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader

from probes.mail.raw_mail import MOST_BYTES

LINE_BYTES = 64 * 1024
"""Bytes that are read at once; a longer line is read in pieces."""

FROM_LINE = re.compile(rb"From (\S*) {1,3}.{0,80}\b\d{1,2}:\d{2}(?::\d{2})?\b.{0,40}\b\d{4}\b")
"""The line before each mail of an mbox file: ``From SENDER DATE``."""
_QUOTED_FROM = re.compile(rb">+From ")


@dataclass(slots=True)
class MboxMail:
    """A mail of an mbox file: its From_ line, the number of that line, and its bytes.

    Of a mail that is larger than ``MOST_BYTES`` only the beginning is kept; ``size`` counts all.
    ``is_cut_off``: its last line has no end, as of a file that is still being written.
    """

    from_line: bytes
    line: int
    kept: bytearray = field(default_factory=bytearray)
    size: int = 0
    is_cut_off: bool = False

    def add(self, piece: bytes) -> None:
        """Add a piece, if it is within the limit."""
        self.size += len(piece)
        if len(self.kept) < MOST_BYTES:
            self.kept += piece

    @property
    def blank_at_end(self) -> int:
        """The bytes of the empty line at its end, which belongs to the format."""
        if len(self.kept) < self.size or not self.kept.endswith((b"\n\r\n", b"\n\n")):
            return 0
        return 2 if self.kept.endswith(b"\r\n") else 1

    @property
    def raw(self) -> bytes:
        """Its bytes, without the empty line at the end."""
        return bytes(self.kept[: len(self.kept) - self.blank_at_end])


def mbox_mails(
    stream: BufferedReader, note: Callable[[bytes], object] = lambda _: None
) -> Iterator[MboxMail]:
    """Yield the mails of an mbox file. Lines that were quoted (``>From``) lose one ``>``.

    What stands before the first From_ line is left out. ``note`` gets the bytes as they are read,
    before their mail comes. Raises OSError.
    """
    mail: MboxMail | None = None
    is_start, is_after_blank, number = True, True, 0
    while piece := stream.readline(LINE_BYTES):
        note(piece)
        number += is_start
        if is_start and is_after_blank and FROM_LINE.match(piece):
            if mail is not None:
                yield mail
            mail = MboxMail(piece, number)
        elif mail is not None:
            is_quoted = is_start and _QUOTED_FROM.match(piece)
            mail.add(piece[1:] if is_quoted else piece)
        is_after_blank = is_start and piece in (b"\n", b"\r\n")
        is_start = piece.endswith(b"\n")
    if mail is not None:
        mail.is_cut_off = not is_start
        yield mail
