"""A whole campaign of mail through OpenSMTPD, rspamd and ClamAV: what they let pass is found."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.cli.compose import prepare
from harness.cli.mail import MailPlan, import_mail, send
from harness.cli.paths import CampaignPaths
from harness.judge.composite_measurements import judge_maker
from harness.model.mail_case import case_named
from harness.model.marker import MARKER_PREFIX
from harness.model.outcome import Conformity
from harness.model.service_mail import SentMail
from harness.store.journal.journal import open_journal
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import is_blocked, proxy_campaign
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse
from test_suites.kit.networks.mail_receiving import MailInbox, receiving_mail, write_spool
from test_suites.kit.processes.product import LOOPBACK, require
from test_suites.products.opensmtpd import PROGRAMS, MailRelay

PUPIL, DESK = "pupil@school.test", "desk@tester.test"
SCHEME = """\
id: our-school
version: "1.0"
title: Mail
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements:
  - {id: EML-02}
  - {id: EML-03}
  - {id: EML-04, n_min: 30, threshold: {at_most: 0.1, provenance: proposed, source: this test}}
  - {id: EML-05, n_min: 32}
"""
HAM = 36
ARRIVES_WITHIN = 60.0
"""Seconds that the relay may take to pass on what it accepted."""


class Later:
    """A clock that is an hour ahead."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=1)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(frozen=True)
class Sent:
    """What came of a campaign."""

    run: Rehearsal
    mails: tuple[SentMail, ...]

    def states(self, *parts: str) -> dict[str, str]:
        """What became of the mails whose case has all these parts, by their cases."""
        return {
            one.case: one.state
            for one in self.mails
            if all(part in one.case.split(":") for part in parts)
        }


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    require(*PROGRAMS)
    folder = tmp_path_factory.mktemp("mail")
    policy = FilterPolicy(blocks=is_blocked)
    with (
        receiving_mail() as inbox,
        RangeTestbed.running(folder / "world", policy=policy, profiles=("pupils",)) as world,
        MailRelay(
            world.origin.resolver,
            mailbox=(LOOPBACK, inbox.port),
            outside=(LOOPBACK, inbox.port),
            phrases=(MARKER_PREFIX,),
        ) as relay,
    ):
        yield campaign(world, folder, relay, inbox)


def campaign(world: RangeTestbed, folder: Path, relay: MailRelay, inbox: MailInbox) -> Sent:
    """Send all kinds of mail, wait until they arrived, and conclude."""
    (folder / "scheme.yaml").write_text(SCHEME)
    mail = {
        "incoming": "{}:{}".format(*relay.incoming),
        "outgoing": "{}:{}".format(*relay.outgoing),
        "accounts": {"pupils": {"address": PUPIL}},
        "outside": DESK,
    }
    path = proxy_campaign(world, folder, service={"name": "Filter", "mail": mail})
    paths = CampaignPaths(out=folder / "out", campaign="rehearsal")
    began = datetime.now(UTC)
    send(prepare(path), paths, MailPlan(ham=HAM, each=1))
    with closing(open_journal(paths.journal)) as journal:
        taken = sum(one.accepted is not None for one in judge_maker(journal)().records.mail.sent)
    until = time.monotonic() + ARRIVES_WITHIN
    while len(inbox.mails) < taken and time.monotonic() < until:
        time.sleep(0.1)
    write_spool(folder / "mails.jsonl", inbox.mails, began, Later().now())
    import_mail(paths.journal, {"inbox": [folder / "mails.jsonl"]}, Later())
    run = rehearse(path)
    with closing(open_journal(paths.journal)) as journal:
        return Sent(run, judge_maker(journal)().records.mail.sent)


def test_what_the_relay_lets_pass_is_found(sent: Sent) -> None:
    infected = sent.states("infected")
    passed = {case for case, state in infected.items() if state == "arrived"}
    assert {"in:infected:uuencode", "out:infected:uuencode"} <= passed
    stopped = {case for case, state in infected.items() if state == "refused"}
    for variant in ("plain", "zip", "nested-zip", "tar.gz", "docx", "encrypted", "attached"):
        assert {f"in:infected:{variant}", f"out:infected:{variant}"} <= stopped
    clean = sent.states("clean")
    assert {"arrived"} == {
        clean[f"{way}:clean:{kind}"] for way in ("in", "out") for kind in ("plain", "zip")
    }
    assert Conformity.DOES_NOT_CONFORM is sent.run.outcome("EML-02", "proxy").conformity


def test_gtube_and_forged_senders_are_refused_unless_the_school_has_no_policy(sent: Sent) -> None:
    """The school's own domain publishes nothing, so that a mail in its name is accepted."""
    assert {"refused"} == set(sent.states("gtube").values())
    forged = {"spf": "refused", "dkim": "refused", "own-domain": "arrived"}
    assert {f"in:forged:{each}": state for each, state in forged.items()} == sent.states("forged")
    assert {"arrived"} == set(sent.states("signed").values())


def test_legitimate_mail_arrives_soon_and_over_tls(sent: Sent) -> None:
    ham = [one for one in sent.mails if case_named(one.case).variant == "school"]
    assert HAM == len(ham)
    assert {"arrived"} == {one.state for one in ham}
    assert all(one.facts is not None and one.facts.encrypted for one in sent.mails)
    assert Conformity.CONFORMS is sent.run.outcome("EML-04", "proxy").conformity
    sender = sent.run.outcome("EML-05", "proxy")
    assert Conformity.DOES_NOT_CONFORM is sender.conformity
    assert 0 <= (sender.metric.value or 0) < 300


def test_agreed_words_are_refused_and_the_image_is_not(sent: Sent) -> None:
    words = sent.states("language")
    assert {"refused"} == {words["in:language:text"], words["out:language:text"]}
    assert {"arrived"} == set(sent.states("image").values())
    assert Conformity.DOES_NOT_CONFORM is sent.run.outcome("EML-03", "proxy").conformity
