"""An alert as a mailbox or a webhook of the tester received it.

``accredit alerts receive`` writes one JSON object a line, and every minute a note that it works;
times are those of the tester's machine.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from harness.model.log_entry import AlertPriority

LONGEST = 16_384
"""The most characters of a text that are kept."""


class ReceivedAlert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One alert. ``at`` is when it arrived (aware UTC).

    ``to`` are the addresses of the recipients (of a webhook, the path that was called). ``text`` is
    what a person reads: the body of a mail as text, or the body of a request, decoded, without
    markup, at most ``LONGEST`` characters.
    """

    at: datetime
    channel: Literal["mail", "web"]
    to: tuple[str, ...]
    sender: str = ""
    subject: str = ""
    text: str = ""
    priority: AlertPriority = ""

    @property
    def is_note(self) -> bool:
        """Whether it is no alert, but the receiver's own note that it works."""
        return not self.to


def note_at(at: datetime) -> ReceivedAlert:
    """Return the note of a receiver that works at a time.

    Without such notes nobody could tell that no alert arrived from a receiver that was down.
    """
    return ReceivedAlert(at=at, channel="mail", to=(), subject="the receiver works")
