"""A mail that arrived, as far as it matters: who got it, when, and what it holds.

Its text is not kept. The reader of raw mails (``probes.mail.raw_mail``) makes it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Held = Literal["test string", "GTUBE", "language marker", "agreed image", "text", "attachment"]
"""What was found in a mail: contents that the test is about, a readable text, an attachment."""

MOST_WORDS = 4000
"""The most digests of wording that are kept of a mail: the smallest ones, a random sample."""

NOTE = "note"
"""The ``sender`` of a note that the receiver works; such a line is no mail."""


class ReceivedMail(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A mail that arrived. Times are aware.

    ``at`` is when it arrived, ``to`` are the recipients of its envelope, in lower case, ``sender``
    that of the envelope (empty: of a bounce, RFC 5321 section 4.5.5). ``message_ids`` are its own
    Message-ID (empty if it has none and others follow) and those that it quotes or encloses, as
    bounces do (RFC 3464), without angle brackets; ``references`` the numbers in it that look like
    those of ``harness.model.mail_case.reference_of``. ``traces`` are digests of what stands in no
    other mail, each after its kind ("boundary:4f…"), and ``words`` digests of its wording, the
    smallest ones of them (``probes.mail.mail_traces``). ``is_automatic``: it says that a program
    wrote it (RFC 3834), or it is a report (RFC 6522). ``is_cut``: it holds more parts or wording
    than are read. ``spam_marks`` are the fields by which it is
    marked as spam, or its subject, ``results`` the fields Authentication-Results (RFC 8601) and
    Received-SPF (RFC 7208) of the last server that wrote some: each with the name of the field,
    shortened. ``holds`` is what was found in it when its parts and containers were opened. ``size``
    is in bytes.
    """

    at: datetime
    to: tuple[str, ...] = ()
    sender: str = ""
    message_ids: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    words: tuple[int, ...] = ()
    is_automatic: bool = False
    is_cut: bool = False
    spam_marks: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    holds: tuple[Held, ...] = ()
    size: int = 0

    @property
    def is_note(self) -> bool:
        """Whether it only says that the receiver works."""
        return self.sender == NOTE


def note_at(at: datetime) -> ReceivedMail:
    """Return a note that the receiver works."""
    return ReceivedMail(at=at, sender=NOTE)
