"""``accredit alerts receive``: keep the alerts that a service sends by mail or to a webhook.

``receive`` runs receivers until they are stopped; ``accredit mail receive`` uses it too.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NamedTuple, Protocol

import typer

from harness.cli.printing import say
from harness.errors import UsageError
from harness.model.received_alert import ReceivedAlert
from probes.net.route import HIGHEST_PORT, Address, is_literal, parse_address
from probes.receivers.spool import ALERTS, Record, Spool

NOTE_EVERY = 60.0
"""Seconds between two notes that the receiver works."""
MOST_GAP = timedelta(seconds=5 * NOTE_EVERY)
"""The longest time without a line of the receiver in which it is taken to have worked."""
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
    require_signals("alerts receive")
    if not (mail or web):
        msg = "nothing to receive alerts at; give --mail HOST:PORT, --web HOST:PORT, or both"
        raise UsageError(msg)
    mail_at = listening_address(mail, "--mail") if mail else None
    web_at = listening_address(web, "--web") if web else None
    counts: Counter[str] = Counter()
    with Spool(spool, ALERTS, report) as opened:

        def keep(alert: ReceivedAlert) -> bool:
            is_kept = opened.append(alert)
            counts[alert.channel] += is_kept
            return is_kept

        listening = []
        if mail_at is not None:
            from probes.receivers.mailbox import Mailbox, alert_of_mail  # noqa: PLC0415 - an extra

            mailbox = Mailbox(keep, alert_of_mail, mail_at.host, mail_at.port)
            listening.append(Listening(mailbox, "--mail", "receiving mail at {}"))
        if web_at is not None:
            from probes.receivers.webhook import Webhook  # noqa: PLC0415 - another extra

            webhook = Webhook(keep, web_at.host, web_at.port)
            listening.append(Listening(webhook, "--web", "receiving requests at http://{}/"))
        asyncio.run(receive(opened, listening, seconds, report))
    report(f"stopped; received {counts['mail']} by mail, {counts['web']} by the webhook")


def require_signals(command: str) -> None:
    """Raise UsageError where signals cannot end a receiver in order."""
    if not hasattr(signal, "SIGHUP"):
        msg = f"{command} needs a POSIX system, such as Linux"
        raise UsageError(msg)


def listening_address(text: str, option: str) -> Address:
    """Parse the HOST:PORT of an option; the port may be 0. Raises UsageError."""
    host, _, port = text.rpartition(":")
    is_chosen = port == "0"
    address = parse_address(f"{host}:{HIGHEST_PORT}" if is_chosen else text, option)
    if not is_literal(address.host):
        msg = f"{option}: {address.host!r} is no IP address; give one of this machine: 127.0.0.1"
        raise UsageError(msg)
    return Address(host=address.host, port=0) if is_chosen else address


Span = tuple[datetime, datetime]
"""A time in which a receiver worked: its first and last note or record."""


def extend_spans(spans: list[Span], at: datetime) -> None:
    """Add a time at which a receiver worked to its spans, which are in order.

    After ``MOST_GAP`` without a line of it, it is not taken to have worked meanwhile.
    """
    if spans and at - spans[-1][1] <= MOST_GAP:
        spans[-1] = spans[-1][0], max(spans[-1][1], at)
    else:
        spans.append((at, at))


class Server(Protocol):
    """A receiver: it listens while its asynchronous context lasts; entering it sets ``port``."""

    host: str
    port: int

    async def __aenter__(self) -> object:
        """Begin to listen. Raises OSError."""

    async def __aexit__(self, *exc: object) -> None:
        """End."""


class Listening(NamedTuple):
    """A receiver, the option that names its address, and what is reported when it listens."""

    server: Server
    option: str
    sentence: str


async def receive(
    spool: Spool[Record],
    listening: Iterable[Listening],
    seconds: float | None,
    report: Callable[[str], None],
) -> None:
    """Run receivers until SIGTERM, Ctrl-C or the end of the time; the spool notes that they work.

    Raises UsageError if an address cannot be listened on.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        for one in listening:
            report(one.sentence.format(await _start(stack, one)))
        report(f"{spool.kind.several} go to {spool.path}; stop with SIGTERM or Ctrl-C")
        if seconds is not None:
            loop.call_later(seconds, stop.set)
        await _noting(spool, stop)


async def _noting(spool: Spool[Record], stop: asyncio.Event) -> None:
    """Note at once, every ``NOTE_EVERY`` seconds and at the end that the receiver works."""
    while True:
        spool.append(spool.kind.note_at(datetime.now(UTC)))
        if stop.is_set():
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), NOTE_EVERY)


async def _start(stack: AsyncExitStack, one: Listening) -> Address:
    """Start a receiver, and return its address. Raises UsageError if that cannot be had."""
    try:
        await stack.enter_async_context(one.server)
    except OSError as error:
        at = Address(host=one.server.host, port=one.server.port)
        reason = os.strerror(error.errno) if error.errno else str(error)
        msg = f"{one.option} {at}: cannot be listened on: {reason}; give another address"
        raise UsageError(msg) from None
    return Address(host=one.server.host, port=one.server.port)


def report(sentence: str) -> None:
    """Print what the operator must know, at once."""
    say(f"accredit alerts: {sentence}", to_stderr=True)
