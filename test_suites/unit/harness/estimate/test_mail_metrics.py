"""EML-01 to EML-05: what mail shows, what it does not show, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from msgspec import structs

from harness.estimate.item_selection import Selection
from harness.estimate.mail_metrics import NO_CORPUS
from harness.estimate.mail_selection import NOT_DECLARED, NOT_READ, NOT_SENT, STATE_WORDS
from harness.model.campaign import Campaign
from harness.model.mail_case import (
    CASES,
    TWIN_OF,
    VARIANTS,
    MailCase,
    MailKind,
    case_named,
    mail_item,
)
from harness.model.mail_facts import MailArrival, MailFacts
from harness.model.outcome import Conformity
from harness.model.service_log import LogReading
from harness.model.service_mail import MailState, SentMail, ServiceMail
from harness.model.service_records import ServiceRecords
from harness.schemes.load import find_row
from test_suites.kit.campaigns.memory_fold import MemoryFold
from test_suites.unit.harness.estimate.selected_outcome import outcome, some_changed

CONFORMS, FAILS, OPEN = Conformity
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROWS = ("EML-01", "EML-02", "EML-03", "EML-04", "EML-05")
ENCRYPTED = MailFacts(server="relay", stage="content", offers=("starttls",), encrypted=True)
DECLARED: dict[str, Any] = {
    "accounts": {"pupils": {"address": "pupil@school.test"}},
    "outside": "desk@tester.test",
}

Change = Callable[[SentMail], SentMail]


def mail(case: MailCase, turn: int) -> SentMail:
    """A mail that was handled as it has to be."""
    state: MailState = "refused" if case.is_unwanted else "arrived"
    accepted = None if case.is_unwanted else NOON
    came = MailArrival(at=NOON + timedelta(seconds=3), place="inbox")
    return SentMail(
        item=mail_item(case, f"a draw {turn}").id,
        case=case.name,
        direction=case.direction,
        profile="pupils",
        sending=1,
        started=NOON,
        accepted=accepted,
        state=state,
        facts=ENCRYPTED,
        arrivals=() if case.is_unwanted else (came,),
    )


def number_of(case: MailCase) -> int:
    special = {("ham", "school"): 300, ("spam", "corpus"): 300}
    return special.get((case.kind, case.variant), 3)


GOOD = tuple(mail(case, turn) for case in CASES for turn in range(number_of(case)))


def selection(
    row: str,
    sent: Iterable[SentMail] = GOOD,
    *,
    is_read: bool = True,
    declared: dict[str, Any] | None = DECLARED,
) -> Selection:
    requirement = find_row(row)
    assert requirement is not None
    reading = LogReading(
        number=1, at=NOON, looked_before=None, format="mailbox", sha256="0", lines=9, changes=0,
        covers=(), first=NOON, last=NOON, searched=0, secrets=(),
    )  # fmt: skip
    known = ServiceMail(sent=tuple(sent), readings=(reading,) if is_read else ())
    return Selection(
        requirement=requirement,
        results=(),
        alpha=0.05,
        verdict_counts=MemoryFold(()),
        line="proxy",
        profile="pupils",
        records=ServiceRecords(mail=known),
        campaign=Campaign.model_validate(
            {
                "campaign": "mail",
                "service": {"name": "Filter", "mail": declared},
                "lines": ({"name": "proxy", "type": "explicit_proxy"},),
                "profiles": {"pupils": {"phase": "ks2"}},
                "corpora": ({"pack": "canary"},),
            }
        ),
    )


def became(state: MailState) -> Change:
    arrived = MailArrival(at=NOON + timedelta(seconds=3), place="inbox")
    came = state in ("arrived", "marked", "junk", "without content")
    return lambda one: structs.replace(
        one, state=state, accepted=NOON, arrivals=(arrived,) if came else ()
    )


def changed(
    test: Callable[[MailCase], bool], how: Change, most: int = 10_000
) -> tuple[SentMail, ...]:
    """``GOOD``, with ``most`` of the mails for which ``test`` holds changed."""
    return tuple(some_changed(GOOD, lambda one: test(case_named(one.case)), how, most))


def of(kind: MailKind, variant: str = "", direction: str = "") -> Callable[[MailCase], bool]:
    return lambda case: (
        case.kind == kind and variant in ("", case.variant) and direction in ("", case.direction)
    )


@pytest.mark.parametrize("row", ROWS)
def test_mail_that_is_handled_as_it_has_to_be_conforms(row: str) -> None:
    found = outcome(selection(row))
    assert found.conformity is CONFORMS, found.reasons


@pytest.mark.parametrize("row", ROWS)
def test_without_mail_or_a_mailbox_or_a_declaration_nothing_is_decided(row: str) -> None:
    for chosen, why in (
        (selection(row, ()), NOT_SENT),
        (selection(row, is_read=False), NOT_READ),
        (selection(row, declared=None), NOT_DECLARED),
    ):
        found = outcome(chosen)
        assert found.conformity is OPEN
        assert why in found.reasons


@pytest.mark.parametrize(
    ("row", "sent"),
    [
        ("EML-01", changed(of("spam"), became("arrived"), 60)),
        ("EML-01", changed(of("ham", "school"), became("junk"), 60)),
        ("EML-02", changed(of("infected", "nested-zip", "out"), became("arrived"), 1)),
        ("EML-02", changed(of("infected", "plain", "in"), became("marked"), 1)),
        ("EML-02", changed(of("infected", "plain", "in"), became("junk"), 1)),
        ("EML-03", changed(of("language", "subject", "in"), became("arrived"), 1)),
        ("EML-03", changed(of("image", "inline", "out"), became("marked"), 1)),
        ("EML-03", changed(of("walled"), became("arrived"), 1)),
        ("EML-03", changed(of("partner"), became("refused"), 1)),
        ("EML-03", changed(of("mild", "html"), became("withheld"), 1)),
        ("EML-04", changed(of("ham", "school"), became("refused"), 20)),
        ("EML-04", changed(of("ham", "school"), became("marked"), 20)),
        ("EML-05", changed(of("forged", "spf"), became("arrived"), 1)),
        ("EML-05", changed(of("forged", "own-domain"), became("arrived"), 1)),
        ("EML-05", changed(of("signed"), became("junk"), 1)),
        ("EML-05", changed(of("ham"), became("withheld"), 400)),
    ],
)
def test_what_breaks_a_requirement_breaks_it(row: str, sent: tuple[SentMail, ...]) -> None:
    found = outcome(selection(row, sent))
    assert found.conformity is FAILS
    assert found.witnesses


@pytest.mark.parametrize("row", ["EML-01", "EML-02", "EML-03"])
def test_a_service_that_takes_no_mail_filters_none(row: str) -> None:
    refused = [structs.replace(one, state="refused", accepted=None, arrivals=()) for one in GOOD]
    assert outcome(selection(row, refused)).conformity is not CONFORMS


@pytest.mark.parametrize("kind", ["infected", "language", "image", "spam", "gtube"])
def test_a_refusal_before_the_content_was_sent_shows_nothing_about_it(kind: MailKind) -> None:
    early = changed(of(kind), became("refused early"))
    row = {"infected": "EML-02", "language": "EML-03", "image": "EML-03"}.get(kind, "EML-01")
    assert outcome(selection(row, early)).conformity is OPEN


def test_mail_between_a_restricted_account_and_others_may_be_refused_early() -> None:
    early = changed(of("walled"), became("refused early"))
    assert outcome(selection("EML-03", early)).conformity is CONFORMS


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("variant", sorted(VARIANTS["infected"]))
def test_each_way_to_attach_a_virus_must_be_tried_in_both_directions(
    variant: str, direction: str
) -> None:
    left = [one for one in GOOD if one.case != f"{direction}:infected:{variant}"]
    found = outcome(selection("EML-02", left))
    assert found.conformity is OPEN
    assert any("not tried" in reason for reason in found.reasons)


def test_an_archive_that_cannot_be_opened_may_pass_if_the_service_declares_it() -> None:
    sent = changed(of("infected", "encrypted"), became("arrived"))
    assert outcome(selection("EML-02", sent)).conformity is FAILS
    allowed = selection("EML-02", sent, declared={**DECLARED, "encrypted": "allow"})
    assert outcome(allowed).conformity is CONFORMS


@pytest.mark.parametrize("kind", ["language", "image", "mild", "walled", "partner"])
def test_each_part_of_the_policy_must_be_tried(kind: MailKind) -> None:
    left = [one for one in GOOD if case_named(one.case).kind != kind]
    assert outcome(selection("EML-03", left)).conformity is OPEN


def test_the_agreed_test_message_alone_does_not_show_that_spam_is_known() -> None:
    left = [one for one in GOOD if case_named(one.case).kind != "spam"]
    found = outcome(selection("EML-01", left))
    assert found.conformity is OPEN
    assert NO_CORPUS in found.reasons


def test_spam_may_be_marked_or_put_aside() -> None:
    for state in ("marked", "junk", "quarantined", "bounced", "withheld", "without content"):
        sent = changed(of("spam"), became(state))
        assert outcome(selection("EML-01", sent)).conformity is CONFORMS, state


def test_the_score_counts_a_legitimate_mail_thrice() -> None:
    sent = changed(of("ham", "school"), became("marked"), 6)
    metric = outcome(selection("EML-01", sent)).metric
    of_ham = sum(case_named(one.case).kind == "ham" for one in GOOD)
    assert metric.value == pytest.approx(1 - 3 * 6 / of_ham)
    assert (metric.lower or 0) < (metric.value or 0) < (metric.upper or 0)


@pytest.mark.parametrize("direction", ["in", "out"])
def test_legitimate_mail_must_arrive_in_both_directions(direction: str) -> None:
    left = [one for one in GOOD if one.case != f"{direction}:ham:school"]
    left = [one for one in left if one.direction != direction or ":ham:" not in one.case]
    assert outcome(selection("EML-04", left)).conformity is OPEN


def test_a_service_that_does_not_know_the_tester_holds_no_legitimate_mail_back() -> None:
    early = [
        structs.replace(one, state="refused early", accepted=None, arrivals=()) for one in GOOD
    ]
    assert outcome(selection("EML-04", early)).conformity is OPEN


def test_a_server_without_encryption_does_not_conform() -> None:
    plain = structs.replace(ENCRYPTED, offers=("size",), encrypted=False)
    for direction in ("in", "out"):
        sent = [
            structs.replace(one, facts=plain) if one.direction == direction else one for one in GOOD
        ]
        found = outcome(selection("EML-05", sent))
        assert found.conformity is FAILS
        assert any("offers TLS: no" in reason for reason in found.reasons)


def test_a_kind_of_forged_sender_that_was_not_tried_leaves_senders_open() -> None:
    for variant in sorted(VARIANTS["forged"]):
        left = [one for one in GOOD if one.case != f"in:forged:{variant}"]
        assert outcome(selection("EML-05", left)).conformity is OPEN


@pytest.mark.parametrize(("seconds", "conformity"), [(299.0, CONFORMS), (301.0, FAILS)])
def test_mail_must_arrive_within_five_minutes(seconds: float, conformity: Conformity) -> None:
    late = MailArrival(at=NOON + timedelta(seconds=seconds), place="inbox")
    sent = changed(of("ham"), lambda one: structs.replace(one, arrivals=(late,)))
    assert outcome(selection("EML-05", sent)).conformity is conformity


def test_a_mailbox_whose_clock_is_slow_shows_no_delay() -> None:
    early = MailArrival(at=NOON - timedelta(seconds=90), place="inbox")
    sent = changed(of("ham"), lambda one: structs.replace(one, arrivals=(early,)), 1)
    found = outcome(selection("EML-05", sent))
    assert found.conformity is OPEN
    assert any("90 s before it was sent" in reason for reason in found.reasons)


@pytest.mark.parametrize("state", ["open", "deferred", "not sent"])
@pytest.mark.parametrize("row", ROWS)
def test_mail_of_which_nothing_is_known_never_helps(row: str, state: MailState) -> None:
    unknown = [became(state)(one) for one in GOOD]
    assert outcome(selection(row, unknown)).conformity is OPEN


def test_every_unwanted_kind_has_a_harmless_one_and_every_state_words() -> None:
    unwanted = {case.kind for case in CASES if case.is_unwanted}
    assert unwanted == set(TWIN_OF)
    assert not unwanted & set(TWIN_OF.values())
    assert set(get_args(MailState)) == set(STATE_WORDS)


def test_what_is_wrong_is_named_with_the_answer_of_the_server() -> None:
    said = structs.replace(ENCRYPTED, code=550, reply="no such user")
    sent = changed(of("partner"), lambda one: structs.replace(one, state="refused", facts=said), 1)
    (found,) = outcome(selection("EML-03", sent)).witnesses
    assert ("it was refused", "the server answered 550 no such user") == found.saw


def test_another_profile_has_mails_of_its_own() -> None:
    chosen = selection("EML-02")
    others = replace(chosen, records=chosen.records.of("proxy", "staff"))
    assert NOT_SENT in outcome(others).reasons
