"""Compose the mails of a campaign, and give each to the right server of the service."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from harness.campaign.assemble import Prepared
from harness.cli.printing import warn
from harness.errors import UsageError
from harness.measure.mail_sending import Answered
from harness.model.corpus import Item
from harness.model.mail_case import (
    Direction,
    MailCase,
    case_named,
    mail_case,
    mail_item,
    mail_items,
    message_id_of,
)
from harness.model.service_mail import MailAccount, MailService
from harness.ports.network import Origin
from harness.ports.storage import Clock
from harness.untrusted.regular_file import read_bounded
from probes.mail.mail_corpus import corpus_mails
from probes.mail.messages import Outside, compose, needs_key
from probes.mail.mime_mail import Envelope
from probes.mail.raw_mail import read_mail, spam_marks
from probes.mail.signature import signing_key
from probes.mail.smtp_client import Letter, MailServer, deliver
from probes.net.local_binding import local_address
from probes.net.route import Address, client_tls_context, parse_address
from probes.receivers.alert_text import decoded_header, header_fields

SMTP_PORT, SUBMISSION_PORT = 25, 587
LOOPBACK = "127.0.0.1"
PASSWORD_BYTES = 4096
MOST_WORDS = 200
"""The most digests of the wording of a mail that the journal keeps: a random sample."""
SPAM = case_named("in:spam:corpus")
MOST_MAILS, MOST_BYTES = 20_000, 512 * 1024 * 1024
"""The most mails of all corpora, and the most bytes of them."""


def read_corpora(paths: tuple[Path, ...]) -> dict[str, bytes]:
    """Read corpora of spam: the mails by their digests; what cannot be used is named.

    Raises UsageError for what is no corpus, and for more than can be held.
    """
    mails: dict[str, bytes] = {}
    size = 0
    for path in paths:
        for digest, content in corpus_mails(path, warn):
            if _is_marked(content):
                warn(f"{path}: a mail is left out: its subject says already that it is spam")
                continue
            mails[digest] = content
            size += len(content)
            if len(mails) > MOST_MAILS or size > MOST_BYTES:
                msg = f"{path}: more than {MOST_MAILS:,} mails or {MOST_BYTES // 1024**2} MiB"
                raise UsageError(f"{msg}; give a smaller corpus")
    return mails


def _is_marked(content: bytes) -> bool:
    """Whether the subject of a mail has a tag, which would be taken for one of the service."""
    fields = dict(reversed(header_fields(content)[0]))
    return any(spam_marks((), decoded_header(fields.get("subject", ""))))


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPost:
    """The mails of one campaign; see ``harness.measure.mail_sending.Post``.

    ``servers`` are those of the service by direction, ``passwords`` those of accounts by address.
    ``corpus`` holds the mails of a corpus by the ids of their items, ``untrusted`` the directions
    whose server showed a wrong certificate, and ``trust`` checks the certificates of the others.
    """

    declared: MailService
    origin: Origin
    clock: Clock
    key: str
    address: str
    servers: Mapping[Direction, Address]
    passwords: Mapping[str, str] = field(repr=False)
    corpus: dict[str, bytes] = field(default_factory=dict, repr=False)
    untrusted: set[Direction] = field(default_factory=set)
    trust: ssl.SSLContext = field(default_factory=partial(client_tls_context, alpn=()), repr=False)

    @classmethod
    def of(cls, prepared: Prepared, clock: Clock) -> CampaignPost:
        """Read what a campaign declares of mail.

        Raises UsageError where it declares nothing, names no origin or a server that is none, and
        for a password that cannot be read.
        """
        path, declared = prepared.path, prepared.campaign.service.mail
        if declared is None:
            msg = f"{path}: does not say how mail reaches the service; declare service.mail"
            raise UsageError(msg)
        if prepared.origin is None:
            msg = f"{path}: mail comes from domains of an origin; name one (origin)"
            raise UsageError(msg)
        if unknown := declared.accounts.keys() - prepared.campaign.profiles.keys():
            msg = f"{path}: service.mail.accounts names no profile: {', '.join(sorted(unknown))}"
            raise UsageError(msg)
        servers = _servers(declared, path)
        return cls(
            declared=declared,
            origin=prepared.origin,
            clock=clock,
            key=signing_key(prepared.origin.services, str(prepared.campaign.origin)),
            address=declared.sends_from or _own_address(servers),
            servers=servers,
            passwords=dict(_passwords(declared, path.parent)),
        )

    def planned(
        self, run: str, number: int, counts: Mapping[MailCase, int], spam: Mapping[str, bytes]
    ) -> Iterator[tuple[str, Item]]:
        """Yield the mails of a sending with their profiles, in a mixed order.

        ``run`` draws them. The corpus is sent to the first profile alone.
        """
        for place, profile in enumerate(self.declared.accounts):
            draw = f"{run} {profile} mail {number}"
            items = list(mail_items(draw, counts))
            for digest, content in spam.items() if not place and "in" in self.servers else ():
                item = mail_item(SPAM, f"{draw} {digest}")
                self.corpus[item.id] = content
                items.append(item)
            for item in sorted(items, key=lambda one: one.id):
                yield profile, item

    async def send(self, item: Item, profile: str) -> Answered:
        """Compose the mail of an item, and give it to the server of its direction."""
        case = mail_case(item.stratum)
        assert case is not None
        digest = item.id.removeprefix("mail-")
        account = self._account(case, profile)
        envelope = self._envelope(case, digest, account)
        content = compose(
            case,
            digest,
            envelope,
            signing_key=self.key if needs_key(case) else "",
            raw=self.corpus.get(item.id, b""),
        )
        is_outgoing = case.direction == "out"
        server = MailServer(
            at=self.servers[case.direction],
            trust=None if case.direction in self.untrusted else self.trust,
            user=account.user if is_outgoing else "",
            password=self.passwords.get(account.address, "") if is_outgoing else "",
        )
        letter = Letter(
            sender=envelope.sender,
            recipient=envelope.recipient,
            content=content,
            message_id=message_id_of(digest, envelope.sender_domain),
        )
        delivered = await deliver(server, letter, envelope.sender_domain)
        if delivered.facts.trusted is False:
            self.untrusted.add(case.direction)
        sent = read_mail(content, at=envelope.at)
        facts = replace(delivered.facts, traces=sent.traces, words=sent.words[:MOST_WORDS])
        return Answered(facts, delivered.failure)

    def _account(self, case: MailCase, profile: str) -> MailAccount:
        restricted = self.declared.restricted if case.is_restricted else None
        return restricted or self.declared.accounts[profile]

    def _envelope(self, case: MailCase, digest: str, account: MailAccount) -> Envelope:
        """The envelope of a mail: who writes to whom from where."""
        other = self.declared.outside
        if case.kind == "partner" and self.declared.partner:
            other = self.declared.partner
        school = account.address.rpartition("@")[2]
        if case.direction == "in" and case.kind != "partner":
            zones = (*self.origin.zone_names, self.origin.twin_zone)
            named = [zone for zone in zones if zone]
            zone = named[int(digest[-2:], 16) % len(named)]
            outside = Outside(address=self.address, zone=zone, school_domain=school)
            other = outside.sender(case, digest)
        sender, recipient = account.address, other
        if case.direction == "in":
            sender, recipient = other, account.address
        return Envelope(
            sender=sender, recipient=recipient, school_domain=school, at=self.clock.now()
        )


def _servers(declared: MailService, path: Path) -> dict[Direction, Address]:
    """The servers of the service by direction. Raises UsageError."""
    named: dict[Direction, tuple[str, int]] = {
        "in": (declared.incoming, SMTP_PORT),
        "out": (declared.outgoing, SUBMISSION_PORT),
    }
    servers = {
        way: parse_address(text, f"{path}: service.mail", port)
        for way, (text, port) in named.items()
        if text
    }
    if not servers:
        msg = f"{path}: service.mail names no server; give incoming, outgoing or both (HOST:PORT)"
        raise UsageError(msg)
    return servers


def _own_address(servers: Mapping[Direction, Address]) -> str:
    """The address from which this machine reaches the server for incoming mail.

    Without one, or if it cannot be reached, that of the loopback interface: then senders are not
    verified, which the mails show.
    """
    at = servers.get("in")
    if at is None:
        return LOOPBACK
    try:
        return local_address(at.host)
    except OSError:
        return LOOPBACK


def _passwords(declared: MailService, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the passwords of accounts by their addresses. Raises UsageError."""
    accounts = [*declared.accounts.values()]
    accounts += [declared.restricted] if declared.restricted else []
    for account in accounts:
        if not account.password_file:
            continue
        path = folder / account.password_file
        try:
            text = read_bounded(path, PASSWORD_BYTES).decode()
        except FileNotFoundError:
            msg = f"{path}: no such file; it must hold the password of {account.address}"
            raise UsageError(msg) from None
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{path}: cannot be read: {error}"
            raise UsageError(msg) from None
        yield account.address, text.splitlines()[0] if text else ""
