"""EML-01 to EML-05: mail is sent through a relay, and each fault of it is found by its requirements alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from harness.cli.compose import prepare
from harness.cli.mail import MailPlan, import_mail, send
from harness.cli.paths import CampaignPaths
from harness.model.outcome import Conformity
from harness.model.received_mail import ReceivedMail
from probes.mail.invented_spam import invented_spam
from probes.mail.mail_corpus import corpus_mails
from probes.net.route import Address
from probes.range.filter import FilterPolicy
from probes.range.mail_policy import MailFault, MailPolicy, text_digest
from probes.range.mail_relay import MailRelay, RelaySettings
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import is_blocked, proxy_campaign
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse
from test_suites.kit.clocks.right_clock import synchronised
from test_suites.kit.networks.mail_receiving import MailInbox, receiving_mail, write_spool

PUPIL, SMALL, DESK = "pupil@school.test", "year3@school.test", "desk@tester.test"
FRIEND = "friend@office-7f000001.canary.accredit.test"
SCHEME = """\
id: our-school
version: "1.0"
title: Mail
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements:
  - {id: EML-01, n_min: 40, threshold: {at_least: 0.75, provenance: proposed, source: this test}}
  - {id: EML-02}
  - {id: EML-03}
  - {id: EML-04, n_min: 40, threshold: {at_most: 0.05, provenance: proposed, source: this test}}
  - {id: EML-05, n_min: 32}
"""
ROWS = ("EML-01", "EML-02", "EML-03", "EML-04", "EML-05")
SPAM, HAM = 80, 44
FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
HERE = Address(host="127.0.0.1", port=0)


class Later:
    """A clock that is an hour ahead of the real one: mailboxes are read so much later."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=1)

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture(scope="module")
def inbox() -> Iterator[MailInbox]:
    with receiving_mail() as inbox:
        yield inbox


@pytest.fixture(scope="module")
def spam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return invented_spam(tmp_path_factory.mktemp("corpus") / "spam.mbox", SPAM)


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, inbox: MailInbox, spam: Path
) -> Iterator[RangeTestbed]:
    policy = FilterPolicy(blocks=is_blocked)
    known = frozenset(text_digest(content) for _, content in corpus_mails(spam, pytest.fail))
    relay = RelaySettings(
        policy=MailPolicy(domain="school.test", restricted={SMALL: (FRIEND,)}, spam=known),
        next_hop=Address(host="127.0.0.1", port=inbox.port),
        incoming=HERE,
        outgoing=HERE,
    )
    options: dict[str, Any] = {"profiles": ("pupils",), "mail": relay}
    folder = tmp_path_factory.mktemp("world")
    with RangeTestbed.running(folder, policy=policy, **options) as world:
        yield world


class Campaign:
    """A campaign over the proxy of a range whose filter has a mail relay."""

    def __init__(self, world: RangeTestbed, folder: Path, inbox: MailInbox, spam: Path) -> None:
        assert world.relay is not None
        self.relay: MailRelay = world.relay
        self.folder, self.inbox, self.spam = folder, inbox, spam
        self.received, self.began = len(inbox.mails), datetime.now(UTC)
        (folder / "scheme.yaml").write_text(SCHEME)
        mail = {
            "incoming": str(self.relay.incoming),
            "outgoing": str(self.relay.outgoing),
            "accounts": {"pupils": {"address": PUPIL}},
            "outside": DESK,
            "restricted": {"address": SMALL},
            "partner": FRIEND,
        }
        self.path = proxy_campaign(world, folder, service={"name": "Filter", "mail": mail})
        self.paths = CampaignPaths(out=folder / "out", campaign="rehearsal")

    def break_by(self, *faults: MailFault, known_zone: str = "") -> None:
        policy = replace(self.relay.policy, faults=frozenset(faults), known_zone=known_zone)
        self.relay.policy = policy

    def send(self, ham: int = HAM, each: int = 1, *, with_spam: bool = True) -> None:
        spam = (self.spam,) if with_spam else ()
        send(prepare(self.path), self.paths, MailPlan(spam=spam, ham=ham, each=each))

    @property
    def mails(self) -> list[ReceivedMail]:
        return self.inbox.mails[self.received :]

    def read(self, mails: list[ReceivedMail] | None = None) -> None:
        """Read what was received as if an hour had passed."""
        spool = self.folder / "mails.jsonl"
        write_spool(spool, self.mails if mails is None else mails, self.began, Later().now())
        import_mail(self.paths.journal, {"inbox": [spool]}, Later())

    def conclude(self) -> Rehearsal:
        return rehearse(self.path)


