"""A mailbox of the tester: an SMTP server (RFC 5321) that accepts mail for every address.

It delivers nothing anywhere: each mail becomes a record, such as a ``ReceivedAlert``. It offers no
authentication, and TLS only with a certificate, so it belongs into a network that the tester
controls.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

from aiosmtpd.smtp import SMTP, Envelope, Session

from harness.errors import UsageError
from harness.model.received_alert import ReceivedAlert
from harness.untrusted.regular_file import read_bounded
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

Record = TypeVar("Record")
Record_co = TypeVar("Record_co", covariant=True)

Keep = Callable[[Record], bool]
"""Stores a record; False if that is not possible now, and its sender should try again later."""


class ReadMail(Protocol[Record_co]):
    """Makes the record of a mail from its bytes and its envelope; never raises for what it holds.

    ``at`` is when it arrived (aware), ``sender`` is empty for a bounce.
    """

    def __call__(
        self, content: bytes, /, *, at: datetime, sender: str, to: Iterable[str]
    ) -> Record_co:
        """Return the record."""


MOST_RECIPIENTS = 100
"""Recipients of one mail that are accepted (RFC 5321, section 4.5.3.1.8)."""
UNREAD, TOGETHER = 4, 16
"""A connection is cut when it brought so many times the bytes of a mail without its end, or when
all together did."""
MOST_CONNECTIONS = 200
"""Connections at once; others are asked to try again later."""
CERTIFICATE_BYTES = 1024 * 1024
PATIENCE = 60.0
"""Seconds that a connection may be idle, and that a mail may take."""
HOST_NAME = "mailbox.accredit.test"

ACCEPTED = "250 2.0.0 OK"
TOO_MANY = "452 4.5.3 Too many recipients"
NOT_NOW = "451 4.3.1 The mail cannot be stored now; try again later"
BUSY = b"421 4.3.2 Too many connections; try again later\r\n"
NOT_UNDERSTOOD = "451 4.3.0 The command was not understood"


def alert_of_mail(
    content: bytes, *, at: datetime, sender: str = "", to: Iterable[str] = ()
) -> ReceivedAlert:
    """Return what a mail says; ``sender`` and ``to`` are those of its envelope.

    Any bytes are accepted; see ``probes.receivers.alert_text`` for the settings.
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


def server_certificate(path: Path) -> ssl.SSLContext:
    """Read the certificate that a mailbox shows, with its key, from a PEM file.

    Raises UsageError if the file cannot be read or holds no such pair.
    """
    try:
        read_bounded(path, CERTIFICATE_BYTES)  # OpenSSL would wait for a pipe
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path, password="")  # else it would ask on the terminal
    except ssl.SSLError:
        msg = f"{path}: is no certificate with its key, unencrypted, in PEM; give both in one file"
        raise UsageError(msg) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        msg = f"{path}: the certificate cannot be read: {reason}"
        raise UsageError(msg) from None
    return context


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings:
    """The most bytes of a mail, the seconds that it may take, and a certificate if TLS is offered.

    A connection may be idle for as long as a mail may take.
    """

    most_bytes: int = MOST_BYTES
    patience: float = PATIENCE
    certificate: ssl.SSLContext | None = None


FOR_ALERTS = MailboxSettings()


class Mailbox(Generic[Record]):
    """Listens for mail at an address while its asynchronous context lasts.

    ``read`` makes the record of each mail, on a thread of its own, and ``keep`` gets it before its
    sender is told that it was accepted. With ``port`` 0 a free one is chosen; the attribute
    ``port`` then has it. ``clock`` gives the time of arrival, aware. Raises OSError if the address
    cannot be listened on.
    """

    def __init__(
        self,
        keep: Keep[Record],
        read: ReadMail[Record],
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        settings: MailboxSettings = FOR_ALERTS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.host = host
        self.port = port
        self._handler = _Handler(keep, read, clock)
        self._settings = settings
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
        return _Connection(self._handler, self._connections, self._settings)


class _Handler(Generic[Record]):
    """What is done with the commands of a sender; the names are those of ``aiosmtpd``."""

    def __init__(
        self, keep: Keep[Record], read: ReadMail[Record], clock: Callable[[], datetime]
    ) -> None:
        self._keep = keep
        self._read = read
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
        record = await asyncio.to_thread(
            self._read,
            envelope.original_content or b"",
            at=self._clock(),
            sender=(envelope.mail_from or "").replace("<>", ""),  # of a bounce
            to=tuple(envelope.rcpt_tos),
        )
        return ACCEPTED if self._keep(record) else NOT_NOW

    async def handle_exception(self, error: Exception) -> str:
        """Answer a command on which the library failed, instead of logging a traceback."""
        del error
        return NOT_UNDERSTOOD


class _Connection(SMTP):
    """The connection of one sender."""

    # Products write whole bodies on one line, longer than RFC 5321 (section 4.5.3.1.6) allows.
    line_length_limit = MOST_BYTES + 2

    def __init__(
        self, handler: _Handler[Record], connections: set[_Connection], settings: MailboxSettings
    ) -> None:
        self._most_bytes = settings.most_bytes
        super().__init__(
            handler,
            data_size_limit=settings.most_bytes,
            enable_SMTPUTF8=True,
            hostname=HOST_NAME,  # else the library asks a name server
            ident="ESMTP",
            tls_context=settings.certificate,
            timeout=settings.patience,
            loop=asyncio.get_running_loop(),
        )
        self._connections = connections
        self.unread = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the connection, so that it can be cut; called again when TLS begins."""
        if len(self._connections - {self}) >= MOST_CONNECTIONS:
            if isinstance(transport, asyncio.WriteTransport):
                transport.write(BUSY)
            transport.close()
            return
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the connection."""
        if self in self._connections:  # else it was refused, or the library tells it twice
            self._connections.discard(self)
            super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on, unless they never end: the library keeps the bytes of an endless line."""
        if self not in self._connections:
            return
        self.unread += len(data)
        together = sum(one.unread for one in self._connections)
        is_too_much = (
            self.unread > UNREAD * self._most_bytes or together > TOGETHER * self._most_bytes
        )
        if is_too_much and isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
            return
        super().data_received(data)

    def eof_received(self) -> bool | None:
        """End, unless the connection was refused before it began."""
        return super().eof_received() if self in self._connections else None

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the library calls it so
        """Read a mail."""
        self.unread = 0
        await super().smtp_DATA(arg)
        self.unread = 0

    def cut(self) -> asyncio.Task[None] | None:
        """Close the connection immediately; return the task that handles its commands."""
        with suppress(AttributeError):  # not connected yet
            self.transport.abort()  # type: ignore[union-attr]  # see above
        return self._handler_coroutine
