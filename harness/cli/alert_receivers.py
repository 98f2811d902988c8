"""``accredit alerts receive``: keep the alerts that a service sends by mail or to a webhook."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.printing import say
from harness.errors import UsageError
from harness.model.received_alert import ReceivedAlert, note_at
from probes.net.route import HIGHEST_PORT, Address, is_literal, parse_address
from probes.receivers.mailbox import Mailbox
from probes.receivers.spool import Spool
from probes.receivers.webhook import Webhook

NOTE_EVERY = 60.0
"""Seconds between two notes that the receiver works."""
LONGEST_RUN = 400 * 24 * 3600.0
"""The most seconds of ``--seconds``: 400 days."""


def receive_command(
    spool: Annotated[
        Path, typer.Argument(help="The file for the alerts: one JSON object a line, appended.")
    ],
    mail: Annotated[
        str, typer.Option(help="HOST:PORT to receive mail at (SMTP); port 0: a free one.")
    ] = "",
    web: Annotated[
        str, typer.Option(help="HOST:PORT to receive requests at (HTTP); port 0: a free one.")
    ] = "",
    seconds: Annotated[
        float | None, typer.Option(min=0.1, max=LONGEST_RUN, help="End after so many seconds.")
    ] = None,
) -> None:
    """Receive alerts as mail and as requests to a webhook, until SIGTERM or Ctrl-C."""
    if not hasattr(signal, "SIGHUP"):
        msg = "alerts receive needs a POSIX system, such as Linux"
        raise UsageError(msg)
    if not (mail or web):
        msg = "nothing to receive alerts at; give --mail HOST:PORT, --web HOST:PORT, or both"
        raise UsageError(msg)
    mail_at = listening_address(mail, "--mail") if mail else None
    web_at = listening_address(web, "--web") if web else None
    with Spool(spool, report) as opened:
        asyncio.run(_receive(opened, mail_at, web_at, seconds))


def listening_address(text: str, option: str) -> Address:
    """Parse the HOST:PORT of an option; the port may be 0. Raises UsageError."""
    host, _, port = text.rpartition(":")
    is_chosen = port == "0"
    address = parse_address(f"{host}:{HIGHEST_PORT}" if is_chosen else text, option)
    if not is_literal(address.host):
        msg = f"{option}: {address.host!r} is no IP address; give one of this machine: 127.0.0.1"
        raise UsageError(msg)
    return Address(host=address.host, port=0) if is_chosen else address


async def _receive(
    spool: Spool, mail: Address | None, web: Address | None, seconds: float | None
) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    counts: Counter[str] = Counter()

    def keep(alert: ReceivedAlert) -> bool:
        is_kept = spool.append(alert)
        counts[alert.channel] += is_kept
        return is_kept

    async with AsyncExitStack() as stack:
        if mail is not None:
            at = await _start(stack, Mailbox(keep, mail.host, mail.port), "--mail")
            report(f"receiving mail at {at}")
        if web is not None:
            at = await _start(stack, Webhook(keep, web.host, web.port), "--web")
            report(f"receiving requests at http://{at}/")
        report(f"alerts go to {spool.path}; stop with SIGTERM or Ctrl-C")
        if seconds is not None:
            loop.call_later(seconds, stop.set)
        await _noting(spool, stop)
    report(f"stopped; received {counts['mail']} by mail, {counts['web']} by the webhook")


async def _noting(spool: Spool, stop: asyncio.Event) -> None:
    """Note at once, every ``NOTE_EVERY`` seconds and at the end that the receiver works."""
    while True:
        spool.append(note_at(datetime.now(UTC)))
        if stop.is_set():
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), NOTE_EVERY)


async def _start(stack: AsyncExitStack, server: Mailbox | Webhook, option: str) -> Address:
    """Start a receiver, and return its address. Raises UsageError if that cannot be had."""
    try:
        await stack.enter_async_context(server)
    except OSError as error:
        at = Address(host=server.host, port=server.port)
        reason = os.strerror(error.errno) if error.errno else str(error)
        msg = f"{option} {at}: cannot be listened on: {reason}; give another address"
        raise UsageError(msg) from None
    return Address(host=server.host, port=server.port)


def report(sentence: str) -> None:
    """Print what the operator must know, at once."""
    say(f"accredit alerts: {sentence}", to_stderr=True)
