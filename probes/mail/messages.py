"""Compose the mails of a test: the exact bytes of a mail for each case of ``mail_case``.

They look like ordinary mails of a school, its families and its suppliers. Beside its reference
number and its Message-ID nothing in a mail is of the test but what its case is about, so that a
service cannot treat mails of a test better than others. Everything is drawn from the digest in the
id of the item: the same digest gives the same mail, and another digest another one.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.mail_case import MailCase, message_id_of
from probes.mail.contents import Writing, content_of, letter_of
from probes.mail.invented import Draws, facts_of
from probes.mail.letter_form import display_name, local_part
from probes.mail.mail_corpus import prepared
from probes.mail.mime_mail import Envelope, Fields, mail_bytes, with_fields
from probes.mail.sender_domains import EXCLUDED, SELECTOR, sender_domain
from probes.mail.signature import sign

_POSTSCRIPTS = (
    "P.S. The money now has to be paid to another account.",
    "P.S. Please answer to my new address from now on.",
    "P.S. The time has changed: one hour earlier.",
    "P.S. Please disregard what I wrote before.",
)
"""What somebody adds to a mail that another person has signed."""


def needs_key(case: MailCase) -> bool:
    """Whether a mail is signed, so that ``compose`` needs a key."""
    return case.kind == "signed" or (case.kind, case.variant) == ("forged", "dkim")


def compose(
    case: MailCase, digest: str, envelope: Envelope, *, signing_key: str = "", raw: bytes = b""
) -> bytes:
    """Return the bytes of a mail: ASCII lines that end with CRLF, except of mails of a corpus.

    ``digest`` is that in the id of the item (32 hexadecimal digits). ``signing_key`` is for mails
    that are signed (``needs_key``; a private RSA key in PEM), ``raw`` a mail of a corpus, which the
    variant ``corpus`` needs. Raises UsageError for a key that cannot sign, and ValueError if
    ``raw`` is missing.
    """
    if case.variant == "corpus":
        if not raw:
            msg = f"a mail of the case {case.name} needs the bytes of a mail of a corpus"
            raise ValueError(msg)
        return prepared(raw, envelope, digest)
    draws = Draws(digest)
    domain, school = envelope.sender_domain, envelope.recipient.rpartition("@")[2]
    writing = Writing(case=case, draws=draws, at=envelope.at, domains=(domain, school))
    content = content_of(writing)
    facts = facts_of(draws, envelope.at)
    fields = Fields(
        sender=_shown_sender(case, envelope),
        display=display_name(writing.letter, draws, facts),
        recipient=envelope.recipient,
        subject=content.subject,
        at=envelope.at,
        message_id=message_id_of(digest, domain),
        further=content.fields,
    )
    mail = mail_bytes(with_fields(content.body, fields, draws), draws)
    if not needs_key(case):
        return mail
    signed = sign(mail, domain, SELECTOR, signing_key)
    if case.kind == "signed":
        return signed
    return signed + f"\r\n{draws.one_of('postscript', _POSTSCRIPTS)}\r\n".encode("ascii")


def _shown_sender(case: MailCase, envelope: Envelope) -> str:
    """Return the address in the field From: that of the envelope, or a forged one of the school."""
    if case.kind == "forged" and case.variant == "own-domain":
        return f"{envelope.sender.rpartition('@')[0]}@{envelope.school_domain}"
    return envelope.sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Where mails to a school come from: a zone of the origin, and the tester's public address.

    ``school_domain`` is the domain of the school's accounts.
    """

    address: str
    zone: str
    school_domain: str

    def sender(self, case: MailCase, digest: str) -> str:
        """Return the address that a mail to the school comes from, for its envelope.

        Its domain allows the tester's address, or for forged mails an address that no mail comes
        from. A mail in the name of the school comes from an address of the school's domain. Raises
        ValueError if ``address`` is no IP address.
        """
        draws = Draws(digest)
        local = local_part(letter_of(case, draws), draws)
        if case.kind != "forged":
            return f"{local}@{sender_domain(self.address, self.zone, digest)}"
        if case.variant == "own-domain":
            return f"{local}@{self.school_domain}"
        return f"{local}@{sender_domain(EXCLUDED, self.zone, digest)}"
