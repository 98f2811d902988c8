"""A mailbox for alerts: an SMTP server (RFC 5321) that accepts mail for every address.

It delivers nothing anywhere: each mail becomes a ``ReceivedAlert``. It offers neither TLS nor
authentication, so it belongs into a network that the tester controls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from harness.model.received_alert import ReceivedAlert
from probes.receivers.alert_text import (
    LONGEST_ADDRESS,
    MOST_BYTES,
    clean,
    decoded_header,
    parts_of,
    priority_of_mail,
    read_message,
    text_of,
)

Keep = Callable[[ReceivedAlert], bool]
"""Stores an alert; False if that is not possible now, and its sender should try again later."""

MOST_RECIPIENTS = 100
"""Recipients of one mail that are accepted (RFC 5321, section 4.5.3.1.8)."""
MOST_UNREAD = 4 * MOST_BYTES
"""Bytes without the start of a new mail after which a connection is cut."""
PATIENCE = 60.0
"""Seconds that a connection may be idle, and that a mail may take."""
HOST_NAME = "mailbox.accredit.test"

ACCEPTED = "250 2.0.0 OK"
TOO_MANY = "452 4.5.3 Too many recipients"
NOT_NOW = "451 4.3.1 The mail cannot be stored now; try again later"
NOT_UNDERSTOOD = "451 4.3.0 The command was not understood"


def alert_of_mail(
    content: bytes, *, at: datetime, sender: str = "", to: Iterable[str] = ()
) -> ReceivedAlert:
    """Return what a mail says; ``sender`` and ``to`` are those of its envelope.

    Any bytes are accepted; see ``probes.receivers.alert_text`` for the limits.
    """
    headers, body = read_message(content)
    return ReceivedAlert(
        at=at,
        channel="mail",
        to=tuple(clean(address, LONGEST_ADDRESS) for address in to),
        sender=clean(sender, LONGEST_ADDRESS),
        subject=decoded_header(headers.get("subject", "")),
        text=text_of(parts_of(headers, body)),
        priority=priority_of_mail(headers),
    )


class Mailbox:
    """Listens for mail at an address while its asynchronous context lasts.

    ``keep`` gets each mail before its sender is told that it was accepted. With ``port`` 0 a free
    one is chosen; the attribute ``port`` then has it. ``clock`` gives the time of arrival, aware.
    Raises OSError if the address cannot be listened on.
    """

    def __init__(
        self,
        keep: Keep,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.host = host
        self.port = port
        self._handler = _Handler(keep, clock)
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        handlers = [connection.cut() for connection in tuple(self._connections)]
        await asyncio.gather(*filter(None, handlers), return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self) -> _Connection:
        return _Connection(self._handler, self._connections)


class _Handler:
    """What is done with the commands of a sender; the names are those of ``aiosmtpd``."""

    def __init__(self, keep: Keep, clock: Callable[[], datetime]) -> None:
        self._keep = keep
        self._clock = clock

    async def handle_RCPT(  # noqa: N802 - the library calls it so
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept every recipient, up to a number."""
        del server, session, options
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return TOO_MANY
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_DATA(  # noqa: N802 - the library calls it so
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Store the mail, then acknowledge it."""
        del server, session
        alert = alert_of_mail(
            envelope.original_content or b"",
            at=self._clock(),
            sender=(envelope.mail_from or "").replace("<>", ""),  # of a bounce
            to=envelope.rcpt_tos,
        )
        return ACCEPTED if self._keep(alert) else NOT_NOW

    async def handle_exception(self, error: Exception) -> str:
        """Answer a command on which the library failed, instead of logging a traceback."""
        del error
        return NOT_UNDERSTOOD


class _Connection(SMTP):
    """The connection of one sender."""

    # Products write whole bodies on one line, longer than RFC 5321 (section 4.5.3.1.6) allows.
    line_length_limit = MOST_BYTES + 2

    def __init__(self, handler: _Handler, connections: set[_Connection]) -> None:
        super().__init__(
            handler,
            data_size_limit=MOST_BYTES,
            enable_SMTPUTF8=True,
            hostname=HOST_NAME,  # else the library asks a name server
            ident="ESMTP",
            timeout=PATIENCE,
            loop=asyncio.get_running_loop(),
        )
        self._connections = connections
        self._unread = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the connection, so that it can be cut."""
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the connection."""
        self._connections.discard(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on, unless they never end: the library keeps the bytes of an endless line."""
        self._unread += len(data)
        if self._unread > MOST_UNREAD and isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
            return
        super().data_received(data)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the library calls it so
        """Read a mail."""
        self._unread = 0
        await super().smtp_DATA(arg)

    def cut(self) -> asyncio.Task[None] | None:
        """Close the connection immediately; return the task that handles its commands."""
        with suppress(AttributeError):  # not connected yet
            self.transport.abort()  # type: ignore[union-attr]  # see above
        return self._handler_coroutine
