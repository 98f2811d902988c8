"""``mail send`` and ``import``: what is sent, what is kept, and what is refused."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.errors import HarnessError
from harness.judge.composite_measurements import judge_maker
from harness.model.mail_case import CASES, MailCase, case_named
from harness.model.received_mail import note_at
from harness.model.service_mail import ServiceMail
from harness.store.journal.journal import open_journal
from probes.mail.invented_spam import invented_spam
from probes.net.route import Address
from probes.range.mail_policy import MailPolicy
from probes.range.mail_relay import RelaySettings
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.rehearsal import write_campaign
from test_suites.kit.networks.mail_receiving import MailInbox, receiving_mail, write_spool

PUPIL, SMALL = "pupil@school.test", "year3@school.test"
FRIEND = "friend@office-7f000001.accredit.test"
HERE = Address(host="127.0.0.1", port=0)
LEFT_OUT = "left out"
LITTLE = ("--ham", "4", "--each", "1")


@pytest.fixture(scope="module")
def inbox() -> Iterator[MailInbox]:
    with receiving_mail() as inbox:
        yield inbox


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, inbox: MailInbox) -> Iterator[RangeTestbed]:
    relay = RelaySettings(
        policy=MailPolicy(domain="school.test", restricted={SMALL: (FRIEND,)}),
        next_hop=Address(host="127.0.0.1", port=inbox.port),
        incoming=HERE,
        outgoing=HERE,
    )
    folder = tmp_path_factory.mktemp("world")
    with RangeTestbed.running(folder, profiles=("pupils",), mail=relay) as world:
        yield world


class Posted:
    """A campaign over a range whose filter has a mail relay, and what was received since."""

    def __init__(
        self, world: RangeTestbed, folder: Path, inbox: MailInbox, runner: CliRunner
    ) -> None:
        assert world.relay is not None
        self.world, self.folder, self.inbox, self.runner = world, folder, inbox, runner
        self.received, self.began = len(inbox.mails), datetime.now(UTC)
        self.mail: dict[str, Any] = {
            "incoming": str(world.relay.incoming),
            "outgoing": str(world.relay.outgoing),
            "accounts": {"pupils": {"address": PUPIL}},
            "outside": "desk@tester.test",
            "restricted": {"address": SMALL},
            "partner": FRIEND,
        }

    def write(self, **more: Any) -> Path:
        proxy = self.world.origin.services["reference"]["proxy"]["pupils"]
        settings: dict[str, Any] = {
            "origin": Path(self.world.origin.authority).parent / "origin.json",
            "lines": [{"name": "proxy", "type": "explicit_proxy", "options": {"proxy": proxy}}],
            "categories": ["GAMB"],
            "sample": 2,
            "service": {"name": "Filter", "mail": self.mail},
        }
        return write_campaign(self.folder, **(settings | more))

    @property
    def journal(self) -> Path:
        return self.folder / "out" / "rehearsal" / "journal"

    def run(self, *words: str | Path) -> Any:
        return self.runner.invoke(app, ["mail", *map(str, words)])

    def send(self, campaign: Path, *words: str | Path) -> Any:
        return self.run("send", campaign, "--out", self.folder / "out", *(words or LITTLE))

    def known(self) -> ServiceMail:
        with closing(open_journal(self.journal)) as journal:
            return judge_maker(journal)().records.mail

    def spool(self, name: str = "mails.jsonl") -> Path:
        path = self.folder / name
        mails = self.inbox.mails[self.received :]
        write_spool(path, mails, self.began, datetime.now(UTC) + timedelta(hours=1))
        return path


@pytest.fixture
def posted(world: RangeTestbed, tmp_path: Path, inbox: MailInbox, runner: CliRunner) -> Posted:
    return Posted(world, tmp_path, inbox, runner)


def said(result: Any) -> str:
    assert isinstance(result.exception, HarnessError), result.output
    return str(result.exception)


def cases_of(known: ServiceMail) -> set[MailCase]:
    return {case_named(one.case) for one in known.sent}


def test_mails_of_all_cases_are_sent_and_those_that_arrive_are_kept(posted: Posted) -> None:
    spam = invented_spam(posted.folder / "spam.mbox", 3)
    done = posted.send(posted.write(), *LITTLE, "--spam", spam)
    assert 0 == done.exit_code, done.output
    assert set(CASES) == cases_of(posted.known())
    assert all(one.state != "arrived" for one in posted.known().sent)

    read = posted.run("import", posted.journal, posted.spool())
    assert 0 == read.exit_code, read.output
    states = {one.case: one.state for one in posted.known().sent}
    assert ("arrived", "refused", "refused", "arrived") == (
        states["out:ham:school"], states["in:infected:zip"], states["out:walled:text"],
        states["in:spam:corpus"],
    )  # fmt: skip


def test_what_is_read_again_counts_once(posted: Posted) -> None:
    posted.send(posted.write())
    spool = posted.spool()
    for _ in range(2):
        assert 0 == posted.run("import", posted.journal, spool).exit_code
    assert {1} == {len(one.arrivals) for one in posted.known().sent if one.state == "arrived"}
    assert 2 == len(posted.known().readings)


def test_a_folder_for_junk_and_a_quarantine_are_told_apart(posted: Posted) -> None:
    posted.send(posted.write(), "--ham", "4", "--each", "0")
    empty = posted.folder / "empty.mbox"
    empty.write_bytes(b"")
    spool = posted.spool()
    assert 0 == posted.run("import", posted.journal, empty, "--junk", spool).exit_code
    assert {"junk"} == {one.state for one in posted.known().sent}


def test_servers_that_cannot_be_reached_decide_nothing(posted: Posted) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        at = "{}:{}".format(*closed.getsockname())
    posted.mail |= {"incoming": at, "outgoing": at}
    done = posted.send(posted.write())
    assert 0 == done.exit_code
    assert "of which the service took 0" in done.output
    assert {"not sent"} == {one.state for one in posted.known().sent}


@pytest.mark.parametrize(
    ("mail", "sentence"),
    [
        (None, "declare service.mail"),
        ({"accounts": {"staff": {"address": PUPIL}}}, "accounts names no profile: staff"),
        ({"incoming": LEFT_OUT, "outgoing": LEFT_OUT}, "service.mail names no server"),
        ({"incoming": "relay.test:99999"}, "service.mail"),
        (
            {"accounts": {"pupils": {"address": PUPIL, "user": "x", "password_file": "none"}}},
            "it must hold the password of pupil@school.test",
        ),
    ],
)
def test_a_declaration_that_is_not_whole_is_refused_in_a_sentence(
    posted: Posted, mail: dict[str, Any] | None, sentence: str
) -> None:
    whole = posted.mail | (mail or {})
    given = {key: value for key, value in whole.items() if value != LEFT_OUT}
    declared = None if mail is None else given
    campaign = posted.write(service={"name": "Filter", "mail": declared})
    assert sentence in said(posted.send(campaign))
    assert not posted.journal.exists()


def test_a_corpus_that_is_none_is_refused_and_marked_spam_is_left_out(posted: Posted) -> None:
    campaign = posted.write()
    assert "no-such" in said(posted.send(campaign, *LITTLE, "--spam", posted.folder / "no-such"))
    spam = invented_spam(posted.folder / "spam.mbox", 2)
    spam.write_text(spam.read_text().replace("Subject: Offer 1", "Subject: [SPAM] Offer 1"))
    done = posted.send(campaign, *LITTLE, "--spam", spam)
    assert 0 == done.exit_code
    assert 1 == sum(one.case == "in:spam:corpus" for one in posted.known().sent)


def test_a_mailbox_that_cannot_be_read_leaves_the_journal_as_it_is(posted: Posted) -> None:
    posted.send(posted.write())
    spool = posted.spool()
    broken = posted.folder / "broken.jsonl"
    broken.write_bytes(spool.read_bytes()[:-5])
    text = posted.folder / "text"
    text.write_text("This is no mailbox.\n")
    for path, sentence in (
        (broken, "the last line is cut off"),
        (posted.folder / "none", "no such file"),
        (text, "is neither a spool of mails nor an mbox file"),
    ):
        assert sentence in said(posted.run("import", posted.journal, spool, path))
    assert not posted.known().readings
    assert not any(one.arrivals for one in posted.known().sent)


def test_without_mails_there_is_nothing_to_read_for(posted: Posted) -> None:
    posted.send(posted.write(), "--ham", "0", "--each", "0")
    spool = posted.folder / "mails.jsonl"
    write_spool(spool, [], posted.began, posted.began)
    assert "send them first" in said(posted.run("import", posted.journal, spool))


def test_times_in_which_a_receiver_did_not_work_are_named(posted: Posted) -> None:
    posted.send(posted.write(), "--ham", "2", "--each", "0")
    spool = posted.folder / "mails.jsonl"
    later = posted.began + timedelta(hours=2)
    write_spool(spool, [], posted.began, posted.began)
    with spool.open("ab") as file:
        file.write(msgspec.json.encode(note_at(later)) + b"\n")
    done = posted.run("import", posted.journal, spool)
    assert 0 == done.exit_code, done.output
