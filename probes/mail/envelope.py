"""The envelope of a mail: who sends it to whom, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The sender and the recipient of a mail (RFC 5321), and when it is written (aware).

    ``school_domain`` is the domain of the school's accounts. Raises ValueError for addresses that
    are not ASCII or have no domain, and for a time without its zone.
    """

    sender: str
    recipient: str
    school_domain: str
    at: datetime

    def __post_init__(self) -> None:
        for address in (self.sender, self.recipient):
            local, _, domain = address.rpartition("@")
            if not (local and domain and address.isascii() and address.isprintable()):
                msg = f"{address!r} is not an address of mail in ASCII, such as office@example.org"
                raise ValueError(msg)
        if self.at.tzinfo is None:
            msg = "the time of a mail needs a zone"
            raise ValueError(msg)

    @property
    def sender_domain(self) -> str:
        """The domain of the sender."""
        return self.sender.rpartition("@")[2]
