"""Give a mail to a server, and record what it answered (RFC 5321).

Each mail is sent on a connection of its own, so that an answer is about that mail alone. TLS is
used where the server offers it (RFC 3207), whatever its certificate; whether the certificate is
right is recorded.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

import aiosmtplib
import msgspec
from aiosmtplib import SMTPException, SMTPResponse, SMTPResponseException, SMTPTimeoutError

from harness.model.mail_facts import MailFacts, MailStage
from harness.model.observation import Failure, Stage
from harness.untrusted.visible_text import visible
from probes.net.exchange_recorder import failure_of
from probes.net.route import Address, is_literal, is_loopback, unverified_tls_context

LONGEST_REPLY = 500
"""The most characters of an answer that are kept."""
MOST_OFFERS = 40
NOT_SECURE = "it asks for a password and offers no TLS; the password was not sent"

_STAGES: dict[MailStage, Stage] = {"connect": "connect", "tls": "tls"}
"""Stages of a failure by those of a delivery; all others are *response*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A server that takes mail, and how to sign in there (without a ``user``: not at all).

    ``trust`` verifies its certificate; without it, any certificate will do.
    """

    at: Address
    user: str = ""
    password: str = field(default="", repr=False)
    trust: ssl.SSLContext | None = None
    patience: float = 60.0

    @property
    def name(self) -> str:
        """The address in words: HOST:PORT."""
        return str(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail with its envelope (RFC 5321 section 2.3.1): sender, recipient, content as bytes."""

    sender: str
    recipient: str
    content: bytes = field(repr=False)
    message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What came of giving a mail to a server; ``failure`` if the server gave no whole answer."""

    facts: MailFacts
    failure: Failure | None = None


async def deliver(server: MailServer, letter: Letter, hello: str) -> Delivered:
    """Give one mail to a server. ``hello`` is the name with which the client introduces itself.

    Never raises for what the server or the network does. Where a certificate is not right, the mail
    is sent over TLS nevertheless, as most mail servers do (RFC 7435).
    """
    first = await _Attempt(server, letter, hello, server.trust or unverified_tls_context(())).run()
    if not isinstance(first, ssl.SSLError):
        return first
    second = await _Attempt(server, letter, hello, unverified_tls_context(())).run()
    if isinstance(second, ssl.SSLError):
        facts = MailFacts(server=server.name, stage="tls", trusted=False)
        return Delivered(facts=facts, failure=failure_of(second, "tls"))
    return second


class _Attempt:
    """One connection to a server, and what it answered so far."""

    def __init__(
        self, server: MailServer, letter: Letter, hello: str, trust: ssl.SSLContext
    ) -> None:
        self._server = server
        self._letter = letter
        self._hello = hello
        self._trust = trust
        self._began = perf_counter()
        self._facts = MailFacts(
            server=server.name,
            stage="connect",
            sender=letter.sender,
            recipient=letter.recipient,
            message_id=letter.message_id,
            size=len(letter.content),
            sha256=hashlib.sha256(letter.content).hexdigest(),
        )

    async def run(self) -> Delivered | ssl.SSLError:
        """Deliver the mail; an SSLError is returned for a TLS handshake that failed."""
        failure: Failure | None = None
        try:
            async with asyncio.timeout(self._server.patience), self._connected() as client:
                await self._converse(client)
        except SMTPResponseException as refusal:
            self._answered(SMTPResponse(refusal.code, refusal.message))
        except ssl.SSLError as error:
            return error
        except (SMTPException, OSError, TimeoutError, ValueError) as error:
            cause = error.__cause__ if isinstance(error, SMTPException) else None
            if self._facts.stage == "tls" and isinstance(cause, ssl.SSLError):
                return cause
            failure = failure_of(
                _network_error(error, cause), _STAGES.get(self._facts.stage, "response")
            )
        self._note(seconds=perf_counter() - self._began)
        return Delivered(facts=self._facts, failure=failure)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        at = self._server.at
        client = aiosmtplib.SMTP(
            hostname=at.host,
            port=at.port,
            local_hostname=self._hello,
            timeout=self._server.patience,
            start_tls=False,
        )
        transport = None
        try:
            self._answered(await client.connect(), "greeting")
            try:
                yield client
            finally:
                transport = client.transport
            with suppress(SMTPException, OSError, TimeoutError):
                await client.quit(timeout=min(5.0, self._server.patience))
        finally:
            client.close()
            if transport is not None:
                # else TLS still says goodbye when the event loop is closed
                cast("asyncio.Transport", transport).abort()
                await asyncio.sleep(0)

    async def _converse(self, client: aiosmtplib.SMTP) -> None:
        """Say everything up to the content. Raises SMTPResponseException for a refusal."""
        letter, secure = self._letter, False
        await self._say("hello", client.ehlo())
        self._note(offers=tuple(sorted(client.esmtp_extensions))[:MOST_OFFERS])
        if client.supports_extension("starttls"):
            at = self._server.at
            self._facts = msgspec.structs.replace(self._facts, stage="tls")
            await self._say(
                "tls", client.starttls(tls_context=self._trust, server_hostname=at.host)
            )
            trusted = self._trust.verify_mode is not ssl.CERT_NONE
            secure = True
            self._note(encrypted=True, trusted=trusted)
            await self._say("hello", client.ehlo())
        if self._server.user:
            host = self._server.at.host
            if not (secure or (is_literal(host) and is_loopback(host))):
                raise ValueError(NOT_SECURE)
            user, password = self._server.user, self._server.password
            is_plain = "plain" in client.server_auth_methods
            sign_in = client.auth_plain if is_plain else client.login
            await self._say("login", sign_in(user, password))
        await self._say("sender", client.mail(letter.sender))
        await self._say("recipient", client.rcpt(letter.recipient))
        self._facts = msgspec.structs.replace(self._facts, stage="content")
        self._answered(await client.data(letter.content))

    async def _say(self, stage: MailStage, command: Awaitable[SMTPResponse]) -> None:
        self._facts = msgspec.structs.replace(self._facts, stage=stage)
        self._answered(await command)

    def _answered(self, response: SMTPResponse, stage: MailStage | None = None) -> None:
        text = visible(response.message)[:LONGEST_REPLY]
        self._note(code=response.code, reply=text, stage=stage or self._facts.stage)

    def _note(self, **noted: object) -> None:
        self._facts = msgspec.structs.replace(self._facts, **noted)


def _network_error(error: BaseException, cause: BaseException | None) -> BaseException:
    """The error of the network behind an error of the library."""
    if isinstance(cause, OSError):
        return cause
    if isinstance(error, SMTPTimeoutError):
        return TimeoutError()
    if isinstance(error, SMTPException):  # among them SMTPServerDisconnected
        return ConnectionError(str(error))
    return error
