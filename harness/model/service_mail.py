"""What is known of a service's mail: what was sent through it, and what arrived.

How mail reaches the service, and the accounts of the test, are declared in the campaign file
(``service.mail``). A mail service has no lines: what is known of it counts for each line of a
campaign.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from pydantic import Field

from harness.model.declared import Declared
from harness.model.mail_case import Direction
from harness.model.mail_facts import MailArrival, MailFacts
from harness.model.service_log import LogReading

MAIL_LINE = "mail"
"""The line of observations of mail; no line of a campaign has this name."""
READ_AFTER = timedelta(seconds=900)
"""How long after it was accepted a mail may still arrive: three times the limit of EML-05."""
MAILBOX = "mailbox"
"""The format of a reading of a mailbox."""

MailAddress = Annotated[str, Field(pattern=r"^[^@\s<>]{1,64}@[^@\s<>]{1,190}$")]
HostPort = Annotated[str, Field(min_length=3, max_length=260)]


class MailAccount(Declared):
    """An account at the school: its address, and how its user signs in to send mail.

    Without a ``user`` the service accepts mail from the account's address without a password. The
    password is the first line of ``password_file``, so that no campaign file holds it.
    """

    address: MailAddress
    user: Annotated[str, Field(max_length=200)] = ""
    password_file: Annotated[str, Field(max_length=1000)] = ""


class MailService(Declared):
    """How mail reaches the service under test, and whose mail the test reads.

    ``incoming`` is where mail from outside is delivered for the school, ``outgoing`` where its
    accounts send mail (both HOST:PORT). ``accounts`` are those of the profiles. ``outside`` is the
    tester's mailbox outside. ``restricted`` is an account that may only exchange mail with
    ``partner`` (a walled garden). ``sends_from`` is the public address that mail from the tester
    comes from; without it, the address of this machine. ``encrypted`` is what the service does with
    attachments that it cannot open.
    """

    incoming: HostPort = ""
    outgoing: HostPort = ""
    accounts: Annotated[dict[str, MailAccount], Field(min_length=1)]
    outside: MailAddress
    restricted: MailAccount | None = None
    partner: MailAddress | None = None
    sends_from: Annotated[str, Field(max_length=45)] = ""
    encrypted: Literal["block", "allow"] = "block"


MailState = Literal[
    "arrived", "marked", "junk", "quarantined", "without content", "refused early", "refused",
    "bounced", "withheld", "deferred", "open", "not sent",
]  # fmt: skip
"""What became of a mail.

*Arrived*: it is in the mailbox of its recipient, with what it carried; *marked*: so, but marked as
spam; *junk*: in the recipient's folder for junk; *quarantined*: kept for an administrator;
*without content*: it arrived without what it carried. *Refused early*: before its content was
sent; *refused* after it. *Bounced*: a notice of non-delivery came. *Withheld*: it was accepted and
did not arrive, though its harmless twin did. *Deferred*: refused for now at each attempt. *Open*:
it may still arrive. *Not sent*: no connection to the service.
"""


class SentMail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail, what the service answered, and what arrived of it.

    ``case`` is its name (``MailCase.name``). ``accepted`` is when the service took it. ``facts``
    are what its server said; ``arrivals`` those of all readings, in their order.
    """

    item: str
    case: str
    direction: Direction
    profile: str
    sending: int
    started: datetime
    accepted: datetime | None
    state: MailState
    facts: MailFacts | None
    arrivals: tuple[MailArrival, ...] = ()

    @property
    def delay(self) -> float | None:
        """Seconds until it first arrived, by the clock of the mailbox; ``None`` if it did not.

        Below 0 where that clock is slow.
        """
        times = [one.at for one in self.arrivals if not one.is_notice]
        if self.accepted is None or not times:
            return None
        return (min(times) - self.accepted).total_seconds()


class ServiceMail(msgspec.Struct, frozen=True, kw_only=True):
    """The mails of a campaign, and the readings of mailboxes.

    ``unknown`` mails were found in mailboxes that belong to none that was sent, and may be of the
    test.
    """

    sent: tuple[SentMail, ...] = ()
    readings: tuple[LogReading, ...] = ()
    unknown: int = 0

    def of(self, profile: str) -> ServiceMail:
        """Return the mails of a profile, and all readings."""
        own = tuple(one for one in self.sent if one.profile == profile)
        return msgspec.structs.replace(self, sent=own)
