"""A mailbox for tests that keeps what it receives in memory."""

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
from test_suites.kit.networks.served_in_thread import served_in_thread


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
