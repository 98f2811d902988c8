"""A mail relay of OpenSMTPD, rspamd and ClamAV: what it lets pass, what it refuses, and in which words."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate
from itertools import count
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from probes.net.file_contents import AGREED_FILE, eicar, holds_test_string
from probes.range.file_containers import in_container
from test_suites.kit.processes.product import LOOPBACK, free_port, require
from test_suites.products.name_records import NameRecords
from test_suites.products.opensmtpd import HOST, PROGRAMS, MailRelay

PATIENCE = 60.0
"""Seconds that an answer or a mail may take."""

HEAD, PUPIL = "head@school.test", "pupil@school.test"
FRIEND = "anna@friend.test"
PHRASE = "agreed rude words"
_SPAM = ("XJS*C4JDBQADN1.NSBN3*2IDNEN*", "GTUBE-STANDARD-ANTI-UBE", "-TEST-EMAIL*C.34X")
SPAM = "".join(_SPAM)
"""The test text that every spam filter recognises by agreement (GTUBE)."""

SPAM_REFUSED = (550, "Gtube pattern")
VIRUS_REFUSED = (550, 'clamav: virus found: "Accredit.TestString.UNOFFICIAL"')
ENCRYPTED_REFUSED = (550, 'clamav: virus found: "File is encrypted: Heuristics.Encrypted.Zip"')
REFUSED = (550, "message rejected")
"""The answers after DATA; that to any other mail that rspamd refuses has no reason."""

KEY = rsa.generate_private_key(65537, 2048)
NOWHERE = "v=spf1 -all"

_numbers = count(1)


def published() -> list[str]:
    """The records of senders: tests send from 127.0.0.1."""
    public = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
    texts = {
        "friend.test": f"v=spf1 ip4:{LOOPBACK} -all",
        "_dmarc.friend.test": "v=DMARC1; p=reject",
        "signed.test": NOWHERE,
        "_dmarc.signed.test": "v=DMARC1; p=reject",
        "key._domainkey.signed.test": f'{key[:200]}" "{key[200:]}',
        "doubtful.test": NOWHERE,
        "_dmarc.doubtful.test": "v=DMARC1; p=quarantine",
        "spf-alone.test": NOWHERE,
        "school.test": NOWHERE,
        "_dmarc.school.test": "v=DMARC1; p=reject",
    }
    return [f'{name}. 60 IN TXT "{text}"' for name, text in texts.items()]


@dataclass(slots=True)
class Inbox:
    """A mail server that keeps what it gets, and refuses mail for addresses that begin with ``no``."""

    port: int = field(default_factory=free_port)
    mails: list[Message] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    async def handle_DATA(  # noqa: N802 - the library calls it so
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if envelope.rcpt_tos[0].startswith("no"):
            return "550 5.7.1 Not here"
        content = envelope.content
        assert isinstance(content, bytes)
        with self.changed:
            self.mails.append(message_from_bytes(content))
            self.changed.notify_all()
        return "250 OK"

    def has(self, subject: str) -> Message:
        """Wait for the mail with a subject."""

        def arrived() -> Message | None:
            return next((mail for mail in self.mails if mail["Subject"] == subject), None)

        with self.changed:
            mail = self.changed.wait_for(arrived, PATIENCE)
        assert mail is not None, f"no mail {subject!r} within {PATIENCE} s"
        return mail


@dataclass(frozen=True, slots=True)
class Service:
    """A relay with the servers around it."""

    relay: MailRelay
    names: NameRecords
    school: Inbox
    outside: Inbox
    spools: list[Path]
    """What was in the machine's own places before the relay started."""

    def receives(self, mail: EmailMessage | bytes, sender: str, to: str = HEAD) -> tuple[int, str]:
        """What the relay answers to a mail from outside."""
        return sent(self.relay, self.relay.incoming, mail, sender, to)

    def sends(self, mail: EmailMessage | bytes, sender: str, to: str = FRIEND) -> tuple[int, str]:
        """What the relay answers to a mail from the school."""
        return sent(self.relay, self.relay.outgoing, mail, sender, to)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    require(*PROGRAMS, "unbound")
    before = spools()
    with ExitStack() as running:
        school, outside = Inbox(), Inbox()
        for inbox in (school, outside):
            controller = Controller(inbox, hostname=LOOPBACK, port=inbox.port)
            controller.start()
            running.callback(controller.stop)
        names = running.enter_context(NameRecords(published()))
        relay = MailRelay(
            names.server,
            mailbox=(LOOPBACK, school.port),
            outside=(LOOPBACK, outside.port),
            phrases=(PHRASE, "ä/b 'quoted'"),
            confined=(PUPIL,),
        )
        yield Service(running.enter_context(relay), names, school, outside, before)


