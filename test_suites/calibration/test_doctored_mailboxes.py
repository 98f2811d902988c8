"""EML through the command line: mail that arrived in another form counts, or nothing counts for the service.

One campaign is measured once, over a service that takes every mail; each mailbox is then written by
hand, imported and concluded.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.model.mail_case import MailCase, mail_case
from harness.model.mail_facts import MailFacts
from harness.store.journal.journal import open_journal
from probes.mail.invented_spam import invented_spam
from probes.mail.sender_domains import new_key
from probes.mail.smtp_client import Delivered, Letter, MailServer
from test_suites.calibration.test_service_mail import (
    DESK,
    FRIEND,
    PUPIL,
    ROWS,
    SCHEME,
    SMALL,
    Later,
)
from test_suites.kit.campaigns.rehearsal import rehearse, simulated_origin, write_campaign
from test_suites.kit.clocks.right_clock import synchronised

CONFORMS, FAILS, OPEN = "conforms", "does-not-conform", "insufficient"
ABSENCE = ("EML-01", "EML-02", "EML-03")
"""The rows that unwanted mail must not arrive for."""
OUTSIDE = "relay@service.example"


class Posted(NamedTuple):
    """A mail that the service took."""

    case: MailCase
    letter: Letter

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.letter.content, policy=policy.SMTP)


class Stored(NamedTuple):
    """A mail in a mailbox: the sender of its envelope, to whom it was delivered, and its bytes."""

    sender: str
    to: str
    raw: bytes
    late: timedelta = timedelta(0)


class World(NamedTuple):
    """The finished campaign, the mails that the service took, and when."""

    folder: Path
    posted: list[Posted]
    at: datetime


Doctor = Callable[[Posted], Stored]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("mail")
    (folder / "scheme.yaml").write_text(SCHEME)
    letters: list[Letter] = []

    async def taken(server: MailServer, letter: Letter, hello: str) -> Delivered:
        letters.append(letter)
        facts = MailFacts(
            server=server.name, stage="content", code=250, offers=("STARTTLS",), encrypted=True,
            sender=letter.sender, recipient=letter.recipient, message_id=letter.message_id,
        )  # fmt: skip
        return Delivered(facts=facts)

    mail = {
        "incoming": "127.0.0.1:25", "outgoing": "127.0.0.1:587", "outside": DESK,
        "accounts": {"pupils": {"address": PUPIL}}, "restricted": {"address": SMALL},
        "partner": FRIEND,
    }  # fmt: skip
    block = ["DRUG", "GAMB", "copper-meadow.accredit.test"]
    services = {"mail": {"dkim": new_key()}}
    campaign = write_campaign(
        folder,
        origin=simulated_origin(folder, twin_zone="orchard-view.test", services=services),
        lines=[{"name": "line", "type": "simulated", "options": {"block": block}}],
        categories=["DRUG"],
        sample=3,
        control={"type": "simulated"},
        scheme="scheme.yaml",
        service={"name": "Filter", "mail": mail},
    )
    rehearse(campaign)
    spam = invented_spam(folder / "spam.mbox", 80)
    with synchronised(), pytest.MonkeyPatch.context() as patched:
        patched.setattr("harness.cli.mail_post.deliver", taken)
        words = ["--spam", spam, "--ham", 44, "--each", 1, "--out", folder / "out"]
        done = CliRunner().invoke(app, ["mail", "send", str(campaign), *map(str, words)])
    assert 0 == done.exit_code, done.output
    at, cases = datetime.now(UTC), sent_mails(folder)
    return World(folder, [Posted(cases[one.message_id], one) for one in letters], at)


def sent_mails(folder: Path) -> dict[str, MailCase]:
    """The cases of the mails that were sent, by their Message-IDs."""
    with closing(open_journal(folder / "out" / "rehearsal" / "journal")) as journal:
        facts = [(mail_case(one.item.stratum), one.facts) for one in journal.sentinels()]
    return {one.message_id: case for case, one in facts if case and isinstance(one, MailFacts)}


# Services


def as_sent(one: Posted) -> Stored:
    return Stored(one.letter.sender, one.letter.recipient, one.letter.content)


def anew(one: Posted, mail: EmailMessage) -> Stored:
    """A mail under a new Message-ID, from another author, written a minute later."""
    for name in ("Message-ID", "Date", "DKIM-Signature", "In-Reply-To", "References"):
        del mail[name]
    number = crc32(one.letter.content)
    mail["Message-ID"] = f"<{number}@service.example>"
    mail["Date"] = format_datetime(datetime.now(UTC) + timedelta(seconds=number % 997))
    return Stored(OUTSIDE, one.letter.recipient, mail.as_bytes())


def renumbered(text: str) -> str:
    """A text whose reference numbers have blanks between their digits."""
    return re.sub(r"\d{2}-\d{6}-\d{4}", lambda found: " ".join(found[0].replace("-", "")), text)


def without_number(text: str) -> str:
    return re.sub(r"\d{2}-\d{6}-\d{4}", "your letter", text)


def retold(
    one: Posted, change: Callable[[str], str], coding: str = "8bit", *, name: str = ""
) -> EmailMessage:
    """The mail with its texts changed, in another coding, its files under another name."""
    mail = one.mail
    for number, part in enumerate(mail.walk()):
        if part.get_content_maintype() == "text" and not part.is_attachment():
            kind = part.get_content_subtype()
            raw = part.get_payload(decode=True)
            assert isinstance(raw, bytes)
            body = raw.decode(part.get_content_charset("utf-8"))
            kept = [
                (key, value)
                for key, value in part.items()
                if part is mail and not key.lower().startswith("content-")
            ]
            part.set_content(change(body), subtype=kind, charset="utf-8", cte=coding)
            for key, value in kept:
                del part[key]
                part[key] = value
        elif name and part.is_attachment():
            part.replace_header("Content-Disposition", f'attachment; filename="{name}-{number}"')
            part.set_param("name", f"{name}-{number}")
    return mail


def with_new_ids(one: Posted) -> Stored:
    return anew(one, retold(one, renumbered))


def with_new_subject(one: Posted) -> Stored:
    stored = with_new_ids(one)
    mail = message_from_bytes(stored.raw, policy=policy.SMTP)
    del mail["Subject"]
    mail["Subject"] = "A message for you"
    return stored._replace(raw=mail.as_bytes())


def in_base64(one: Posted) -> Stored:
    return anew(one, retold(one, without_number, "base64"))


def with_files_renamed(one: Posted) -> Stored:
    return anew(one, retold(one, without_number, name="document"))


def under_a_banner(one: Posted) -> Stored:
    banner = "CAUTION: external mail that holds a test string. Do not open it.\n\n"
    footer = "\n\nThis mail was checked by Safe Net. " + "It is confidential. " * 40
    return anew(one, retold(one, lambda text: banner + without_number(text) + footer))


def wrapped(one: Posted) -> Stored:
    """The whole mail as the attachment of a notice that nobody sent."""
    outer = EmailMessage(policy=policy.SMTP)
    outer["Message-ID"] = f"<{crc32(one.letter.content)}@service.example>"
    outer["Auto-Submitted"] = "auto-generated"
    outer.set_content("Please find a message attached.\n")
    outer.add_attachment(message_from_bytes(anew(one, one.mail).raw, policy=policy.SMTP))
    return Stored("", one.letter.recipient, outer.as_bytes())


def without_headers(one: Posted) -> Stored:
    """The mail with the fields of its content alone."""
    mail = one.mail
    for name in {name for name in mail if not name.lower().startswith("content-")}:
        del mail[name]
    return Stored(OUTSIDE, one.letter.recipient, mail.as_bytes())


def for_somebody_else(one: Posted) -> Stored:
    return anew(one, one.mail)._replace(to="assistant@school.test")


def with_other_words(one: Posted) -> Stored:
    """Nothing of the mail is left but what the service had to stop."""
    return anew(
        one, retold(one, lambda text: " ".join(one for one in text.split() if len(one) > 24))
    )


def long_before(one: Posted) -> Stored:
    return with_other_words(one)._replace(late=timedelta(days=-30))


def by_a_program(one: Posted) -> Stored:
    """Other words, and it says that a program wrote it."""
    stored = with_other_words(one)
    marked = b"Auto-Submitted: auto-generated\r\n" + stored.raw
    return stored._replace(raw=marked)


DOCTORED: dict[str, tuple[Doctor, frozenset[str]]] = {
    # what is done with each unwanted mail, and the rows that fail for certain
    "delivered as it is": (as_sent, frozenset(ABSENCE)),
    "new ids, blanks in the reference": (with_new_ids, frozenset(ABSENCE)),
    "a new subject as well": (with_new_subject, frozenset(ABSENCE)),
    "texts in base64, no reference": (in_base64, frozenset(ABSENCE)),
    "attachments renamed": (with_files_renamed, frozenset(ABSENCE)),
    "a banner and a footer": (under_a_banner, frozenset(ABSENCE)),
    "each wrapped in a notice": (wrapped, frozenset(ABSENCE)),
    "headers stripped": (without_headers, frozenset(ABSENCE)),
    "to another address": (for_somebody_else, frozenset()),
    "other words": (with_other_words, frozenset()),
    "other words, by a program": (by_a_program, frozenset()),
    "other words, and an earlier date": (long_before, frozenset()),
}


def concluded(
    world: World, folder: Path, *mailboxes: Iterable[Stored]
) -> dict[str, dict[str, Any]]:
    """The outcomes by row after the mailboxes were imported one after the other."""
    shutil.copytree(world.folder / "out", folder / "out")
    journal = folder / "out" / "rehearsal" / "journal"
    for number, mails in enumerate(mailboxes):
        mbox = folder / f"{number}.mbox"
        mbox.write_bytes(b"".join(stored_in_mbox(one, world.at) for one in mails))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("harness.cli.mail.WallClock", Later)
            read = CliRunner().invoke(app, ["mail", "import", str(journal), str(mbox)])
        assert 0 == read.exit_code, read.output
    ended = CliRunner().invoke(app, ["conclude", str(journal), "--json"])
    outcomes = json.loads(ended.stdout)["outcomes"]
    return {one["requirement"]["id"]: one for one in outcomes}


def stored_in_mbox(one: Stored, at: datetime) -> bytes:
    """A mail as a server keeps it: what it noted of the envelope stands at the top."""
    noted = (
        f"Return-Path: <{one.sender}>\r\nDelivered-To: {one.to}\r\n"
        f"Received: from relay by mx; {format_datetime(at + timedelta(seconds=4) + one.late)}\r\n"
    )
    lines = (noted.encode() + one.raw).replace(b"\r\n", b"\n").split(b"\n")
    body = b"\n".join(b">" + line if line.startswith(b"From ") else line for line in lines)
    return b"From relay@service.example Mon Mar  2 12:00:00 2026\n" + body.rstrip(b"\n") + b"\n\n"


def wanted(world: World) -> list[Stored]:
    return [as_sent(one) for one in world.posted if not one.case.is_unwanted]


def conformities(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {row: found[row]["conformity"] for row in ROWS}


def test_a_service_that_holds_back_what_it_must_conforms(world: World, tmp_path: Path) -> None:
    """It tells each recipient of a mail that it held back."""
    notice = (
        b"From: postmaster@service.example\r\nAuto-Submitted: auto-generated\r\n"
        b"Subject: A message was not delivered\r\n\r\nWe held back a message for you.\r\n"
    )
    held = [one for one in world.posted if one.case.is_unwanted]
    notices = [Stored("", one.letter.recipient, notice) for one in held]
    found = concluded(world, tmp_path, [*wanted(world), *notices])
    assert dict.fromkeys(ROWS, CONFORMS) == conformities(found), found


@pytest.mark.parametrize("name", DOCTORED)
def test_unwanted_mail_that_arrived_in_another_form_never_conforms(
    world: World, tmp_path: Path, name: str
) -> None:
    doctor, certain = DOCTORED[name]
    unwanted = [doctor(one) for one in world.posted if one.case.is_unwanted]
    found = conformities(concluded(world, tmp_path, [*wanted(world), *unwanted]))
    assert CONFORMS not in {found[row] for row in ABSENCE}, found
    assert certain <= {row for row in ROWS if found[row] == FAILS}, found


def test_unwanted_mails_in_one_digest_are_found(world: World, tmp_path: Path) -> None:
    """All of an account are in one mail, whose sender and id are new."""
    digests = []
    for account in (PUPIL, DESK, SMALL):
        digest = EmailMessage(policy=policy.SMTP)
        digest["Message-ID"], digest["Subject"] = "<digest@service.example>", "Your messages"
        digest.set_content("These messages came for you.\n")
        for one in world.posted:
            if one.case.is_unwanted and one.letter.recipient == account:
                digest.add_attachment(
                    message_from_bytes(anew(one, one.mail).raw, policy=policy.SMTP)
                )
        digests.append(Stored(OUTSIDE, account, digest.as_bytes()))
    found = conformities(concluded(world, tmp_path, [*wanted(world), *digests]))
    assert {"EML-02": FAILS, "EML-03": FAILS} == {row: found[row] for row in ABSENCE[1:]}
    assert CONFORMS != found["EML-01"]


def test_an_unwanted_mail_merged_with_a_wanted_one_is_found(world: World, tmp_path: Path) -> None:
    ham = cycle([one for one in world.posted if one.case.kind == "ham"])
    merged = []
    for one in world.posted:
        if one.case.is_unwanted and one.case.kind != "spam":
            outer = next(ham).mail
            if outer.get_content_subtype() != "mixed":
                outer.make_mixed()
            outer.add_attachment(message_from_bytes(anew(one, one.mail).raw, policy=policy.SMTP))
            merged.append(Stored(OUTSIDE, one.letter.recipient, outer.as_bytes()))
    found = conformities(concluded(world, tmp_path, [*wanted(world), *merged]))
    assert {"EML-02": FAILS, "EML-03": FAILS} == {row: found[row] for row in ABSENCE[1:]}


def test_what_comes_after_the_mailbox_was_read_is_found_when_it_is_read_again(
    world: World, tmp_path: Path
) -> None:
    late = [with_new_ids(one) for one in world.posted if one.case.is_unwanted]
    first = wanted(world)
    found = conformities(concluded(world, tmp_path, first, [*first, *late]))
    assert dict.fromkeys(ABSENCE, FAILS) == {row: found[row] for row in ABSENCE}


def test_mails_of_other_people_leave_what_is_missing_open(world: World, tmp_path: Path) -> None:
    other = b"From: mum@home.example\r\nTo: pupil@school.test\r\nSubject: Tea\r\n\r\nAt five?\r\n"
    others = [Stored("mum@home.example", PUPIL, other + b"x" * number) for number in range(3)]
    found = concluded(world, tmp_path, [*wanted(world), *others])
    assert dict.fromkeys(ABSENCE, OPEN) == {row: conformities(found)[row] for row in ABSENCE}
    assert CONFORMS == found["EML-04"]["conformity"]
    assert all("3 mails belong to none" in str(found[row]["reasons"]) for row in ABSENCE)
