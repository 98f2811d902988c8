"""What the range's mail relay does with a mail: its policy, and the faults that break it.

The relay recognises what is agreed: the anti-malware test file, GTUBE, the language marker, the
agreed image, and the spam that it was given. It checks the sender by SPF, DKIM and DMARC (RFC 7208,
6376, 7489), as far as the records of ``probes.mail.sender_domains`` need it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.utils import parseaddr
from enum import StrEnum
from typing import Literal

import dkim
import dns.asyncresolver
import dns.exception
import dns.resolver

from probes.mail.marks import LANGUAGE_MARKER
from probes.mail.raw_mail import read_mail
from probes.net.file_contents import eicar
from probes.net.route import Address

DNS_PATIENCE = 5.0
NO_RESOLVER = Address(host="127.0.0.1", port=53)
NEVER = datetime.fromtimestamp(0, UTC)
"""The time of arrival of a mail that is only looked at."""


class MailFault(StrEnum):
    """What the relay does wrong."""

    SPAM_MISSED = "spam-missed"
    SPAM_BY_TEST_ALONE = "spam-by-test-alone"
    HAM_REFUSED = "ham-refused"
    HAM_MARKED = "ham-marked"
    VIRUS_OUT_MISSED = "virus-out-missed"
    VIRUS_ARCHIVES_MISSED = "virus-archives-missed"
    VIRUS_MARKED = "virus-marked"
    SUBJECTS_UNREAD = "subjects-unread"
    IMAGES_UNREAD = "images-unread"
    NO_WALL = "no-wall"
    NO_SPF = "no-spf"
    NO_DKIM = "no-dkim"
    OWN_DOMAIN_ACCEPTED = "own-domain-accepted"
    NO_TLS = "no-tls"
    DROPS = "drops"
    STRIPS = "strips"
    REFUSES_ALL = "refuses-all"
    KNOWS_TESTER = "knows-tester"


Action = Literal["deliver", "mark", "refuse", "drop", "strip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is done with a mail, and why (the text of a refusal)."""

    action: Action
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail with its envelope, and the address that it came from."""

    content: bytes = field(repr=False)
    sender: str
    recipient: str
    client: str
    is_outgoing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPolicy:
    """The policy of a relay.

    ``domain`` is the school's. ``restricted`` maps the addresses of restricted accounts to those
    that they may exchange mail with. ``spam`` are the digests (``text_digest``) of known spam.
    ``resolver`` answers for SPF, DKIM and DMARC. ``known_zone`` is the zone by which a dishonest
    relay recognises the tester.
    """

    domain: str
    resolver: Address = NO_RESOLVER
    restricted: Mapping[str, Collection[str]] = field(default_factory=dict)
    spam: frozenset[str] = frozenset()
    faults: frozenset[MailFault] = frozenset()
    known_zone: str = ""

    async def decide(self, mail: Mail) -> Decision:
        """Decide on a mail."""
        faults = self.faults
        if MailFault.REFUSES_ALL in faults:
            return Decision(action="refuse", why="5.7.1 not accepted here")
        is_known = bool(self.known_zone) and self.known_zone in (mail.sender + mail.recipient)
        if MailFault.KNOWS_TESTER in faults and not is_known:
            return Decision(action="deliver")
        if not self._may_write(mail) and MailFault.NO_WALL not in faults:
            return Decision(action="refuse", why="5.7.1 this account may not exchange mail with it")
        if not mail.is_outgoing and (why := await self._forged(mail)):
            return Decision(action="refuse", why=why)
        decided = await asyncio.to_thread(self._by_content, mail)
        if decided.action == "refuse" and MailFault.DROPS in faults:
            return Decision(action="drop")
        return decided

    def _may_write(self, mail: Mail) -> bool:
        inner, other = mail.recipient, mail.sender
        if mail.is_outgoing:
            inner, other = other, inner
        allowed = self.restricted.get(inner.lower())
        return allowed is None or other.lower() in allowed

    def _by_content(self, mail: Mail) -> Decision:
        faults = self.faults
        held = set(read_mail(mail.content, at=NEVER, to=(), sender="").holds)
        infected = "test string" in held
        if MailFault.VIRUS_ARCHIVES_MISSED in faults:
            infected = eicar() in b"".join(_parts(mail.content))
        if mail.is_outgoing and MailFault.VIRUS_OUT_MISSED in faults:
            infected = False
        if infected and MailFault.VIRUS_MARKED in faults:
            return Decision(action="mark")
        if infected:
            strips = MailFault.STRIPS in faults
            return Decision(action="strip" if strips else "refuse", why="5.7.1 virus found")
        if self._is_spam(mail, held):
            return Decision(action="refuse", why="5.7.1 spam message rejected")
        if self._is_improper(mail, held):
            return Decision(action="refuse", why="5.7.1 inappropriate content")
        return self._harmless(mail)

    def _is_spam(self, mail: Mail, held: Collection[str]) -> bool:
        if MailFault.SPAM_BY_TEST_ALONE in self.faults:
            return "GTUBE" in held
        digest = text_digest(mail.content)
        is_known = digest in self.spam
        if MailFault.SPAM_MISSED in self.faults and int(digest[:2], 16) % 4 == 0:
            is_known = False
        return is_known or "GTUBE" in held

    def _is_improper(self, mail: Mail, held: Collection[str]) -> bool:
        if MailFault.SUBJECTS_UNREAD in self.faults:
            body = b"".join(_parts(mail.content)).decode("latin-1")
            return bool(LANGUAGE_MARKER.search(body))
        if "agreed image" in held and MailFault.IMAGES_UNREAD not in self.faults:
            return True
        return "language marker" in held

    def _harmless(self, mail: Mail) -> Decision:
        """What is done with mail in which nothing was found; a signed one is never doubted."""
        if _is_signed(mail):
            return Decision(action="deliver")
        number = int(text_digest(mail.content)[:2], 16)
        if MailFault.HAM_REFUSED in self.faults and number % 3 == 0:
            return Decision(action="refuse", why="5.7.1 spam message rejected")
        if MailFault.HAM_MARKED in self.faults and number % 3 == 0:
            return Decision(action="mark")
        return Decision(action="deliver")

    async def _forged(self, mail: Mail) -> str:
        """Why the sender of an incoming mail is not believed; empty if it is."""
        author = parseaddr(str(message_from_bytes(mail.content, policy=policy.SMTP)["From"]))[1]
        domain = author.rpartition("@")[2].lower()
        if domain == self.domain and MailFault.OWN_DOMAIN_ACCEPTED not in self.faults:
            return "5.7.1 mail of this domain comes from inside"
        records = await self._texts(f"_dmarc.{domain}")
        if not any(text.startswith("v=DMARC1") and "p=reject" in text for text in records):
            return ""
        is_verified = await self._is_verified(mail, domain)
        return "" if is_verified else "5.7.1 rejected by the policy of the sender's domain (DMARC)"

    async def _is_verified(self, mail: Mail, domain: str) -> bool:
        """Whether SPF or DKIM shows that a mail comes from the domain of its author."""
        is_signed = _is_signed(mail)
        aligned = mail.sender.rpartition("@")[2].lower() == domain
        if MailFault.NO_SPF in self.faults and aligned and not is_signed:
            return True
        if MailFault.NO_DKIM in self.faults and is_signed:
            return True
        if aligned and await self._spf_passes(domain, mail.client):
            return True
        return await asyncio.to_thread(self._dkim_passes, mail.content, domain)

    async def _spf_passes(self, domain: str, client: str) -> bool:
        texts = await self._texts(domain)
        return any(f"ip4:{client} " in text for text in texts if text.startswith("v=spf1 "))

    def _dkim_passes(self, content: bytes, domain: str) -> bool:
        def find(name: bytes, timeout: int = 5) -> bytes | None:
            del timeout
            texts = asyncio.run(self._texts(name.decode("ascii").rstrip(".")))
            return texts[0].encode() if texts else None

        try:
            checked = dkim.DKIM(content)
            is_right = bool(checked.verify(dnsfunc=find))
            return is_right and checked.domain.decode().lower() == domain
        except (dkim.DKIMException, ValueError, IndexError):
            return False

    async def _texts(self, name: str) -> list[str]:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [self.resolver.host], self.resolver.port
        resolver.lifetime = DNS_PATIENCE
        try:
            answer = await resolver.resolve(name, "TXT")
        except (dns.exception.DNSException, OSError):
            return []
        return [b"".join(record.strings).decode("latin-1") for record in answer]


def text_digest(content: bytes) -> str:
    """Return a digest of what stays the same when a mail of a corpus is sent again: its body."""
    body = content.replace(b"\r\n", b"\n").partition(b"\n\n")[2].strip()
    return hashlib.sha256(body).hexdigest()


def _is_signed(mail: Mail) -> bool:
    return b"\nDKIM-Signature:" in b"\n" + mail.content


def _parts(content: bytes) -> Iterator[bytes]:
    """Yield the parts of a mail, decoded, as a scanner sees them that opens no archive."""
    for part in message_from_bytes(content).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield payload