def written(sender: str, to: str, text: str = "The minutes are below.") -> EmailMessage:
    """A plain mail with a subject of its own."""
    mail = EmailMessage(policy=SMTP_POLICY)
    number = next(_numbers)
    mail["From"], mail["To"], mail["Subject"] = f"Anna <{sender}>", to, f"Garden club {number}"
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{number}@{sender.partition('@')[2]}>"
    mail.set_content(f"{text}\n")
    return mail


def with_file(mail: EmailMessage, content: bytes) -> EmailMessage:
    mail.add_attachment(content, "application", "octet-stream", filename="minutes.dat")
    return mail


def sent(
    relay: MailRelay,
    at: tuple[str, int],
    mail: EmailMessage | bytes,
    sender: str,
    to: str,
) -> tuple[int, str]:
    """Send a mail over TLS; returns the code and the text of the last answer."""
    content = mail if isinstance(mail, bytes) else mail.as_bytes()
    with smtplib.SMTP(*at, local_hostname="client.friend.test", timeout=PATIENCE) as smtp:
        smtp._host = HOST  # type: ignore[attr-defined]  # smtplib has no other way to say whom it calls
        smtp.starttls(context=ssl.create_default_context(cafile=relay.authority))
        smtp.ehlo()
        code, text = smtp.mail(sender)
        if code == 250:
            code, text = smtp.rcpt(to)
        if code == 250:
            code, text = smtp.data(content)
    return code, text.decode()


def accepted(answer: tuple[int, str]) -> bool:
    """Whether the relay said that it will deliver."""
    return bool(re.fullmatch(r"2\.0\.0 [0-9a-f]{8} Message accepted for delivery", answer[1]))


def signed(mail: EmailMessage, domain: str) -> bytes:
    """A mail with a DKIM signature (RFC 6376): rsa-sha256, both parts in relaxed form."""
    head, _, body = mail.as_bytes().partition(b"\r\n\r\n")
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    names = ("From", "To", "Subject", "Date")
    own = (
        f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=key; "
        f"h={':'.join(names)}; bh={digest}; b="
    )
    relaxed = "".join(f"{name.lower()}:{mail[name]}\r\n" for name in names)
    what = (relaxed + f"dkim-signature:{own}").encode()
    signature = base64.b64encode(KEY.sign(what, padding.PKCS1v15(), SHA256())).decode()
    return f"DKIM-Signature: {own}{signature}\r\n".encode() + head + b"\r\n\r\n" + body


def test_harmless_mail_is_relayed_in_both_directions(service: Service) -> None:
    into = with_file(written(FRIEND, HEAD), b"minutes of the garden club")
    out = with_file(written(HEAD, FRIEND), AGREED_FILE[:40])

    assert accepted(service.receives(into, FRIEND))
    assert accepted(service.sends(out, HEAD))

    received = service.school.has(into["Subject"])
    result = received["Authentication-Results"]
    assert result.startswith(f"{HOST};")
    assert "spf=pass" in result
    assert "dmarc=pass" in result
    assert "with ESMTPS" in received["Received"]
    assert service.outside.has(out["Subject"])["X-Spam"] is None


