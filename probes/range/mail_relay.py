"""A mail relay of the reference filter: it takes mail, decides on it, and passes it on.

It has one address for mail from outside and one for mail of the school's accounts, both with TLS
(RFC 3207). Whatever it lets through goes to one next server: the mailbox of a rehearsal.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from email import message_from_bytes
from typing import Self

import aiosmtplib
from aiosmtpd.smtp import SMTP, Envelope, Session

from probes.net.file_contents import holds_test_string
from probes.net.route import Address
from probes.range.authority import Authority
from probes.range.mail_policy import Mail, MailFault, MailPolicy

HOST_NAME = "relay.filter.accredit.test"
MOST_BYTES = 64 * 1024 * 1024
PATIENCE = 30.0
"""Seconds for the next server to take a mail."""
ACCEPTED, NOT_NOW = "250 2.0.0 OK", "451 4.3.0 try again later"
SPAM_MARK = b"X-Spam-Flag: YES\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """Where a relay listens, where it passes mail on to, and its policy. Ports may be 0."""

    policy: MailPolicy
    next_hop: Address
    incoming: Address
    outgoing: Address

    def asking(self, resolver: Address) -> RelaySettings:
        """Return the settings of a relay that asks this name server."""
        return replace(self, policy=replace(self.policy, resolver=resolver))


class MailRelay:
    """Takes mail while its asynchronous context lasts; ``incoming``, ``outgoing``: where.

    ``policy`` may be replaced at any time. Raises OSError if an address cannot be listened on.
    """

    def __init__(self, settings: RelaySettings, authority: Authority) -> None:
        self.policy = settings.policy
        self.incoming, self.outgoing = settings.incoming, settings.outgoing
        self._next_hop = settings.next_hop
        self._authority = authority
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.incoming = await self._listen(stack, self.incoming, is_outgoing=False)
            self.outgoing = await self._listen(stack, self.outgoing, is_outgoing=True)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def take(self, mail: Mail) -> str:
        """Decide on a mail, pass it on if it may pass, and return the answer to its sender."""
        decision = await self.policy.decide(mail)
        if decision.action == "refuse":
            return f"550 {decision.why}"
        if decision.action == "drop":
            return ACCEPTED
        content = mail.content
        if decision.action == "mark":
            content = SPAM_MARK + content
        elif decision.action == "strip":
            content = _without_attachments(content)
            if holds_test_string(content):
                return f"550 {decision.why}"
        try:
            await aiosmtplib.send(
                content,
                sender=mail.sender,
                recipients=[mail.recipient],
                hostname=self._next_hop.host,
                port=self._next_hop.port,
                local_hostname=HOST_NAME,
                start_tls=False,
                timeout=PATIENCE,
            )
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            return NOT_NOW
        return ACCEPTED

    async def _listen(self, stack: AsyncExitStack, at: Address, *, is_outgoing: bool) -> Address:
        loop = asyncio.get_running_loop()
        handler = _Handler(self, is_outgoing=is_outgoing)

        def connection() -> SMTP:
            offers_tls = MailFault.NO_TLS not in self.policy.faults
            return SMTP(
                handler,
                data_size_limit=MOST_BYTES,
                hostname=HOST_NAME,
                tls_context=self._authority.context(HOST_NAME) if offers_tls else None,
                enable_SMTPUTF8=True,
                loop=loop,
            )

        server = await loop.create_server(connection, at.host, at.port)
        stack.push_async_callback(server.wait_closed)
        stack.callback(server.close)
        host, port = server.sockets[0].getsockname()[:2]
        return Address(host=host, port=port)


class _Handler:
    """Gives each mail to the relay; the names of its methods are those of ``aiosmtpd``."""

    def __init__(self, relay: MailRelay, *, is_outgoing: bool) -> None:
        self._relay = relay
        self._is_outgoing = is_outgoing

    async def handle_DATA(  # noqa: N802 - the library calls it so
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Decide on a mail."""
        del server
        mail = Mail(
            content=bytes(envelope.original_content or b""),
            sender=envelope.mail_from or "",
            recipient=envelope.rcpt_tos[0],
            client=session.peer[0] if session.peer else "",
            is_outgoing=self._is_outgoing,
        )
        return await self._relay.take(mail)

    async def handle_exception(self, error: Exception) -> str:
        """Answer a command on which the library failed, instead of logging a traceback."""
        del error
        return NOT_NOW


def _without_attachments(content: bytes) -> bytes:
    """Return a mail whose attachments are replaced by a sentence."""
    message = message_from_bytes(content)
    for part in message.walk():
        is_file = part.get_filename() or part.get_content_maintype() != "text"
        if not part.is_multipart() and is_file:
            for name in ("Content-Type", "Content-Transfer-Encoding", "Content-Disposition"):
                del part[name]
            part["Content-Type"] = "text/plain"
            part.set_payload("An attachment was removed.")
    return message.as_bytes()
