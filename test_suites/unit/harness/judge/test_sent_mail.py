"""What became of a mail, by the answers of the service's servers and by what mailboxes hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from harness.interop.mail_join import MailJoin
from harness.judge.sent_mail import CARRIES, SentMails
from harness.model.corpus import Item
from harness.model.facts import LogFileFacts
from harness.model.facts_base import FactsBase
from harness.model.mail_case import (
    CASES,
    MailCase,
    case_named,
    mail_case,
    mail_item,
    mail_items,
    message_id_of,
    reference_of,
)
from harness.model.mail_facts import (
    MOST_ARRIVALS,
    UNKNOWN_MAILS,
    KnownBy,
    MailArrival,
    MailArrivalFacts,
    MailFacts,
    MailPlace,
    MailStage,
)
from harness.model.observation import AttemptKey, Failure, Observation
from harness.model.received_mail import Held, ReceivedMail
from harness.model.service_log import ROUND
from harness.model.service_mail import MAIL_LINE, MAILBOX, READ_AFTER, MailState, SentMail

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PUPIL = "pupil@school.test"
SENDER = "office@tester.test"
WALLED = case_named("in:walled:text")
INFECTED, CLEAN = case_named("in:infected:zip"), case_named("in:clean:zip")
HAM, SPAM = case_named("in:ham:school"), case_named("in:spam:corpus")


def observed(
    item: Item, facts: FactsBase | None, role: str = "logged", number: int = 1
) -> Observation:
    key = AttemptKey(
        campaign="c", item=item.id, probe="mail", line=MAIL_LINE, profile="pupils",
        round=ROUND + number,
    )  # fmt: skip
    return Observation(key=key, item=item, started=NOON, batch=1, role=role, facts=facts)  # type: ignore[arg-type]


def given(case: MailCase, stage: MailStage = "content", code: int | None = 250) -> Observation:
    facts = MailFacts(server="relay", stage=stage, code=code, recipient=PUPIL, seconds=2.0)
    return observed(mail_item(case, "a draw"), facts)


def arrived(case: MailCase, *arrivals: MailArrival, number: int = 1) -> Observation:
    facts = MailArrivalFacts(arrivals=arrivals)
    return observed(mail_item(case, "a draw"), facts, "log", number)


def arrival(
    case: MailCase,
    place: MailPlace = "inbox",
    *,
    is_notice: bool = False,
    holds: Sequence[str] | None = None,
    to: tuple[str, ...] = (PUPIL,),
    marks: tuple[str, ...] = (),
    known_by: tuple[KnownBy, ...] = (),
) -> MailArrival:
    return MailArrival(
        at=NOON + timedelta(seconds=9),
        place=place,
        to=to,
        is_notice=is_notice,
        spam_marks=marks,
        known_by=known_by,
        holds=tuple(holds if holds is not None else (CARRIES.get(case.kind, "text"),)),
    )


def read(until: timedelta | None) -> Observation:
    """A mailbox that could receive mail from an hour before the mails until that long after."""
    item = Item(id="log-reading-1", value="mailbox", labels=("CTRL",), kind="vector")
    last = NOON + until if until is not None else None
    facts = LogFileFacts(
        format=MAILBOX, sha256="0", bytes=0, lines=1, entries=1,
        first=NOON - timedelta(hours=1), last=last,
    )  # fmt: skip
    return observed(item, facts, "log")


def judged(*seen: Observation) -> dict[str, SentMail]:
    mails = SentMails()
    assert not list(mails.separate(seen))
    mails.judge()
    return {one.case: one for one in mails.mail.sent}


@pytest.mark.parametrize(
    ("stage", "code", "state"),
    [
        ("content", 550, "refused"),
        ("recipient", 550, "refused early"),
        ("sender", 553, "refused early"),
        ("hello", 502, "refused early"),
        ("recipient", 451, "deferred"),
        ("content", 452, "deferred"),
        ("greeting", 554, "not sent"),
        ("connect", None, "not sent"),
        ("tls", 220, "not sent"),
    ],
)
def test_what_the_server_answered(stage: MailStage, code: int | None, state: MailState) -> None:
    assert state == judged(given(INFECTED, stage, code))[INFECTED.name].state


@pytest.mark.parametrize(
    ("case", "seen", "state"),
    [
        (INFECTED, arrival(INFECTED), "arrived"),
        (INFECTED, arrival(INFECTED, marks=("X-Spam-Flag: YES",)), "marked"),
        (INFECTED, arrival(INFECTED, "junk"), "junk"),
        (INFECTED, arrival(INFECTED, "quarantine"), "quarantined"),
        (INFECTED, arrival(INFECTED, holds=("text", "attachment")), "without content"),
        (INFECTED, arrival(INFECTED, is_notice=True, to=(SENDER,)), "bounced"),
        (INFECTED, arrival(INFECTED, is_notice=True, holds=("text", "attachment")), "bounced"),
        (INFECTED, arrival(INFECTED, is_notice=True), "arrived"),
        (WALLED, arrival(WALLED, is_notice=True), "bounced"),
        (WALLED, arrival(WALLED, is_notice=True, known_by=("words",)), "arrived"),
        (WALLED, arrival(WALLED, is_notice=True, known_by=("message id", "reference")), "bounced"),
        (WALLED, arrival(WALLED, is_notice=True, known_by=("words",), to=(SENDER,)), "bounced"),
        (INFECTED, arrival(INFECTED, to=("admin@school.test",)), "open"),
        (INFECTED, arrival(INFECTED, to=()), "arrived"),
        (HAM, arrival(HAM, holds=()), "without content"),
    ],
)
def test_what_was_found_of_an_accepted_mail(
    case: MailCase, seen: MailArrival, state: MailState
) -> None:
    assert state == judged(given(case), arrived(case, seen))[case.name].state


def test_the_arrival_that_is_worst_for_the_service_counts() -> None:
    several = arrived(
        INFECTED, arrival(INFECTED, "quarantine"), arrival(INFECTED, is_notice=True, to=(SENDER,))
    )
    assert "quarantined" == judged(given(INFECTED), several)[INFECTED.name].state
    later = arrived(INFECTED, arrival(INFECTED), number=2)
    assert "arrived" == judged(given(INFECTED), several, later)[INFECTED.name].state


def test_what_a_second_reading_repeats_counts_once() -> None:
    again = [arrived(HAM, arrival(HAM), number=number) for number in (1, 2)]
    assert 1 == len(judged(given(HAM), *again)[HAM.name].arrivals)


def test_a_mail_that_never_arrived_is_withheld_only_beside_its_twin() -> None:
    after = READ_AFTER + timedelta(seconds=2)
    clean = given(CLEAN), arrived(CLEAN, arrival(CLEAN))
    assert "withheld" == judged(given(INFECTED), *clean, read(after))[INFECTED.name].state
    for missing in (
        (given(INFECTED), read(after)),
        (given(INFECTED), given(CLEAN), read(after)),
        (given(INFECTED), *clean),
        (given(INFECTED), *clean, read(None)),
        (given(INFECTED), *clean, read(after - timedelta(seconds=1))),
        (given(INFECTED), given(HAM), arrived(HAM, arrival(HAM)), read(after)),
    ):
        assert "open" == judged(*missing)[INFECTED.name].state


def test_a_twin_of_another_sending_shows_nothing() -> None:
    after = READ_AFTER + timedelta(seconds=2)
    facts = MailFacts(server="relay", stage="content", code=250, recipient=PUPIL)
    clean = observed(mail_item(CLEAN, "a draw"), facts, number=2)
    seen = judged(given(INFECTED), clean, arrived(CLEAN, arrival(CLEAN)), read(after))
    assert "open" == seen[INFECTED.name].state


def test_a_server_that_could_not_be_reached_took_nothing() -> None:
    failed = observed(mail_item(HAM, "a draw"), None)
    failure = Failure(name="connection_refused", stage="connect")
    seen = judged(msgspec.structs.replace(failed, failure=failure))[HAM.name]
    assert ("not sent", None, None) == (seen.state, seen.accepted, seen.delay)


def test_the_delay_is_from_the_last_answer_of_the_server() -> None:
    assert 7.0 == judged(given(HAM), arrived(HAM, arrival(HAM)))[HAM.name].delay


def test_other_observations_pass() -> None:
    other = observed(Item(id="x", value="http://a.test/", labels=("CTRL",)), None, "log")
    assert [other] == list(SentMails().separate([other]))


def test_the_name_of_each_case_is_in_its_stratum() -> None:
    assert len(CASES) == len({case.name for case in CASES})
    for case in CASES:
        assert case == mail_case(mail_item(case, "x").stratum) == case_named(case.name)
    for text in ("CTRL/mail:in:infected", "CTRL/alert:x", "CTRL", "CTRL/mail:up:ham:school"):
        assert mail_case(text) is None


def test_mails_are_drawn_in_a_mixed_order_with_ids_of_their_own() -> None:
    counts = {HAM: 40, CLEAN: 5}
    made = list(mail_items("one", counts))
    assert 45 == len({item.id for item in made})
    assert made == list(mail_items("one", counts))
    assert {item.id for item in made}.isdisjoint(item.id for item in mail_items("two", counts))
    kinds = [mail_case(item.stratum) for item in made]
    assert kinds != sorted(kinds, key=lambda case: case.name if case else "")


def received(
    *message_ids: str,
    references: tuple[str, ...] = (),
    sender: str = "a@tester.test",
    holds: tuple[Held, ...] = ("text",),
) -> ReceivedMail:
    return ReceivedMail(
        at=NOON, to=(PUPIL,), sender=sender, message_ids=message_ids, references=references,
        holds=holds,
    )  # fmt: skip


def test_mails_are_recognised_by_their_id_or_their_reference() -> None:
    items = [mail_item(HAM, f"draw {number}") for number in range(6)]
    digests = [item.id.removeprefix("mail-") for item in items]
    names = [message_id_of(digest, "tester.test") for digest in digests]
    join = MailJoin(observed(item, None) for item in items)
    join.add(received(names[0].upper()), "inbox")
    join.add(received("other@relay", references=(reference_of(digests[1]),)), "junk")
    join.add(received("bounce@relay", names[2], sender=""), "inbox")
    join.add(received("", references=(reference_of(digests[3]),), sender=""), "inbox")
    join.add(received("a@b", references=("00-000000-0000",)), "inbox")
    # a mail of the test that mentions another one
    join.add(received(names[4], references=(reference_of(digests[0]),)), "inbox")
    found = {item: facts.arrivals for item, facts in join.found.items()}
    assert {one.id for one in items[:5]} | {UNKNOWN_MAILS} == set(found)
    assert 1 == join.unknown
    seen = [(one.place, one.is_notice) for item in items[:5] for one in found[item.id]]
    assert [
        ("inbox", False), ("junk", False), ("inbox", True), ("inbox", True), ("inbox", False),
    ] == seen  # fmt: skip


def test_memory_does_not_grow_with_copies_of_a_mail() -> None:
    item = mail_item(HAM, "a draw")
    join = MailJoin([observed(item, None)])
    name = message_id_of(item.id.removeprefix("mail-"), "tester.test")
    for _ in range(MOST_ARRIVALS + 5):
        join.add(received(name), "inbox")
    found = join.found[item.id]
    assert (MOST_ARRIVALS, 5) == (len(found.arrivals), found.more)


def unknown_in(*seen: Observation) -> int:
    mails = SentMails()
    assert not list(mails.separate(seen))
    mails.judge()
    return mails.mail.unknown


def test_mails_of_nobody_count_until_a_later_reading_knows_them() -> None:
    item = Item(id=UNKNOWN_MAILS, value=UNKNOWN_MAILS, labels=("CTRL",), kind="vector")
    own = MailArrival(at=NOON, place="inbox", mark="1")
    other = [MailArrival(at=NOON, place="inbox", mark=mark) for mark in ("2", "3")]
    found = observed(item, MailArrivalFacts(arrivals=tuple(other)), "log")
    again = observed(item, MailArrivalFacts(arrivals=tuple(other[:1]), more=4), "log", 2)
    assert 2 == unknown_in(given(HAM), arrived(HAM, own), found)
    assert 6 == unknown_in(given(HAM), arrived(HAM, own), found, again)
    assert 1 == unknown_in(given(HAM), arrived(HAM, own), found, arrived(HAM, other[0], number=2))
    assert 0 == unknown_in(given(HAM), arrived(HAM, own))


def test_what_an_older_version_read_and_did_not_know_counts() -> None:
    """It kept how many mails a mailbox held; here one, of which one or none was known."""
    assert 0 == unknown_in(given(HAM), arrived(HAM, arrival(HAM)), read(None))
    assert 1 == unknown_in(given(HAM), read(None))


def test_references_look_like_those_of_an_office() -> None:
    references = {reference_of(mail_item(HAM, str(n)).id.removeprefix("mail-")) for n in range(500)}
    assert 500 == len(references)
    assert all([2, 6, 4] == [len(part) for part in each.split("-")] for each in references)


def test_spam_of_a_corpus_is_withheld_beside_legitimate_mail() -> None:
    after = READ_AFTER + timedelta(seconds=2)
    seen = judged(given(SPAM), given(HAM), arrived(HAM, arrival(HAM)), read(after))
    assert "withheld" == seen[SPAM.name].state