@pytest.fixture
def campaign(
    world: RangeTestbed, tmp_path: Path, inbox: MailInbox, spam: Path
) -> Iterator[Campaign]:
    """A campaign on a machine whose clock is known to be right."""
    with synchronised():
        made = Campaign(world, tmp_path, inbox, spam)
        yield made
    made.break_by()


def conformities(run: Rehearsal) -> dict[str, Conformity]:
    return {one.requirement.id: one.conformity for one in run.assessment.outcomes}


def test_a_relay_that_does_what_it_must_conforms(campaign: Campaign) -> None:
    campaign.send()
    campaign.read()
    run = campaign.conclude()
    assert dict.fromkeys(ROWS, CONFORMS) == conformities(run), [
        one.reasons for one in run.assessment.outcomes
    ]


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        (MailFault.SPAM_BY_TEST_ALONE, {"EML-01"}),
        (MailFault.HAM_MARKED, {"EML-01", "EML-03", "EML-04"}),
        (MailFault.VIRUS_OUT_MISSED, {"EML-02"}),
        (MailFault.VIRUS_ARCHIVES_MISSED, {"EML-02"}),
        (MailFault.VIRUS_MARKED, {"EML-02"}),
        (MailFault.SUBJECTS_UNREAD, {"EML-03"}),
        (MailFault.IMAGES_UNREAD, {"EML-03"}),
        (MailFault.NO_WALL, {"EML-03"}),
        (MailFault.NO_SPF, {"EML-05"}),
        (MailFault.NO_DKIM, {"EML-05"}),
        (MailFault.OWN_DOMAIN_ACCEPTED, {"EML-05"}),
        (MailFault.NO_TLS, {"EML-05"}),
    ],
)
def test_each_fault_of_a_relay_breaks_its_requirements_alone(
    campaign: Campaign, fault: MailFault, broken: set[str]
) -> None:
    campaign.break_by(fault)
    campaign.send()
    campaign.read()
    found = conformities(campaign.conclude())
    assert broken == {row for row in ROWS if found[row] is FAILS}
    assert {found[row] for row in ROWS if row not in broken} <= {CONFORMS, OPEN}


@pytest.mark.parametrize("fault", [MailFault.DROPS, MailFault.STRIPS])
def test_what_must_not_arrive_may_be_dropped_or_removed(
    campaign: Campaign, fault: MailFault
) -> None:
    campaign.break_by(fault)
    campaign.send()
    campaign.read()
    assert dict.fromkeys(ROWS, CONFORMS) == conformities(campaign.conclude())


def test_a_relay_that_takes_no_mail_filters_none(campaign: Campaign) -> None:
    campaign.break_by(MailFault.REFUSES_ALL)
    campaign.send()
    campaign.read()
    found = conformities(campaign.conclude())
    assert CONFORMS not in found.values()
    assert FAILS is found["EML-04"]


def test_a_relay_that_filters_mail_of_the_known_zone_alone_is_found(campaign: Campaign) -> None:
    campaign.break_by(MailFault.KNOWS_TESTER, known_zone=".accredit.test")
    campaign.send(each=4)
    campaign.read()
    found = conformities(campaign.conclude())
    assert {FAILS} == {found[row] for row in ("EML-01", "EML-02", "EML-03", "EML-05")}


def test_mail_that_comes_too_late_is_found(campaign: Campaign) -> None:
    campaign.send(with_spam=False)
    late = [structs.replace(one, at=one.at + timedelta(minutes=8)) for one in campaign.mails]
    campaign.read(late)
    found = conformities(campaign.conclude())
    assert (FAILS, CONFORMS) == (found["EML-05"], found["EML-02"])


def test_without_a_mailbox_that_was_read_nothing_is_decided(campaign: Campaign) -> None:
    campaign.send(with_spam=False, ham=4, each=0)
    assert dict.fromkeys(ROWS, OPEN) == conformities(campaign.conclude())


def test_without_mail_nothing_is_decided(campaign: Campaign) -> None:
    assert dict.fromkeys(ROWS, OPEN) == conformities(campaign.conclude())
