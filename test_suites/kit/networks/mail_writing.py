"""Mails that the tests of mail compose, and their parts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from typing import cast

from harness.model.mail_case import MailCase
from probes.mail.messages import Outside, compose
from probes.mail.mime_mail import Envelope
from probes.mail.sender_domains import new_key

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
OUTSIDE = Outside(address="127.0.0.1", zone="canary.accredit.test", school_domain="school.test")
SCHOOL = "head@school.test"

OF_CORPUS = (
    b"Received: from a by b\r\nFrom: Some Body <some.body@example.com>\r\nTo: x@example.com\r\n"
    b"Subject: A mail of a corpus\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=us-ascii\r\n\r\nHello.\r\n"
)

signing_key = cache(new_key)


def digest_of(text: object) -> str:
    return hashlib.blake2b(f"{text}".encode(), digest_size=16).hexdigest()


def written(case: MailCase, digest: str, at: datetime = AT) -> bytes:
    """A mail as the tests send it: from outside to the school, or the other way."""
    sender = OUTSIDE.sender(case, digest) if case.direction == "in" else SCHOOL
    recipient = SCHOOL if case.direction == "in" else "tester@outside.test"
    envelope = Envelope(sender=sender, recipient=recipient, school_domain="school.test", at=at)
    return compose(case, digest, envelope, signing_key=signing_key(), raw=OF_CORPUS)


def parsed(mail: bytes) -> EmailMessage:
    return message_from_bytes(mail, policy=policy.SMTP)


def leaves(mail: EmailMessage) -> Iterator[EmailMessage]:
    """All parts of a mail that have no parts themselves."""
    return (part for part in mail.walk() if not part.is_multipart())


def body_of(part: EmailMessage) -> bytes:
    return cast("bytes", part.get_payload(decode=True))


def text_of(mail: EmailMessage) -> str:
    """The text of all text parts."""
    return "\n".join(
        body_of(part).decode(part.get_content_charset("ascii"))
        for part in leaves(mail)
        if part.get_content_maintype() == "text" and not part.is_attachment()
    )
