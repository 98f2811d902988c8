"""A mailbox for tests that keeps what it receives in memory, and spam that was invented for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from harness.model.received_mail import ReceivedMail, note_at
from probes.mail.raw_mail import MOST_BYTES, read_mail
from probes.receivers.mailbox import Mailbox, MailboxSettings
from test_suites.served_in_thread import served_in_thread


@dataclass(slots=True)
class MailInbox:
    """What the mailbox received; ``port`` is where it listens on loopback."""

    mails: list[ReceivedMail] = field(default_factory=list)
    port: int = 0

    def keep(self, mail: ReceivedMail) -> bool:
        self.mails.append(mail)
        return True


def mailbox_of(inbox: MailInbox) -> Mailbox[ReceivedMail]:
    """A mailbox that keeps its mails in an inbox."""
    return Mailbox(inbox.keep, read_mail, settings=MailboxSettings(most_bytes=MOST_BYTES))


@contextmanager
def receiving_mail() -> Iterator[MailInbox]:
    """Run a mailbox on a thread of its own while the context lasts."""
    inbox = MailInbox()

    @asynccontextmanager
    async def mailbox() -> AsyncIterator[None]:
        async with mailbox_of(inbox) as opened:
            inbox.port = opened.port
            yield

    with served_in_thread(mailbox()):
        yield inbox


def write_spool(path: Path, mails: list[ReceivedMail], begins: datetime, ends: datetime) -> None:
    """Write the file of a receiver that worked all that time: a note each minute, and the mails."""
    minutes = int((ends - begins).total_seconds() // 60)
    notes = [note_at(begins + timedelta(minutes=each)) for each in range(minutes + 1)]
    lines = sorted([*notes, note_at(ends), *mails], key=lambda one: one.at)
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in lines))


def invented_spam(path: Path, number: int) -> Path:
    """Write an mbox file of mails that offer what nobody asked for."""
    mails = (
        f"From offers@example.org Mon Mar  2 12:00:{each % 60:02} 2026\n"
        f"From: Best Offers {each} <offers{each}@example.org>\nTo: you@example.org\n"
        f"Subject: Offer {each} ends tonight\nMessage-ID: <{each}@example.org>\n"
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\n"
        f"Dear winner {each}, {each * 7919 % 1000} watches are reserved for you. Answer today.\n"
        for each in range(number)
    )
    path.write_text("\n".join(mails))
    return path
