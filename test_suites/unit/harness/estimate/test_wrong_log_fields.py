"""LOG-02: each request with a wrong field counts once, whatever else is wrong in it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from harness.assess.outcomes import assess
from harness.model.outcome import Conformity
from harness.model.scheme import Decision
from harness.model.service_log import LoggedRequest, RecordKeeping
from test_suites.unit.harness.estimate.log_of_requests import changed, logged, requests, selection
from test_suites.unit.harness.estimate.selected_outcome import measured, outcome

GOOD = [logged(one) for one in requests()]


def test_a_request_with_several_wrong_fields_counts_once() -> None:
    names = [logged(one, verdict="", url="a.name.alone", user="pupil8") for one in GOOD]
    found = outcome(selection("LOG-02", names))

    assert found.metric.k == found.metric.n == found.metric.upper == len(GOOD)
    assert len({one.item for one in found.witnesses}) == len(found.witnesses)


def test_a_block_without_a_category_is_a_wrong_field() -> None:
    bare = [logged(one, category="") for one in requests()]
    found = outcome(selection("LOG-02", bare))
    assert found.conformity is Conformity.DOES_NOT_CONFORM
    assert found.metric.k == 60


def test_lesser_errors_stand_under_the_correction_and_those_never_allowed_do_not() -> None:
    """12 of 1,310 are surely more than 0.5 % if looked at alone (p = 0.04)."""

    def beside_a_good_row(made: list[LoggedRequest]) -> Conformity:
        rows = [measured(selection(name, made)) for name in ("LOG-02", "CIR-13")]
        return assess(rows, Decision())[0].conformity

    late = changed(GOOD, lambda one: logged(one, at=one.started + timedelta(seconds=8)), 12)
    named = [logged(one, user="pupil8") for one in GOOD[:1]]
    assert outcome(selection("LOG-02", late)).conformity is Conformity.DOES_NOT_CONFORM
    assert beside_a_good_row(late) is Conformity.INSUFFICIENT
    assert beside_a_good_row(named + GOOD[1:]) is Conformity.DOES_NOT_CONFORM


USERS, COMPUTERS = {"pupils": "pupil7"}, {"proxy": "192.0.2.7"}


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({}, "add to service.records users: {pupils: NAME}, computers: {proxy: NAME}"),
        ({"computers": COMPUTERS}, "add to service.records users: {pupils: NAME}"),
        ({"users": USERS}, "add to service.records computers: {proxy: NAME}"),
    ],
)
def test_without_a_declaration_correct_fields_are_not_shown(
    declared: dict[str, dict[str, str]], said: str
) -> None:
    records = RecordKeeping.model_validate(declared)
    found = outcome(selection("LOG-02", GOOD, records=records))

    assert found.conformity is Conformity.INSUFFICIENT
    assert said in found.reasons[0]


def test_a_second_name_of_a_computer_is_declared_or_leaves_it_open() -> None:
    named = [logged(one, device="LAPTOP-7") for one in requests()]
    found = outcome(selection("LOG-02", named))
    assert found.conformity is Conformity.INSUFFICIENT
    assert "the log also shows LAPTOP-7; if it is the same computer" in found.reasons[0]

    names = RecordKeeping(users=USERS, computers={"proxy": ("192.0.2.7", "LAPTOP-7")})
    both = outcome(selection("LOG-02", named, records=names))
    assert both.conformity is Conformity.CONFORMS
    assert "one user and one computer were tried" in both.metric.method


def test_an_entry_of_a_repeated_request_has_the_time_of_one_of_them() -> None:
    """Heartbeats of earlier versions repeated requests that passed."""

    def repeated(one: LoggedRequest, seconds: float) -> LoggedRequest:
        later = timedelta(seconds=seconds)
        more = structs.replace(one.entries[0], at=one.ended + later)
        span = (one.started + timedelta(seconds=30), one.ended + timedelta(seconds=30))
        return structs.replace(one, entries=(*one.entries, more), again=(span,))

    for seconds, conformity in ((30, Conformity.CONFORMS), (60, Conformity.DOES_NOT_CONFORM)):
        made = [repeated(one, seconds) for one in GOOD]
        assert outcome(selection("LOG-02", made)).conformity is conformity


@pytest.mark.parametrize("changes", [{"more": 3}, {"tries": 2}])
def test_entries_that_do_not_tell_leave_a_request_open(changes: dict[str, int]) -> None:
    """Not all entries are kept; or several tries had several outcomes."""
    first, *others = GOOD
    opposite = structs.replace(first.entries[0], verdict="blocked", category="x")
    unsure = structs.replace(first, entries=(*first.entries, opposite), **changes)
    if "more" in changes:
        unsure = structs.replace(first, **changes)
    found = outcome(selection("LOG-02", [unsure, *others]))

    assert (found.conformity, found.metric.k) == (Conformity.INSUFFICIENT, 0)
    assert found.metric.indeterminate == 1
