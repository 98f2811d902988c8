"""LOG-01 to LOG-07: a right log conforms; each thing that is taken away from it is found, and no other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from harness.estimate.log_selection import NOT_READ, NOT_SENT
from harness.model.log_entry import LogEntry
from harness.model.outcome import Conformity
from harness.model.service_log import LoggedRequest, RecordKeeping
from test_suites.unit.harness.estimate.log_of_requests import (
    HOUR,
    NOON,
    RECORDS,
    changed,
    entry_of,
    logged,
    reading,
    requests,
    secret_found,
    selection,
    unread,
)
from test_suites.unit.harness.estimate.selected_outcome import outcome

GOOD = [logged(one) for one in requests()]
MEASURED = ("LOG-01", "LOG-02", "LOG-03", "LOG-04", "LOG-06", "CIR-13")
CONFORMS, FAILS, OPEN = Conformity


def without_entry(request: LoggedRequest) -> LoggedRequest:
    return structs.replace(request, entries=(), seen_at=None)


def shown(**changes: Any) -> Callable[[LoggedRequest], LoggedRequest]:
    return lambda request: logged(request, **changes)


def where(
    test: Callable[[LoggedRequest], bool], how: Callable[[LoggedRequest], LoggedRequest]
) -> list[LoggedRequest]:
    return [how(one) if test(one) else one for one in GOOD]


def is_unmarked(request: LoggedRequest) -> bool:
    return request.case.startswith("plain")


@pytest.mark.parametrize("requirement", MEASURED)
def test_a_right_log_conforms(requirement: str) -> None:
    assert outcome(selection(requirement, GOOD)).conformity is CONFORMS


@pytest.mark.parametrize("requirement", [*MEASURED, "LOG-05", "LOG-07"])
def test_a_log_that_was_not_read_decides_nothing(requirement: str) -> None:
    found = outcome(unread(selection(requirement, GOOD)))
    assert found.conformity is OPEN
    assert NOT_READ in found.reasons


@pytest.mark.parametrize("requirement", [*MEASURED, "LOG-05", "LOG-07"])
def test_without_requests_nothing_is_decided(requirement: str) -> None:
    found = outcome(selection(requirement, ()))
    assert found.conformity is OPEN
    assert NOT_SENT in found.reasons


@pytest.mark.parametrize("requirement", MEASURED)
def test_requests_without_an_answer_decide_nothing(requirement: str) -> None:
    lost = [structs.replace(one, state="unanswered", entries=()) for one in GOOD]
    assert outcome(selection(requirement, lost)).conformity is OPEN


def test_three_in_a_hundred_lines_that_are_missing_are_counted_exactly() -> None:
    number = round(0.03 * len(GOOD))
    found = outcome(selection("LOG-01", changed(GOOD, without_entry, number)))

    assert found.conformity is FAILS
    lost = sum(part.metric.n - part.metric.k for part in found.metric.parts)
    assert (lost, found.metric.n_of_all) == (number, len(GOOD))
    assert len(found.witnesses) == number


def test_a_log_of_marked_requests_alone_does_not_conform() -> None:
    found = outcome(selection("LOG-01", where(is_unmarked, without_entry)))
    assert found.conformity is FAILS
    assert {part.group: part.metric.k for part in found.metric.parts} == {
        "requests with a mark": 660,
        "requests without a mark": 0,
    }


def test_too_few_unmarked_requests_show_nothing() -> None:
    few = [one for one in GOOD if not is_unmarked(one)] + [o for o in GOOD if is_unmarked(o)][:500]
    found = outcome(selection("LOG-01", few))
    assert found.conformity is OPEN
    assert any("without a mark" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    "changes",
    [{"user": ""}, {"client": ""}, {"at": None}],
    ids=["who", "which computer", "when"],
)
def test_an_entry_without_who_when_or_which_computer_is_no_record(
    changes: dict[str, object],
) -> None:
    found = outcome(selection("LOG-01", [shown(**changes)(one) for one in GOOD]))
    assert found.conformity is FAILS
    assert found.metric.k == 0


def test_the_name_of_a_computer_stands_for_its_address() -> None:
    named = [shown(client="", device="192.0.2.7")(one) for one in GOOD]
    assert outcome(selection("LOG-01", named)).conformity is CONFORMS


def test_an_address_is_who_only_where_that_is_declared() -> None:
    nameless = [shown(user="")(one) for one in GOOD]
    by_address = RecordKeeping(
        who="address", users={"pupils": "192.0.2.7"}, computers=RECORDS.computers
    )

    assert outcome(selection("LOG-01", nameless)).conformity is FAILS
    assert outcome(selection("LOG-01", nameless, records=by_address)).conformity is CONFORMS
    assert outcome(selection("LOG-02", nameless, records=by_address)).conformity is CONFORMS


def test_entries_that_may_still_come_are_undecided() -> None:
    early = reading(GOOD[-1].ended + timedelta(seconds=200))
    found = outcome(selection("LOG-01", changed(GOOD, without_entry, 1310), early))
    assert found.conformity is not CONFORMS
    assert found.metric.indeterminate > 0


@pytest.mark.parametrize(
    "span",
    [(NOON - 9 * HOUR, NOON - 8 * HOUR), (NOON + HOUR / 2, NOON + 2 * HOUR), (None, None)],
    ids=["before", "after", "without times"],
)
def test_a_log_of_another_time_shows_nothing(span: tuple[datetime | None, ...]) -> None:
    other = reading(NOON + 3 * HOUR, first=span[0], last=span[1])
    lost = [without_entry(one) for one in GOOD]
    for requirement in ("LOG-01", "LOG-04", "CIR-13"):
        assert outcome(selection(requirement, lost, other)).conformity is OPEN


def test_a_log_of_this_time_without_a_single_entry_does_not_conform() -> None:
    lost = [without_entry(one) for one in GOOD]
    assert outcome(selection("LOG-01", lost)).conformity is FAILS


def test_a_part_of_a_log_covers_its_own_time_by_its_own_clock() -> None:
    half = len(GOOD) // 2
    cut = [one if place < half else without_entry(one) for place, one in enumerate(GOOD)]
    ahead = [
        logged(one, at=one.started + timedelta(seconds=7200)) if one.entries else one for one in cut
    ]
    end = GOOD[half].started + 2 * HOUR
    part = reading(NOON + 9 * HOUR, first=NOON + HOUR, last=end)
    found = outcome(selection("LOG-01", ahead, part))

    assert found.conformity is OPEN
    unsure = sum(part.metric.indeterminate for part in found.metric.parts)
    assert abs(unsure - (len(GOOD) - half)) <= 5  # two seconds beyond its end


def test_two_wrong_persons_are_two_too_many() -> None:
    found = outcome(selection("LOG-02", changed(GOOD, shown(user="pupil8"), 2)))

    assert found.conformity is FAILS
    assert found.metric.k == 2
    assert {part.group: part.metric.k for part in found.metric.parts}["who"] == 2
    assert all("who: the log shows pupil8, it was pupil7" in one.saw for one in found.witnesses)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"client": "192.0.2.8"}, "which computer"),
        ({"verdict": "blocked"}, "blocked or allowed"),
        ({"user": "pupil8"}, "who"),
    ],
)
def test_no_critical_field_may_be_wrong(changes: dict[str, object], part: str) -> None:
    found = outcome(selection("LOG-02", where(lambda one: one is GOOD[5], shown(**changes))))
    assert found.conformity is FAILS
    assert {each.group: each.metric.k for each in found.metric.parts}[part] == 1


@pytest.mark.parametrize(
    ("number", "expected"), [(0, CONFORMS), (1, CONFORMS), (4, OPEN), (40, FAILS)]
)
def test_other_fields_count_if_it_is_sure_that_too_many_are_wrong(
    number: int, expected: Conformity
) -> None:
    late = changed(GOOD, lambda one: logged(one, at=one.started + timedelta(seconds=9)), number)
    assert outcome(selection("LOG-02", late)).conformity is expected


@pytest.mark.parametrize("lacking", ["users", "computers"])
def test_what_is_not_declared_leaves_the_fields_undecided(lacking: str) -> None:
    silent = RECORDS.model_copy(update={lacking: {}})
    assert outcome(selection("LOG-02", GOOD, records=silent)).conformity is OPEN
    assert outcome(selection("LOG-02", GOOD, records=None)).conformity is OPEN


@pytest.mark.parametrize(
    ("case", "changes", "words"),
    [
        ("search", {"url": "http://search.example/search"}, "search terms"),
        ("download", {"received": 12}, "downloads with name and size"),
        ("upload", {"method": "GET"}, "uploads"),
        ("blocked", {"verdict": "allowed"}, "what was blocked"),
        ("page", {"verdict": ""}, "what was allowed"),
    ],
)
def test_a_class_that_is_not_shown_as_what_it_is_does_not_conform(
    case: str, changes: dict[str, object], words: str
) -> None:
    found = outcome(selection("LOG-04", where(lambda one: one.case == case, shown(**changes))))
    assert found.conformity is FAILS
    wrong = [part.group for part in found.metric.parts if part.metric.k]
    assert wrong == [words]


def test_a_class_without_any_entry_is_not_covered() -> None:
    found = outcome(selection("LOG-04", where(lambda one: one.state == "blocked", without_entry)))
    assert found.conformity is FAILS


def test_a_planted_password_is_found_where_it_is() -> None:
    sent = next(one for one in GOOD if one.case == "secret")
    found = outcome(selection("LOG-06", GOOD, reading(secrets=(secret_found(sent),))))

    assert found.conformity is FAILS
    assert (found.metric.k, found.metric.n) == (1, 80)
    assert [one.item for one in found.witnesses] == [sent.item]
    assert found.witnesses[0].saw == ("password, line 17 of the log",)


def test_a_log_that_does_not_show_the_forms_shows_no_lack_of_secrets() -> None:
    silent = where(lambda one: one.case == "secret", without_entry)
    assert outcome(selection("LOG-06", silent)).conformity is OPEN
    assert outcome(selection("LOG-06", GOOD, reading(searched=0))).conformity is OPEN


def around_a_restart() -> list[LoggedRequest]:
    made = [logged(one) for one in requests(60, "restart")]
    return [
        structs.replace(one, state="unanswered", entries=()) if 20 <= place < 30 else one
        for place, one in enumerate(made)
    ]


def test_a_request_that_was_answered_and_lost_is_counted() -> None:
    made = around_a_restart()
    made[19] = without_entry(made[19])
    found = outcome(selection("LOG-05", made))

    assert found.conformity is FAILS
    assert (found.metric.k, found.metric.n) == (1, len(made) - 10)
    assert [one.item for one in found.witnesses] == [made[19].item]


def test_only_the_part_that_people_judge_is_open_where_nothing_was_lost() -> None:
    found = outcome(selection("LOG-05", around_a_restart()))
    assert found.conformity is OPEN
    (reason,) = found.reasons
    assert "judged by people" in reason


def test_without_an_interruption_no_restart_was_seen() -> None:
    found = outcome(selection("LOG-05", [logged(one) for one in requests(60, "restart")]))
    assert found.conformity is OPEN
    assert found.metric.n == 0


def test_entries_that_are_younger_than_declared_show_no_retention() -> None:
    young = reading(first=NOON)
    found = outcome(selection("LOG-05", around_a_restart(), young))
    assert any("as long as declared" in reason for reason in found.reasons)


def offline(number: int = 200) -> list[LoggedRequest]:
    made = [logged(one) for one in requests(number, "offline")]
    return [structs.replace(one, state="unanswered") for one in made]


LATER = RECORDS.model_copy(update={"delivers_later": True})


def test_entries_that_are_delivered_later_with_their_own_time_conform() -> None:
    assert outcome(selection("LOG-07", offline(), records=LATER)).conformity is CONFORMS


@pytest.mark.parametrize(
    "how",
    [
        without_entry,
        lambda one: structs.replace(one, entries=(*one.entries, *one.entries)),
        lambda one: logged(one, at=one.started + HOUR),
    ],
    ids=["lost", "doubled", "redated"],
)
def test_what_happened_offline_must_be_there_once_with_its_own_time(
    how: Callable[[LoggedRequest], LoggedRequest],
) -> None:
    found = outcome(selection("LOG-07", changed(offline(), how, 1), records=LATER))
    assert found.conformity is FAILS
    assert found.metric.k == 1


def test_a_connection_that_was_not_cut_shows_nothing() -> None:
    made = offline()
    made[7] = structs.replace(made[7], state="allowed")
    assert outcome(selection("LOG-07", made, records=LATER)).conformity is OPEN
    assert outcome(selection("LOG-07", offline())).conformity is OPEN


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, len(GOOD) - 1), max_size=60))
def test_exactly_the_missing_requests_are_named(missing: set[int]) -> None:
    made = [without_entry(one) if place in missing else one for place, one in enumerate(GOOD)]
    found = outcome(selection("LOG-01", made))
    assert {one.item for one in found.witnesses} == {GOOD[place].item for place in missing}


def test_an_entry_of_a_tunnel_beside_that_of_the_page_inside_is_no_fault() -> None:
    def both(request: LoggedRequest) -> LoggedRequest:
        host = request.url.partition("://")[2].partition("/")[0]
        tunnel = LogEntry(
            line=1, at=request.started, client="192.0.2.7", method="CONNECT", url=f"{host}:443"
        )
        return structs.replace(logged(request), entries=(tunnel, entry_of(request)))

    made = [both(one) if one.url.startswith("https") else one for one in GOOD]
    for requirement in MEASURED:
        assert outcome(selection(requirement, made)).conformity is CONFORMS
