"""What a mail server answers is recorded at each stage, whatever it answers."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from harness.model.mail_facts import MailStage
from probes.mail import smtp_client
from probes.mail.smtp_client import LONGEST_REPLY, Delivered, Letter, MailServer, deliver
from probes.net.route import Address, client_tls_context
from probes.range.authority import Authority

CONTENT = b"From: a@tester.test\r\nTo: b@school.test\r\n\r\n.a line with a dot\r\n"
LETTER = Letter(
    sender="a@tester.test", recipient="b@school.test", content=CONTENT, message_id="1@tester.test"
)
AUTHORITY = Authority("Mail Test CA")
HERE = "127.0.0.1"


class Sink:
    """Keeps the mails that it takes; ``answers`` are refusals by the name of a method."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.taken: list[Envelope] = []
        self.secure: list[bool] = []

    async def handle_MAIL(  # noqa: N802 - the library calls it so
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802 - the library calls it so
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(  # noqa: N802 - the library calls it so
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.taken.append(envelope)
        self.secure.append(session.ssl is not None)
        return self.answers.get("DATA", "250 OK")


def only_right(
    server: SMTP, session: Session, envelope: Envelope, way: str, data: object
) -> AuthResult:
    del server, session, envelope, way
    is_right = isinstance(data, LoginPassword) and data.password == b"right"
    return AuthResult(success=is_right, handled=False)


def with_sink(sink: Sink, trust: ssl.SSLContext | None = None, **options: Any) -> Delivered:
    """Deliver ``LETTER`` to a server with the given options of the library."""
    user = "pupil" if "authenticator" in options else ""
    password = str(options.pop("password", ""))

    async def run() -> Delivered:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(sink, hostname="relay", loop=loop, **options),
            HERE,
            0,
        )
        async with server:
            return await deliver(at(server, trust, user, password), LETTER, "client.tester.test")

    return asyncio.run(run())


def at(
    server: asyncio.Server, trust: ssl.SSLContext | None = None, user: str = "", password: str = ""
) -> MailServer:
    port = server.sockets[0].getsockname()[1]
    return MailServer(
        at=Address(host=HERE, port=port),
        trust=trust or client_tls_context(),
        patience=20.0,
        user=user,
        password=password,
    )


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def with_script(script: Script, patience: float = 20.0) -> Delivered:
    async def run() -> Delivered:
        server = await asyncio.start_server(script, HERE, 0)
        async with server:
            found = at(server)
            found = MailServer(at=found.at, trust=found.trust, patience=patience)
            return await deliver(found, LETTER, "client.tester.test")

    return asyncio.run(run())


def test_a_mail_is_delivered_byte_for_byte_with_its_envelope() -> None:
    sink = Sink()
    seen = with_sink(sink)
    (taken,) = sink.taken
    assert ("a@tester.test", ["b@school.test"]) == (taken.mail_from, taken.rcpt_tos)
    assert taken.original_content == CONTENT
    facts = seen.facts
    assert ("content", 250, None) == (facts.stage, facts.code, seen.failure)
    assert ("a@tester.test", "b@school.test") == (facts.sender, facts.recipient)
    assert (len(CONTENT), False, None) == (facts.size, facts.encrypted, facts.trusted)
    assert "size" in facts.offers
    assert facts.seconds > 0


@pytest.mark.parametrize(
    ("command", "stage"), [("MAIL", "sender"), ("RCPT", "recipient"), ("DATA", "content")]
)
def test_a_refusal_is_recorded_with_its_stage_and_text(command: str, stage: MailStage) -> None:
    seen = with_sink(Sink(**{command: "550 5.7.1 not here"}))
    facts = seen.facts
    assert (stage, 550, "5.7.1 not here", None) == (
        facts.stage, facts.code, facts.reply, seen.failure,
    )  # fmt: skip


def test_tls_is_used_where_it_is_offered_and_a_right_certificate_is_noted(tmp_path: object) -> None:
    context = AUTHORITY.context("relay.test")
    trust = ssl.create_default_context(cadata=AUTHORITY.pem.decode())
    trust.check_hostname = False  # the server has no name here
    for trusted in (trust, None):
        sink = Sink()
        seen = with_sink(sink, trusted, tls_context=context)
        assert (250, True, trusted is not None) == (
            seen.facts.code, seen.facts.encrypted, seen.facts.trusted,
        )  # fmt: skip
        assert [True] == sink.secure


def test_a_password_is_sent_and_a_wrong_one_recorded_without_it() -> None:
    for password, code, stage in (("right", 250, "content"), ("wrong", 535, "login")):
        seen = with_sink(
            Sink(), authenticator=only_right, auth_require_tls=False, password=password
        )
        assert (code, stage) == (seen.facts.code, seen.facts.stage)
        assert "wrong" not in seen.facts.reply


def test_no_password_is_sent_without_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_client, "is_loopback", lambda host: False)
    sink = Sink()
    seen = with_sink(sink, authenticator=only_right, auth_require_tls=False, password="right")
    assert seen.failure is not None
    assert "the password was not sent" in seen.failure.detail
    assert not sink.taken


def test_a_server_that_cannot_be_reached_is_a_failure() -> None:
    async def run() -> Delivered:
        server = await asyncio.start_server(lambda *_: None, HERE, 0)
        found = at(server)
        server.close()
        await server.wait_closed()
        return await deliver(found, LETTER, "client.tester.test")

    seen = asyncio.run(run())
    assert seen.failure is not None
    assert ("connect", None) == (seen.facts.stage, seen.facts.code)
    assert ("connection_refused", "connect") == (seen.failure.name, seen.failure.stage)


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    writer.close()


async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    writer.write(b"554 no mail here\r\n")
    await writer.drain()
    writer.close()


async def talking_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    writer.write(b"\xff\x00 hello\r\nHTTP/1.1 200 OK\r\n\r\n")
    await writer.drain()
    writer.close()


async def with_a_long_reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 relay\r\n")
    while await reader.readline():
        writer.write(b"550 \x1b[31m" + b"x" * 4000 + b"\r\n")
        await writer.drain()
    writer.close()


def test_a_server_that_hangs_up_says_nothing() -> None:
    seen = with_script(closing)
    assert seen.failure is not None
    assert seen.facts.code is None


def test_a_greeting_may_be_a_refusal() -> None:
    seen = with_script(refusing)
    assert (554, "no mail here") == (seen.facts.code, seen.facts.reply)
    assert seen.facts.stage in ("connect", "greeting")


def test_nonsense_is_a_failure_or_no_answer() -> None:
    seen = with_script(talking_nonsense)
    assert seen.facts.stage in ("connect", "greeting", "hello")
    assert seen.failure is not None or seen.facts.code is not None


def test_a_long_reply_with_control_characters_is_shortened_and_made_visible() -> None:
    seen = with_script(with_a_long_reply)
    assert len(seen.facts.reply) <= LONGEST_REPLY
    assert "\x1b" not in seen.facts.reply


async def that_never_ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    with contextlib.suppress(OSError):
        while True:
            writer.write(b"220-still more\r\n" * 1000)
            await writer.drain()


def test_an_answer_that_never_ends_is_none() -> None:
    seen = with_script(that_never_ends)
    assert not seen.facts.is_taken
    assert seen.facts.seconds < 20
    assert len(seen.facts.reply) <= LONGEST_REPLY


def test_a_server_that_never_answers_costs_no_more_than_the_patience() -> None:
    released = asyncio.Event

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    del released
    seen = with_script(silent, patience=0.2)
    assert seen.failure is not None
    assert "generic_timeout_error" == seen.failure.name