def test_both_directions_offer_starttls(service: Service) -> None:
    for at in (service.relay.incoming, service.relay.outgoing):
        with smtplib.SMTP(*at, local_hostname="client.friend.test", timeout=PATIENCE) as smtp:
            code, text = smtp.ehlo()

        assert 250 == code
        assert text.decode().splitlines()[1:] == [
            "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 36700160", "DSN", "STARTTLS", "HELP",
        ]  # fmt: skip


def test_spam_is_refused_after_its_content_in_both_directions(service: Service) -> None:
    text = f"The minutes are below.\n{SPAM}"

    assert SPAM_REFUSED == service.receives(written(FRIEND, HEAD, text), FRIEND)
    assert SPAM_REFUSED == service.sends(written(HEAD, FRIEND, text), HEAD)
    assert accepted(service.receives(written(FRIEND, HEAD, SPAM), FRIEND))  # it needs 70 bytes


def test_an_infected_attachment_is_refused_in_both_directions(service: Service) -> None:
    assert VIRUS_REFUSED == service.receives(with_file(written(FRIEND, HEAD), eicar()), FRIEND)
    assert VIRUS_REFUSED == service.sends(with_file(written(HEAD, FRIEND), eicar()), HEAD)


def test_an_infected_attachment_passes_while_the_scanner_is_absent(service: Service) -> None:
    scanner = service.relay.scanner
    moved = scanner.rename(scanner.with_suffix(".moved"))
    try:
        answer = service.receives(with_file(written(FRIEND, HEAD), eicar()), FRIEND)
    finally:
        moved.rename(scanner)

    assert accepted(answer)
    assert VIRUS_REFUSED == service.receives(with_file(written(FRIEND, HEAD), eicar()), FRIEND)


def test_the_test_string_passes_in_a_text_and_where_the_scanner_reaches_its_limits(
    service: Service,
) -> None:
    inline = written(FRIEND, HEAD)
    inline.add_attachment(eicar(), "text", "plain", disposition="inline")
    deep = with_file(written(FRIEND, HEAD), in_container(eicar(), ("deep",)))
    encrypted = with_file(written(FRIEND, HEAD), in_container(eicar(), ("encrypted",)))

    assert accepted(service.receives(inline, FRIEND))
    assert accepted(service.receives(deep, FRIEND))
    assert ENCRYPTED_REFUSED == service.receives(encrypted, FRIEND)


def test_a_forged_sender_is_refused_if_the_domain_asks_for_it(service: Service) -> None:
    sender = "anna@signed.test"
    genuine = written(sender, HEAD)
    content = signed(genuine, "signed.test")

    assert REFUSED == service.receives(written(sender, HEAD), sender)
    assert REFUSED == service.receives(content.replace(b"minutes are", b"money is"), sender)
    assert REFUSED == service.receives(written(HEAD, HEAD), HEAD)
    assert accepted(service.receives(content, sender))
    result = service.school.has(genuine["Subject"])["Authentication-Results"]
    assert "dkim=pass" in result
    assert "dmarc=pass" in result


def test_a_doubtful_sender_is_marked_and_one_with_spf_alone_is_not(service: Service) -> None:
    doubtful, alone, unknown = (
        written(f"anna@{domain}", HEAD)
        for domain in ("doubtful.test", "spf-alone.test", "unknown.test")
    )
    for mail in (doubtful, alone, unknown):
        assert accepted(service.receives(mail, mail["From"].addresses[0].addr_spec))

    assert service.school.has(doubtful["Subject"])["X-Spam"] == "yes"
    received = service.school.has(alone["Subject"])
    assert received["X-Spam"] is None
    assert "spf=fail" in received["Authentication-Results"]
    received = service.school.has(unknown["Subject"])
    assert received["X-Spam"] is None
    assert "dmarc=none" in received["Authentication-Results"]


