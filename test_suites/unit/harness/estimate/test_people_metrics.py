"""What follows from what people state: agreement, conditions, figures, expiry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from msgspec import structs

from harness.assess.outcomes import assess
from harness.estimate.estimate import function_of
from harness.estimate.item_selection import Selection
from harness.interop.people_file import people_observation
from harness.judge.people_answers import PeopleAnswers
from harness.model.metric_spec import spec_of
from harness.model.outcome import Conformity, Measurement, Outcome
from harness.model.people_facts import PeopleAnswerFacts, SeenDocument
from harness.model.people_metric_specs import JUDGED_BY_PEOPLE
from harness.model.people_question import CHOICES, UNKNOWN
from harness.model.scheme import Decision
from harness.model.service_records import ServiceRecords
from harness.schemes.load import find_row, whole_catalogue
from harness.schemes.people_questions import question_of, questions
from test_suites.kit.campaigns.people_stating import (
    BROKEN,
    GOVERNOR,
    LEAD,
    NOW,
    TODAY,
    both,
    days_ago,
    good,
    hours_ago,
    stated,
)
from test_suites.unit.harness.estimate.log_of_requests import selection as log_selection

FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
(RECORD,) = log_selection("LOG-01", ()).instrument
OF_PEOPLE = sorted(questions().keys() - {"LOG-05"})


def selection(requirement: str, answers: Iterable[PeopleAnswerFacts]) -> Selection:
    people = PeopleAnswers()
    made = [
        people_observation("c", one.requirement, one, number=number, at=NOW, batch=number)
        for number, one in enumerate(answers, 1)
    ]
    assert list(people.separate(made)) == []
    records = ServiceRecords(people=people.records)
    return replace(log_selection(requirement, ()), records=records, instrument=())


def outcome(requirement: str, answers: Iterable[PeopleAnswerFacts]) -> Outcome:
    return concluded(selection(requirement, answers))


def concluded(chosen: Selection) -> Outcome:
    measured = function_of(spec_of(chosen.measure.metric))(chosen)
    measurement = Measurement(
        requirement=chosen.requirement,
        profile="pupils",
        line="proxy",
        metric=measured.metric,
        witnesses=measured.witnesses,
        barred=measured.barred,
        conditions=measured.conditions,
        people=measured.people,
    )
    return assess([measurement], Decision())[0]


def test_the_questions_are_those_of_the_catalogue() -> None:
    metrics = {one.id: one.measure.metric for one in whole_catalogue()}

    assert {one.metric for one in questions().values() if not one.is_part} == JUDGED_BY_PEOPLE
    for one in questions().values():
        assert metrics[one.requirement] == one.metric
        assert one.is_part == (one.metric not in JUDGED_BY_PEOPLE)
        assert question_of(one.metric) == one
        row = find_row(one.requirement)
        assert row is not None
        assert row.rule in {"evidence", "functional", "census"}
        is_share = spec_of(one.metric).unit == "share"
        assert is_share or one.is_part or one.figure is not None
    evidence = {one.id for one in whole_catalogue() if one.rule == "evidence"} - {"TQ-07"}
    assert evidence <= questions().keys()


@pytest.mark.parametrize("requirement", OF_PEOPLE)
def test_good_answers_of_two_conform_and_name_both_with_the_expiry(requirement: str) -> None:
    found = outcome(requirement, both(requirement))

    assert found.conformity is CONFORMS, found.reasons
    assert found.people is not None
    assert [one.reviewer for one in found.people.answers] == [GOVERNOR, LEAD]
    assert found.people.expires is not None
    assert found.people.expires > TODAY


def adverse() -> list[tuple[str, str, str]]:
    """Each answer that speaks against a requirement by itself: its requirement, key and text."""
    found = []
    for requirement, question in questions().items():
        for ask in question.asks:
            if ask.kind in CHOICES and requirement != "LOG-05":
                against = CHOICES[ask.kind][1 if ask.wanted == "yes" else 0]
                found.append((requirement, ask.key, against))
    found += [(name, key, value) for name, other in BROKEN.items() for key, value in other.items()]
    found += [("PRF-09", "use_percent", "70"), ("SEC-01", "penetration_test", days_ago(367))]
    return sorted(set(found))


@pytest.mark.parametrize(
    ("requirement", "key", "value"),
    adverse(),
    ids=[f"{requirement}-{key}-{place}" for place, (requirement, key, _) in enumerate(adverse())],
)
def test_one_adverse_answer_of_both_is_a_failure(requirement: str, key: str, value: str) -> None:
    found = outcome(requirement, both(requirement, {key: value}))

    assert found.conformity is FAILS
    others = outcome(requirement, both(requirement, {key: good(requirement)[key]}))
    assert others.conformity is CONFORMS


@pytest.mark.parametrize("requirement", OF_PEOPLE)
def test_no_single_unknown_leaves_a_favourable_outcome(requirement: str) -> None:
    question = questions()[requirement]
    for ask in question.asks:
        found = outcome(requirement, both(requirement, {ask.key: UNKNOWN}))
        assert found.conformity is OPEN, ask.key
        assert "could not say it" in " ".join(found.reasons)
        by_one = [stated(requirement), stated(requirement, GOVERNOR, {ask.key: UNKNOWN})]
        assert outcome(requirement, by_one).conformity is OPEN, ask.key


def test_a_failure_stands_whatever_is_open_beside_it() -> None:
    answers = both("ILL-08", {"tested": UNKNOWN, "ctiru": "missing"})
    assert outcome("ILL-08", answers).conformity is FAILS


FULLWIDTH = LEAD.translate({code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1)})
"""The name of the lead in full-width letters (U+FF01 to U+FF5E)."""


@pytest.mark.parametrize(
    "name", [f" {LEAD.upper()} ", FULLWIDTH, LEAD.replace(" ", "\N{NO-BREAK SPACE}")]
)
def test_the_same_reviewer_written_otherwise_is_no_second_one(name: str) -> None:
    found = outcome("SUP-01", [stated("SUP-01"), stated("SUP-01", name)])

    assert found.conformity is OPEN
    assert "only one reviewer answered" in " ".join(found.reasons)
    assert found.people is not None
    assert found.people.answers[0].replaced == 1


def test_a_later_answer_of_a_reviewer_replaces_the_earlier_one() -> None:
    wrong = stated("SUP-01", GOVERNOR, {"limits": "missing"})
    assert outcome("SUP-01", [wrong, *both("SUP-01")]).conformity is CONFORMS
    assert outcome("SUP-01", [*both("SUP-01"), wrong]).conformity is OPEN


def test_a_third_reviewer_cannot_outvote_a_contradiction() -> None:
    third = stated("SUP-01", "Deputy", {"limits": "missing"})
    found = outcome("SUP-01", [*both("SUP-01"), third])

    assert found.conformity is OPEN
    assert all(name in " ".join(found.reasons) for name in (LEAD, GOVERNOR, "Deputy"))
    assert "no answer counts" in " ".join(found.reasons)


def test_a_third_reviewer_who_cannot_say_it_takes_nothing_away() -> None:
    third = stated("SUP-01", "Deputy", {"limits": UNKNOWN})
    assert outcome("SUP-01", [*both("SUP-01"), third]).conformity is CONFORMS


def test_different_documents_are_a_contradiction_and_a_shown_one_is_none() -> None:
    def beside(*documents: SeenDocument) -> Outcome:
        return outcome(
            "PRV-01", [stated("PRV-01"), stated("PRV-01", GOVERNOR, documents=documents)]
        )

    other = SeenDocument(name="report.pdf", sha256="cd" * 32, bytes=9)
    found = beside(other)
    assert found.conformity is OPEN
    assert "looked at different documents" in " ".join(found.reasons)
    assert "SHA-256 abababababab" in " ".join(found.reasons)
    assert beside(SeenDocument(name="the contract")).conformity is CONFORMS
    assert beside().conformity is OPEN
    assert "no document is named" in " ".join(beside().reasons)


def test_missing_documents_need_no_document() -> None:
    missing = {one.key: "missing" for one in questions()["PRV-01"].asks if one.kind == "document"}
    answers = [structs.replace(one, documents=()) for one in both("PRV-01", missing)]

    assert outcome("PRV-01", answers).conformity is FAILS


@pytest.mark.parametrize(
    ("requirement", "earlier", "conformity"),
    [("SUP-01", 365, CONFORMS), ("SUP-01", 367, OPEN), ("MAL-06", 91, OPEN)],
)
def test_the_first_answer_ages(requirement: str, earlier: int, conformity: Conformity) -> None:
    first = stated(requirement, at=NOW - timedelta(days=earlier))
    found = outcome(requirement, [first, stated(requirement, GOVERNOR)])

    assert found.conformity is conformity
    if conformity is OPEN and requirement == "SUP-01":
        assert "the evidence expired on" in " ".join(found.reasons)


def test_a_screen_that_was_read_long_ago_has_expired() -> None:
    old = {"updated": hours_ago(24 * 92), "looked": hours_ago(24 * 92 - 1)}
    found = outcome("MAL-06", both("MAL-06", old))

    assert found.conformity is OPEN
    assert "the evidence expired on" in " ".join(found.reasons)


def test_evidence_expires_before_a_campaign_that_measures_later() -> None:
    def measured(after: int) -> tuple[Conformity, tuple[str, ...]]:
        chosen = selection("ILL-08", both("ILL-08"))
        later = structs.replace(RECORD, at=NOW + timedelta(days=after))
        found = concluded(replace(chosen, instrument=(later,)))
        return found.conformity, found.reasons

    assert measured(52) == (CONFORMS, ())
    conformity, reasons = measured(53)
    assert conformity is OPEN
    assert f"expired on {TODAY + timedelta(days=53)}: judge it again" in " ".join(reasons)


def test_documents_that_end_sooner_end_the_evidence() -> None:
    ends = TODAY + timedelta(days=5)
    answers = [structs.replace(one, until=ends) for one in both("SUP-01")]
    people = outcome("SUP-01", answers).people
    ended = [structs.replace(one, until=TODAY - timedelta(days=1)) for one in both("SUP-01")]
    endless = [structs.replace(one, until=date.max) for one in both("SUP-01")]

    assert people is not None
    assert people.expires == ends + timedelta(days=1)
    assert outcome("SUP-01", ended).conformity is OPEN
    assert outcome("SUP-01", endless).conformity is CONFORMS


def test_a_figure_counts_to_its_own_limit_exactly() -> None:
    at = {"updated": hours_ago(34), "looked": hours_ago(10)}
    assert outcome("MAL-06", both("MAL-06", at)).conformity is CONFORMS
    later = {"updated": hours_ago(34.01), "looked": hours_ago(10)}
    assert outcome("MAL-06", both("MAL-06", later)).conformity is FAILS
    assert outcome("ILL-08", both("ILL-08", {"tested": days_ago(92)})).conformity is CONFORMS
    assert outcome("SUP-04", both("SUP-04", {"reviewed": days_ago(366)})).conformity is CONFORMS
    keys = {"public_keys": ", ".join(["1" * 64, "2" * 64, "3" * 64, "2" * 64, "2" * 64])}
    assert outcome("TLS-04", both("TLS-04", keys)).metric.value == 2


def test_an_update_after_the_screen_was_read_decides_nothing() -> None:
    found = outcome("MAL-06", both("MAL-06", {"updated": hours_ago(9)}))
    assert found.conformity is OPEN
    assert "when it was read" in " ".join(found.reasons)


@pytest.mark.parametrize(
    "said", [{"tested": "soon"}, {"tested": "9999-12-31"}, {"tested": ""}, {"ctiru": "perhaps"}]
)
def test_a_journal_that_somebody_wrote_otherwise_decides_nothing(said: dict[str, str]) -> None:
    assert outcome("ILL-08", both("ILL-08", said)).conformity is OPEN


def test_keys_that_were_not_asked_then_are_open() -> None:
    answers = [structs.replace(one, said={"tested": one.said["tested"]}) for one in both("ILL-08")]
    assert outcome("ILL-08", answers).conformity is OPEN
