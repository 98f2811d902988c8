"""The mailbox takes mail from a real client, and answers as SMTP says when it cannot keep it."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from harness.model.received_alert import ReceivedAlert
from harness.model.received_mail import ReceivedMail
from probes.mail import raw_mail
from probes.mail.raw_mail import read_mail
from probes.receivers import mailbox as mailbox_module
from probes.receivers.alert_text import MOST_BYTES
from probes.receivers.mailbox import (
    MOST_RECIPIENTS,
    UNREAD,
    Mailbox,
    MailboxSettings,
    alert_of_mail,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Kept(list[ReceivedAlert]):
    """What was kept; as if the disk were full while ``is_full``."""

    is_full = False

    def keep(self, alert: ReceivedAlert) -> bool:
        if not self.is_full:
            self.append(alert)
        return not self.is_full


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def mailbox(kept: Kept) -> AsyncIterator[Mailbox[ReceivedAlert]]:
    async with Mailbox(kept.keep, alert_of_mail, clock=lambda: NOW) as mailbox:
        yield mailbox


def client(mailbox: Mailbox[ReceivedAlert]) -> smtplib.SMTP:
    return smtplib.SMTP(mailbox.host, mailbox.port, local_hostname="a.test", timeout=60)


def mail(text: str = "hello") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "f@a.test", "header@b.test", "Wörter"
    message["X-Priority"] = "1"
    message.set_content(text)
    return message


async def test_a_mail_is_kept_before_it_is_acknowledged(
    mailbox: Mailbox[ReceivedAlert], kept: Kept
) -> None:
    def send() -> None:
        with client(mailbox) as smtp:
            smtp.send_message(mail(), "s@a.test", ["one@b.test", "two@c.test"])
            assert 1 == len(kept)
            smtp.send_message(mail("more"), "s@a.test", ["three@b.test"])

    await asyncio.to_thread(send)
    assert (
        ReceivedAlert(
            at=NOW,
            channel="mail",
            to=("one@b.test", "two@c.test"),
            sender="s@a.test",
            subject="Wörter",
            text="hello",
            priority="urgent",
        )
        == kept[0]
    )
    assert ("more", ("three@b.test",)) == (kept[1].text, kept[1].to)


async def test_a_full_disk_is_a_temporary_failure(
    mailbox: Mailbox[ReceivedAlert], kept: Kept
) -> None:
    kept.is_full = True

    def send() -> None:
        with client(mailbox) as smtp:
            with pytest.raises(smtplib.SMTPDataError) as refused:
                smtp.send_message(mail(), "s@a.test", ["one@b.test"])
            assert 451 == refused.value.smtp_code
            kept.is_full = False
            smtp.send_message(mail(), "s@a.test", ["one@b.test"])

    await asyncio.to_thread(send)
    assert 1 == len(kept)


async def test_mail_that_is_too_large_is_refused_and_the_next_is_accepted(
    mailbox: Mailbox[ReceivedAlert], kept: Kept
) -> None:
    def send() -> None:
        with client(mailbox) as smtp:
            smtp.ehlo()
            assert str(MOST_BYTES) == smtp.esmtp_features["size"]
            assert 552 == smtp.mail("s@a.test", [f"size={MOST_BYTES + 1}"])[0]
            smtp.rset()
            smtp.mail("s@a.test")
            smtp.rcpt("one@b.test")
            assert 552 == smtp.data("x" * 900 + "\r\n" + "y" * MOST_BYTES)[0]
            smtp.send_message(mail(), "s@a.test", ["one@b.test"])

    await asyncio.to_thread(send)
    assert ["hello"] == [alert.text for alert in kept]


async def test_a_body_on_one_long_line_is_accepted(
    mailbox: Mailbox[ReceivedAlert], kept: Kept
) -> None:
    def send() -> None:
        with client(mailbox) as smtp:
            smtp.sendmail("s@a.test", ["one@b.test"], "Subject: x\r\n\r\n" + "y" * 500_000)

    await asyncio.to_thread(send)
    assert "y" * 100 == kept[0].text[:100]


async def test_a_bounce_and_an_international_address_are_accepted(
    mailbox: Mailbox[ReceivedAlert], kept: Kept
) -> None:
    def send() -> None:
        with client(mailbox) as smtp:
            smtp.sendmail("", ["one@b.test"], "Subject: x\r\n\r\ny")
            smtp.sendmail(
                "jürgen@b.test", ["ändi@b.test"], "Subject: ü\r\n\r\ny".encode(), ["SMTPUTF8"]
            )

    await asyncio.to_thread(send)
    assert [("", ("one@b.test",)), ("jürgen@b.test", ("ändi@b.test",))] == [
        (alert.sender, alert.to) for alert in kept
    ]
    assert "ü" == kept[1].subject


async def test_recipients_have_a_limit(mailbox: Mailbox[ReceivedAlert], kept: Kept) -> None:
    def send() -> None:
        with client(mailbox) as smtp:
            smtp.helo()
            smtp.mail("s@a.test")
            codes = [smtp.rcpt(f"{number}@b.test")[0] for number in range(MOST_RECIPIENTS + 1)]
            assert [250] * MOST_RECIPIENTS + [452] == codes
            assert 250 == smtp.data("x")[0]

    await asyncio.to_thread(send)
    assert MOST_RECIPIENTS == len(kept[0].to)


async def exchange(mailbox: Mailbox[ReceivedAlert], data: bytes) -> bytes:
    """Send bytes, and return what was answered until the server closed the connection."""
    reader, writer = await asyncio.open_connection(mailbox.host, mailbox.port)
    try:
        writer.write(data)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    "data",
    [
        b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<\x00@\xff>\r\nRCPT TO:<" + b"(" * 400 + b">\r\n",
        b"EHLO a\r\nMAIL FROM:<" + b'"' * 100 + b">\r\nMAIL FROM:@@@\r\nAUTH PLAIN AAAA\r\n",
        b"\x16\x03\x01\x00\xff" * 40 + b"\r\nGET / HTTP/1.1\r\n",
        b"EHLO " + b"a" * 100_000 + b"\r\nSTARTTLS\r\nVRFY <\r\nEXPN\r\nHELP \xff\r\n",
        b"DATA\r\nRCPT TO:<a@b>\r\n\r\n\r\n",
    ],
)
async def test_hostile_commands_are_answered_and_logged_nowhere(
    data: bytes, mailbox: Mailbox[ReceivedAlert], kept: Kept, capfd: pytest.CaptureFixture[str]
) -> None:
    answered = await exchange(mailbox, data + b"QUIT\r\n")

    assert answered.startswith(b"220 ")
    assert answered.endswith(b"221 Bye\r\n")
    assert [] == kept
    assert ("", "") == tuple(capfd.readouterr())


async def test_a_line_without_end_is_cut_off_however_long_a_mail_may_take(kept: Kept) -> None:
    start = b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n"
    patient = MailboxSettings(patience=3600.0)
    async with (
        Mailbox(kept.keep, alert_of_mail, settings=patient) as mailbox,
        asyncio.timeout(60),
    ):
        await exchange(mailbox, start + b"x" * ((UNREAD + 1) * MOST_BYTES))
        assert b"221 Bye" in await exchange(mailbox, b"QUIT\r\n")

    assert [] == kept


async def test_open_connections_end_with_the_mailbox(kept: Kept) -> None:
    async with Mailbox(kept.keep, alert_of_mail) as mailbox:
        port = mailbox.port
        reader, writer = await asyncio.open_connection(mailbox.host, port)
        await reader.readline()
        writer.write(b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\nhalf a mail")
        await writer.drain()
    with contextlib.suppress(ConnectionError):
        while await reader.read(1000):
            pass
    writer.close()
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
        sock.connect(("127.0.0.1", port))
    assert [] == kept


async def test_an_address_in_use_is_an_error(mailbox: Mailbox[ReceivedAlert], kept: Kept) -> None:
    with pytest.raises(OSError):
        await Mailbox(kept.keep, alert_of_mail, port=mailbox.port).__aenter__()


async def test_mails_are_received_by_the_same_server_and_may_be_larger() -> None:
    mails: list[ReceivedMail] = []

    def keep(mail: ReceivedMail) -> bool:
        mails.append(mail)
        return True

    def send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="a.test", timeout=60) as smtp:
            smtp.sendmail("S@a.test", ["One@b.test"], b"Message-ID: <a@b>\r\n\r\n" + large)
            smtp.sendmail("note", ["one@b.test"], b"Message-ID: <c@d>\r\n\r\n")

    large = (b"x" * 70 + b"\r\n") * (2 * MOST_BYTES // 72)
    settings = MailboxSettings(most_bytes=raw_mail.MOST_BYTES)
    async with Mailbox(keep, read_mail, settings=settings, clock=lambda: NOW) as mailbox:
        await asyncio.to_thread(send, mailbox.port)

    assert [
        (("one@b.test",), "s@a.test", ("a@b",), NOW),
        (("one@b.test",), "<note>", ("c@d",), NOW),
    ] == [(mail.to, mail.sender, mail.message_ids, mail.at) for mail in mails]
    assert len(large) < mails[0].size


async def test_there_are_few_connections_at_once(
    mailbox: Mailbox[ReceivedAlert], kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox_module, "MOST_CONNECTIONS", 2)

    def send() -> None:
        with client(mailbox) as first, client(mailbox) as second:
            with pytest.raises(smtplib.SMTPConnectError, match="421"):
                client(mailbox)
            first.send_message(mail("one"), "s@a.test", ["one@b.test"])
            second.send_message(mail("two"), "s@a.test", ["one@b.test"])

    await asyncio.to_thread(send)
    assert b"221 Bye" in await exchange(mailbox, b"QUIT\r\n")
    assert ["one", "two"] == [alert.text for alert in kept]


async def test_what_connections_bring_together_has_a_limit(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox_module, "TOGETHER", 1)
    small = MailboxSettings(most_bytes=100_000)
    start = b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n"
    async with (
        asyncio.timeout(60),
        Mailbox(kept.keep, alert_of_mail, settings=small) as mailbox,
    ):
        reader, writer = await asyncio.open_connection(mailbox.host, mailbox.port)
        writer.write(start)
        await reader.readuntil(b"354 ")
        writer.write(b"x\r\n" * 20_000)
        await writer.drain()
        assert b"250 2.0.0 OK\r\n221" not in await exchange(
            mailbox, start + b"y\r\n" * 20_000 + b".\r\nQUIT\r\n"
        )
        writer.write(b".\r\nQUIT\r\n")
        assert b"221 Bye" in await reader.read()
        assert b"221 Bye" in await exchange(mailbox, start + b"z\r\n" * 20_000 + b".\r\nQUIT\r\n")
        writer.close()

    assert ["x", "z"] == [alert.text[:1] for alert in kept]