def test_agreed_phrases_are_refused_in_the_text_and_the_subject(service: Service) -> None:
    subject = written(HEAD, FRIEND)
    subject.replace_header("Subject", PHRASE.title())

    assert REFUSED == service.receives(written(FRIEND, HEAD, f"Some {PHRASE}."), FRIEND)
    assert REFUSED == service.sends(written(HEAD, FRIEND, "It says Ä/b 'quoted'."), HEAD)
    assert REFUSED == service.sends(subject, HEAD)


def test_it_is_no_open_relay_and_a_confined_account_stays_within_the_school(
    service: Service,
) -> None:
    elsewhere = "eve@elsewhere.test"
    within = written(PUPIL, HEAD)

    for answer, to in (
        (service.receives(written(FRIEND, elsewhere), FRIEND, elsewhere), elsewhere),
        (service.sends(written(FRIEND, elsewhere), FRIEND, elsewhere), elsewhere),
        (service.receives(written(FRIEND, PUPIL), FRIEND, PUPIL), PUPIL),
        (service.sends(written(PUPIL, FRIEND), PUPIL), FRIEND),
    ):
        assert answer == (550, f"Invalid recipient: <{to}>")
    assert accepted(service.sends(within, PUPIL, HEAD))
    service.school.has(within["Subject"])


def test_a_mail_that_the_next_hop_refuses_comes_back(service: Service) -> None:
    assert accepted(
        service.receives(written(FRIEND, "nobody@school.test"), FRIEND, "nobody@school.test")
    )

    returned = service.outside.has("Delivery status notification: failed")
    assert returned["To"] == FRIEND
    assert "550 5.7.1 Not here" in returned.as_string()


def test_only_records_of_senders_are_looked_up(service: Service) -> None:
    assert accepted(service.receives(written(FRIEND, HEAD), FRIEND))

    asked = set(
        re.findall(r"127\.0\.0\.1 (\S+) \S+ IN$", service.names.log.read_text(), re.MULTILINE)
    )
    assert "_dmarc.friend.test." in asked
    assert [] == sorted(name for name in asked if not name.endswith(".test."))


def test_a_second_relay_delivers_into_a_maildir_and_leaves_nothing_behind(service: Service) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can read the Maildir")
    outside = (LOOPBACK, service.outside.port)
    with MailRelay(service.names.server, mailbox=None, outside=outside) as relay:
        mail = written(FRIEND, PUPIL)
        assert accepted(sent(relay, relay.incoming, mail, FRIEND, PUPIL))
        infected = with_file(written(FRIEND, PUPIL), eicar())
        assert VIRUS_REFUSED == sent(relay, relay.incoming, infected, FRIEND, PUPIL)
        delivered = message_from_bytes(first_file(relay.maildir / "new").read_bytes())
        files = [path for path in relay.folder.path.rglob("*") if path.is_file()]
        assert not any(holds_test_string(path.read_bytes()) for path in files)

    assert delivered["Subject"] == mail["Subject"]
    assert delivered["Delivered-To"] == PUPIL
    assert not relay.folder.path.exists()
    assert service.spools == spools()
    for at in (relay.incoming, relay.outgoing):
        with socket.socket() as stream:
            assert stream.connect_ex(at) != 0
    assert [] == [pid for pid, words in commands() if str(relay.folder.path) in words]


def spools() -> list[Path]:
    """The folders of the machine's own queues, and what belongs to its own OpenSMTPD."""
    return sorted((*Path("/var/spool").iterdir(), *Path("/run").glob("smtpd*")))


def first_file(folder: Path) -> Path:
    """Wait for the first file in a folder, which another process makes."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not (files := sorted(folder.glob("*"))):
        assert time.monotonic() < deadline, f"no file in {folder} within {PATIENCE} s"
        pause.wait(0.02)
    return files[0]


def commands() -> Iterator[tuple[str, str]]:
    """The command lines of all processes, by number."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                yield process.name, (process / "cmdline").read_text(errors="replace")
            except OSError:  # it ended
                continue
