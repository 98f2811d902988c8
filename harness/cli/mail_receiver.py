"""``accredit mail receive``: a mailbox of the tester for the mails that a service delivers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.alert_receivers import (
    LONGEST_RUN,
    Listening,
    listening_address,
    receive,
    require_signals,
)
from harness.cli.printing import say
from harness.model.received_mail import ReceivedMail
from probes.mail.raw_mail import MOST_BYTES, read_mail
from probes.receivers.mailbox import Mailbox, MailboxSettings, server_certificate
from probes.receivers.spool import MAILS, Spool

PATIENCE = 600.0
"""Seconds that a mail may take (RFC 5321 section 4.5.3.2.5)."""


def receive_command(
    spool: Annotated[
        Path, typer.Argument(help="The file for the mails: one JSON object a line, appended.")
    ],
    mail: Annotated[
        str, typer.Option(help="HOST:PORT to receive mail at (SMTP); port 0: a free one.")
    ],
    certificate: Annotated[
        Path | None,
        typer.Option(help="A PEM file with a certificate and its key: TLS is offered (STARTTLS)."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, max=LONGEST_RUN, help="End after so many seconds.")
    ] = None,
) -> None:
    """Receive mails for every address, and keep what identifies them, until SIGTERM or Ctrl-C."""
    require_signals("mail receive")
    at = listening_address(mail, "--mail")
    settings = MailboxSettings(
        most_bytes=MOST_BYTES,
        patience=PATIENCE,
        certificate=None if certificate is None else server_certificate(certificate),
    )
    received = 0
    with Spool(spool, MAILS, report) as opened:

        def keep(mail: ReceivedMail) -> bool:
            nonlocal received
            is_kept = opened.append(mail)
            received += is_kept
            return is_kept

        mailbox = Mailbox(keep, read_mail, at.host, at.port, settings=settings)
        listening = [Listening(mailbox, "--mail", "receiving mail at {}")]
        asyncio.run(receive(opened, listening, seconds, report))
    report(f"stopped; received {received}")


def report(sentence: str) -> None:
    """Print what the operator must know, at once."""
    say(f"accredit mail: {sentence}", to_stderr=True)
