"""A mailbox with a certificate offers TLS (STARTTLS), and requires it of nobody."""

from __future__ import annotations

import asyncio
import contextlib
import os
import smtplib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from harness.errors import UsageError
from harness.model.received_alert import ReceivedAlert
from probes.range.authority import Authority
from probes.receivers.mailbox import Mailbox, MailboxSettings, alert_of_mail, server_certificate


def client(mailbox: Mailbox[ReceivedAlert]) -> smtplib.SMTP:
    return smtplib.SMTP(mailbox.host, mailbox.port, local_hostname="a.test", timeout=60)


def send(smtp: smtplib.SMTP, text: str) -> None:
    smtp.sendmail("s@a.test", ["one@b.test"], f"Subject: x\r\n\r\n{text}")


@pytest.fixture
def kept() -> list[ReceivedAlert]:
    return []


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def pem(authority: Authority, tmp_path: Path) -> Path:
    path = tmp_path / "mail.pem"
    path.write_bytes(authority.pem_with_key(authority.leaf("mail.accredit.test")))
    return path


@pytest.fixture
async def secure(kept: list[ReceivedAlert], pem: Path) -> AsyncIterator[Mailbox[ReceivedAlert]]:
    settings = MailboxSettings(certificate=server_certificate(pem))

    def keep(alert: ReceivedAlert) -> bool:
        kept.append(alert)
        return True

    async with Mailbox(keep, alert_of_mail, settings=settings) as mailbox:
        yield mailbox


async def test_tls_is_offered_with_a_certificate_and_not_required(
    secure: Mailbox[ReceivedAlert], kept: list[ReceivedAlert], authority: Authority
) -> None:
    trust = ssl.create_default_context(cadata=authority.pem.decode())
    trust.check_hostname = False  # it is reached by its address

    def deliver() -> None:
        with client(secure) as smtp:
            smtp.starttls(context=trust)
            send(smtp, "over TLS")
            assert not smtp.has_extn("starttls")
        with client(secure) as smtp:
            send(smtp, "plain")

    await asyncio.to_thread(deliver)
    assert ["over TLS", "plain"] == [alert.text for alert in kept]


async def test_tls_is_not_offered_without_a_certificate() -> None:
    def ask(mailbox: Mailbox[ReceivedAlert]) -> None:
        with client(mailbox) as smtp:
            smtp.ehlo()
            assert not smtp.has_extn("starttls")
            assert 454 == smtp.docmd("STARTTLS")[0]

    async with Mailbox(lambda _: True, alert_of_mail) as mailbox:
        await asyncio.to_thread(ask, mailbox)


async def test_a_handshake_that_fails_ends_its_connection_and_is_logged_nowhere(
    secure: Mailbox[ReceivedAlert], kept: list[ReceivedAlert], capfd: pytest.CaptureFixture[str]
) -> None:
    for answer in (b"MAIL FROM:<a@b>\r\n" * 20, b"\x16\x03\x01\xff\xff" * 40, b"\x00"):
        reader, writer = await asyncio.open_connection(secure.host, secure.port)
        writer.write(b"EHLO a\r\nSTARTTLS\r\n")
        await reader.readuntil(b"220 Ready to start TLS\r\n")
        writer.write(answer)
        writer.write_eof()
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(60):
                await reader.read()
        writer.close()
    await asyncio.to_thread(lambda: client(secure).quit())

    assert [] == kept
    assert ("", "") == tuple(capfd.readouterr())


async def test_commands_before_tls_do_not_count_after_it(
    secure: Mailbox[ReceivedAlert], authority: Authority
) -> None:
    trust = ssl.create_default_context(cadata=authority.pem.decode())
    trust.check_hostname = False
    reader, writer = await asyncio.open_connection(secure.host, secure.port)
    writer.write(b"EHLO a\r\nMAIL FROM:<a@b>\r\nSTARTTLS\r\nRCPT TO:<c@d>\r\n")
    await reader.readuntil(b"220 Ready to start TLS\r\n")
    async with asyncio.timeout(60):
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await writer.start_tls(trust)
            writer.write(b"RCPT TO:<e@f>\r\nQUIT\r\n")
            assert b"250" not in await reader.read()
    writer.close()


def test_a_certificate_is_a_file_with_a_pair_that_fits(pem: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("hello")
    (tmp_path / "half").write_bytes(pem.read_bytes().partition(b"-----BEGIN CERT")[0])
    (tmp_path / "large").write_bytes(b"\n" * 2_000_000)
    key = serialization.load_pem_private_key(pem.read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"word"),
    )
    certificate = b"-----BEGIN CERT" + pem.read_bytes().partition(b"-----BEGIN CERT")[2]
    (tmp_path / "locked").write_bytes(locked + certificate)
    for name, said in (
        ("pipe", "is a pipe"),
        ("none", "No such file"),
        ("text", "is no certificate with its key"),
        ("half", "is no certificate with its key"),
        ("locked", "is no certificate with its key, unencrypted"),
        ("large", "larger than 1 MiB"),
    ):
        with pytest.raises(UsageError, match=said):
            server_certificate(tmp_path / name)
