"""The mail relay of a service of an area, and the mails that a campaign sends through it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from harness.cli.compose import prepare
from harness.cli.mail import MailPlan, import_mail, send
from harness.cli.paths import CampaignPaths
from harness.model.received_mail import ReceivedMail
from probes.mail.invented_spam import invented_spam
from probes.mail.mail_corpus import corpus_mails
from probes.net.route import Address
from probes.range.authority import Authority
from probes.range.mail_policy import Decision, Mail, MailPolicy, text_digest
from probes.range.mail_relay import MailRelay, RelaySettings
from test_suites.kit.networks.mail_receiving import MailInbox, write_spool

PUPIL, SMALL, DESK = "pupil@school.example", "year3@school.example", "desk@tester.example"
FRIEND = "friend@office-7f000001.canary.accredit.test"
SPAM, HAM, EACH = 30, 32, 2
"""For each campaign: enough for EML-01, EML-04 and EML-05 at the level of the areas."""
HERE = Address(host="127.0.0.1", port=0)


class ServedMail(NamedTuple):
    """A relay, the mailbox that it passes mail on to, and the corpus of spam that it knows."""

    relay: MailRelay
    inbox: MailInbox
    spam: Path


Handle = Callable[["RelayedPolicy", Mail], Awaitable[Decision]]
"""What a relay does with a mail."""


async def handle_rightly(policy: RelayedPolicy, mail: Mail) -> Decision:
    """Do what a relay must do."""
    return await policy.rightly(mail)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedPolicy(MailPolicy):
    """The policy of a relay of a supplier."""

    handle: Handle = handle_rightly

    async def decide(self, mail: Mail) -> Decision:
        """Decide as the supplier does."""
        return await self.handle(self, mail)

    async def rightly(self, mail: Mail) -> Decision:
        """Decide as a relay must."""
        return await MailPolicy.decide(self, mail)


def relay_of(
    handle: Handle, folder: Path, resolver: Address, mailbox: int, authority: Authority
) -> MailRelay:
    """A relay that knows the spam of the campaign, and passes mail on to a port of loopback."""
    corpus = invented_spam(folder / "spam.mbox", SPAM)
    known = frozenset(text_digest(content) for _, content in corpus_mails(corpus, print))
    policy = RelayedPolicy(
        domain="school.example",
        restricted={SMALL: (FRIEND,)},
        spam=known,
        resolver=resolver,
        handle=handle,
    )
    settings = RelaySettings(
        policy=policy,
        next_hop=Address(host="127.0.0.1", port=mailbox),
        incoming=HERE,
        outgoing=HERE,
    )
    return MailRelay(settings, authority)


def declared(relay: MailRelay) -> dict[str, Any]:
    """How mail reaches a relay, as a campaign declares it."""
    return {
        "incoming": str(relay.incoming),
        "outgoing": str(relay.outgoing),
        "accounts": {"pupils": {"address": PUPIL}},
        "outside": DESK,
        "restricted": {"address": SMALL},
        "partner": FRIEND,
    }


def send_and_read(campaign: Path, out: Path, mails: list[ReceivedMail], spam: Path) -> None:
    """Send the mails of a campaign, and read what arrived as if an hour had passed."""
    prepared, began = prepare(campaign), datetime.now(UTC)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    send(prepared, paths, MailPlan(spam=(spam,), ham=HAM, each=EACH))
    spool = campaign.parent / "mails.jsonl"
    write_spool(spool, mails, began, _HourLater().now())
    import_mail(paths.journal, {"inbox": [spool]}, _HourLater())


class _HourLater:
    """A clock that is an hour ahead."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=1)

    def monotonic(self) -> float:
        return time.monotonic()
