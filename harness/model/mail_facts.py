"""Facts of mail: what a mail server answered, and what arrived in a mailbox."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from harness.model.facts_base import FactsBase

MailStage = Literal[
    "connect", "greeting", "hello", "tls", "login", "sender", "recipient", "content"
]
"""How far the delivery of a mail came (RFC 5321 section 3)."""


class MailFacts(FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="mail"):
    """What a mail server answered when one mail was given to it (RFC 5321).

    ``stage`` is the last that was reached, ``code`` and ``reply`` the answer there (its text is at
    most 500 characters). ``offers`` are the keywords that it answered EHLO with. ``encrypted``: the
    mail was sent over TLS, ``trusted`` whether the certificate was right (``None`` if none was
    shown). ``sender`` and ``recipient`` are those of the envelope. ``tries`` counts the attempts: a
    mail is tried again where the server answers that it is busy (4yz). ``seconds`` is how long the
    last attempt took until its last answer. ``size`` and ``sha256`` are those of what was sent;
    ``traces`` and ``words`` are what it is known by (``harness.model.received_mail``; empty in
    journals of older versions).
    """

    server: str
    stage: MailStage
    code: int | None = None
    reply: str = ""
    offers: tuple[str, ...] = ()
    encrypted: bool = False
    trusted: bool | None = None
    sender: str = ""
    recipient: str = ""
    message_id: str = ""
    tries: int = 1
    seconds: float = 0.0
    size: int = 0
    sha256: str = ""
    traces: tuple[str, ...] = ()
    words: tuple[int, ...] = ()

    @property
    def is_taken(self) -> bool:
        """Whether the server took the mail (2yz after its content, RFC 5321 section 4.2.1)."""
        return self.stage == "content" and self.code is not None and self.code // 100 == 2  # noqa: PLR2004 - see above


MailPlace = Literal["inbox", "junk", "quarantine"]
"""Where a mail was found: in the mailbox, in its folder for junk, or kept for an administrator."""


KnownBy = Literal["message id", "reference", "boundary", "part", "file", "written", "words"]
"""What a mail is recognised by: an id or a number in it, its parts, who wrote it when, its text."""


class MailArrival(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One mail as it was found in a mailbox; see ``harness.model.received_mail.ReceivedMail``.

    ``is_notice``: it is not the mail itself, but a notice that encloses or names it (a bounce).
    ``known_by`` are the kinds of traces by which it was recognised, and ``mark`` a digest that
    tells it from other mails; both are empty where an older version read the mailbox.
    """

    at: datetime
    place: MailPlace
    to: tuple[str, ...] = ()
    is_notice: bool = False
    spam_marks: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    known_by: tuple[KnownBy, ...] = ()
    mark: str = ""


class MailArrivalFacts(
    FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="mail_arrivals"
):
    """What mailboxes hold of one mail: the first ``MOST_ARRIVALS``; ``more`` counts others."""

    arrivals: tuple[MailArrival, ...] = ()
    more: int = 0


MOST_ARRIVALS = 12
"""The most arrivals that are kept of one mail."""

UNKNOWN_MAILS = "mails-of-nobody"
"""The id of the item under which mails are kept that belong to none that was sent."""
MOST_UNKNOWN = 500
"""The most of these that are kept of a reading."""
