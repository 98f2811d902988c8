"""ALR-01 to ALR-08: who is told what, and how soon; what is missing, late or addressed wrongly is found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs
from scipy import special

from harness.estimate.alert_metrics import (
    NO_NEXT_CONTACT,
    NO_RECIPIENT,
    NOT_PLAYED,
    NOT_RECEIVED,
)
from harness.estimate.item_selection import Selection
from harness.estimate.operator_alerts import NO_OPERATOR, NO_REPORT
from harness.model.alert_case import KINDS, AlertSession, Hours, alert_items, alert_session
from harness.model.campaign import Campaign
from harness.model.facts import AlertReportFacts
from harness.model.log_entry import LogEntry
from harness.model.outcome import Conformity
from harness.model.service_alert import AlertContacts, ServiceAlerts
from harness.model.service_log import LoggedRequest, LogReading
from harness.model.service_records import ServiceRecords
from harness.model.timed_event import EventKind, EventNote, Poll
from harness.schemes.load import find_row
from test_suites.kit.campaigns.memory_fold import MemoryFold
from test_suites.unit.harness.estimate.selected_outcome import outcome, some_changed

CONFORMS, FAILS, OPEN = Conformity
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CONTACTS = AlertContacts(
    recipients={"pupils": ("Lead@school.example",)},
    next_contacts=("deputy@school.example",),
    operator=("it@school.example",),
)


def sessions(hours: Hours = "in_hours", of_cell: int = 30) -> list[LoggedRequest]:
    """Answered sessions, a second apart, without alerts."""
    made = []
    for place, item in enumerate(alert_items("a draw", hours, of_cell, 204)):
        found = alert_session(item.stratum)
        assert found is not None
        started = NOON + timedelta(seconds=place)
        made.append(
            LoggedRequest(
                item=item.id,
                url=item.value,
                case=found.name,
                situation="ordinary",
                sending=1,
                line="proxy",
                profile="pupils",
                started=started,
                ended=started + timedelta(seconds=0.3),
                state="allowed",
            )
        )
    return made


def session_of(one: LoggedRequest) -> AlertSession:
    found = alert_session(f"CTRL/alert:{one.case}")
    assert found is not None
    return found


def alert(one: LoggedRequest, seconds: float = 20, **changes: Any) -> LogEntry:
    right = LogEntry(
        line=1,
        at=one.ended + timedelta(seconds=seconds),
        to=("lead@school.example",),
        priority="urgent",
        url=one.url,
        search="139486224103",
    )
    return structs.replace(right, **changes)


def told(one: LoggedRequest, *alerts: LogEntry) -> LoggedRequest:
    return structs.replace(one, entries=alerts or (alert(one),))


@pytest.mark.parametrize(
    ("quoted", "is_found"), [({"search": ""}, FAILS), ({"search": "", "url": ""}, OPEN)]
)
@pytest.mark.parametrize(
    ("row", "hours"),
    [
        ("ALR-01", "in_hours"),
        ("ALR-02", "in_hours"),
        ("ALR-06", "in_hours"),
        ("ALR-07", "out_of_hours"),
    ],
)
def test_an_alert_has_to_say_what_was_searched_for(
    row: str, hours: Hours, quoted: dict[str, Any], is_found: Conformity
) -> None:
    """One that names the host alone is none; what an older version kept does not show it."""
    made = [
        structs.replace(one, entries=tuple(structs.replace(each, **quoted) for each in one.entries))
        for one in (GOOD if hours == "in_hours" else NIGHT)
    ]
    assert outcome(selection(row, made)).conformity is is_found
    benign = [one for one in GOOD if not session_of(one).is_worrying]
    alarmed = [told(one, alert(one, **quoted)) for one in benign]
    assert outcome(selection("ALR-03", alarmed)).conformity is FAILS


GOOD = [told(one) if session_of(one).is_worrying else one for one in sessions()]
NIGHT = [
    told(one, alert(one), alert(one, 1800, to=("deputy@school.example",)))
    if session_of(one).is_worrying
    else one
    for one in sessions("out_of_hours", 6)
]


def reading(at: datetime = NOON + 3 * HOUR, **changes: Any) -> LogReading:
    one = LogReading(
        number=1, at=at, looked_before=None, format="alerts", sha256="0", lines=9, changes=0,
        covers=(), first=NOON - HOUR, last=at, searched=0, secrets=(),
    )  # fmt: skip
    return structs.replace(one, **changes)


def selection(
    requirement: str,
    made: Iterable[LoggedRequest] = GOOD,
    *readings: LogReading,
    contacts: AlertContacts | None = CONTACTS,
    polls: tuple[Poll, ...] = (),
    **more: Any,
) -> Selection:
    row = find_row(requirement)
    assert row is not None
    return Selection(
        requirement=row,
        results=(),
        alpha=0.05,
        verdict_counts=MemoryFold(()),
        line="proxy",
        profile="pupils",
        polls=polls,
        records=ServiceRecords(
            alerts=ServiceAlerts(sessions=tuple(made), readings=readings or (reading(),), **more)
        ),
        campaign=Campaign.model_validate(
            {
                "campaign": "alerts",
                "service": {"name": "Filter", "alerts": contacts},
                "lines": ({"name": "proxy", "type": "explicit_proxy"},),
                "profiles": {"pupils": {"phase": "ks2"}},
                "corpora": ({"pack": "canary"},),
            }
        ),
    )


def where(
    test: Callable[[AlertSession], bool],
    how: Callable[[LoggedRequest], LoggedRequest],
    made: Iterable[LoggedRequest] = GOOD,
    most: int = 10_000,
) -> list[LoggedRequest]:
    changed, left = [], most
    for one in made:
        if left and test(session_of(one)):
            changed.append(how(one))
            left -= 1
        else:
            changed.append(one)
    return changed


def silent(one: LoggedRequest) -> LoggedRequest:
    return structs.replace(one, entries=())


@pytest.mark.parametrize("requirement", ["ALR-01", "ALR-02", "ALR-03", "ALR-06"])
def test_monitoring_that_tells_the_right_person_at_once_conforms(requirement: str) -> None:
    found = outcome(selection(requirement))
    assert found.conformity is CONFORMS, found.reasons


@pytest.mark.parametrize("requirement", ["ALR-01", "ALR-02", "ALR-03", "ALR-06", "ALR-07"])
def test_without_sessions_or_received_alerts_nothing_is_decided(requirement: str) -> None:
    unread = selection(requirement)
    unread = replace(
        unread, records=ServiceRecords(alerts=structs.replace(unread.alerts, readings=()))
    )
    for chosen, why in ((selection(requirement, ()), NOT_PLAYED), (unread, NOT_RECEIVED)):
        found = outcome(chosen)
        assert found.conformity is OPEN
        assert why in found.reasons


@pytest.mark.parametrize("kind", KINDS)
def test_each_category_must_raise_alerts_by_itself(kind: str) -> None:
    found = outcome(selection("ALR-01", where(lambda one: one.kind == kind, silent)))
    assert found.conformity is FAILS
    assert {part.group for part in found.metric.parts if not part.metric.k} == {KINDS[kind]}  # type: ignore[index]  # a kind


def test_a_language_that_is_not_understood_on_a_device_is_the_worst_cell() -> None:
    deaf = where(
        lambda one: (one.kind, one.language, one.device) == ("HARM", "cy", "phone"), silent
    )

    assert outcome(selection("ALR-01", deaf)).conformity is not CONFORMS
    found = outcome(selection("ALR-06", deaf))
    assert found.conformity is FAILS
    assert "worst of 48 groups: self-harm, Welsh, phones" in found.metric.method


def test_a_cell_that_was_not_played_is_named() -> None:
    few = [one for one in GOOD if session_of(one).device != "tablet"]
    found = outcome(selection("ALR-06", few))
    assert found.conformity is OPEN
    assert any("tablets" in reason for reason in found.reasons)


def test_alerts_that_may_still_be_right_count_as_quick_for_an_accusation() -> None:
    """Of 720 urgent alerts 40 are late, and 40 were read by a version that kept no quotes."""

    def is_urgent(one: AlertSession) -> bool:
        return one.kind in ("ILL", "HARM")

    made = where(is_urgent, lambda one: told(one, alert(one, 1700)), most=40)
    late = {one.item for one in made if one.entries and one.entries[0].at != alert(one).at}
    open_ = [one.item for one in made if is_urgent(session_of(one)) and one.item not in late][:40]
    made = [told(one, alert(one, search="", url="")) if one.item in open_ else one for one in made]
    metric = outcome(selection("ALR-02", made)).metric

    assert (metric.k, metric.indeterminate, len(late)) == (680, 40, 40)
    assert metric.p_value is not None
    assert metric.p_value >= float(special.bdtr(680, 720, 0.95)), "the late ones are one spell"
    assert metric.lower is not None
    assert metric.lower <= 900


@pytest.mark.parametrize(("number", "expected"), [(0, CONFORMS), (1, OPEN), (20, FAILS)])
def test_false_alerts_are_counted_on_harmless_sessions(number: int, expected: Conformity) -> None:
    made = some_changed(GOOD, lambda one: not session_of(one).is_worrying, told, number)
    assert outcome(selection("ALR-03", made)).conformity is expected


@pytest.mark.parametrize(
    "wrong",
    [{"to": ("head@other.example",)}, {"priority": "normal"}, {"priority": ""}],
    ids=["another person", "not urgent", "no priority"],
)
def test_an_alert_to_another_person_or_without_priority_is_none(wrong: dict[str, Any]) -> None:
    made = [told(one, alert(one, **wrong)) if one.entries else one for one in GOOD]
    assert outcome(selection("ALR-02", made)).conformity is FAILS
    assert outcome(selection("ALR-01", made)).conformity is CONFORMS


def test_the_first_right_alert_counts() -> None:
    both = [
        told(one, alert(one, 1, priority="low"), alert(one, 800), alert(one, 5000))
        if one.entries
        else one
        for one in GOOD
    ]
    found = outcome(selection("ALR-02", both))
    assert found.conformity is CONFORMS
    assert found.metric.value == pytest.approx(800)


def test_urgent_alerts_that_come_after_an_hour_are_too_late() -> None:
    late = [told(one, alert(one, 3600)) if one.entries else one for one in GOOD]
    assert outcome(selection("ALR-02", late)).conformity is FAILS


def test_who_receives_alerts_must_be_declared() -> None:
    for requirement, made, why in (
        ("ALR-02", GOOD, NO_RECIPIENT),
        ("ALR-07", NIGHT, NO_NEXT_CONTACT),
        ("ALR-05", GOOD, NO_OPERATOR),
    ):
        found = outcome(selection(requirement, made, contacts=None))
        assert found.conformity is OPEN
        assert why in found.reasons


@pytest.mark.parametrize(
    "span",
    [
        {"at": NOON + timedelta(minutes=20)},
        {"last": NOON + timedelta(seconds=5)},
        {"last": NOON + timedelta(minutes=29)},
        {"first": NOON + HOUR},
        {"first": None},
    ],
    ids=["read too early", "it stopped", "it stopped too early", "it began late", "nothing"],
)
def test_a_receiver_that_did_not_work_shows_no_missing_alert(span: dict[str, Any]) -> None:
    at = span.pop("at", NOON + 3 * HOUR)
    found = outcome(selection("ALR-01", map(silent, GOOD), reading(at, **span)))
    assert found.conformity is OPEN


def test_out_of_hours_the_next_contact_is_told() -> None:
    assert outcome(selection("ALR-07", NIGHT)).conformity is CONFORMS
    alone = [structs.replace(one, entries=one.entries[:1]) for one in NIGHT]
    assert outcome(selection("ALR-07", alone)).conformity is FAILS
    late = [
        told(one, alert(one, 5400, to=("deputy@school.example",))) if one.entries else one
        for one in NIGHT
    ]
    assert outcome(selection("ALR-07", late)).conformity is FAILS


def polls(kind: EventKind, number: int, effect: str = "abb") -> tuple[Poll, ...]:
    """Polls of events an hour apart: one before, and two after; by default the place opens."""
    states: dict[str, Any] = {"a": "blocked", "b": "allowed"}
    return tuple(
        Poll(
            event=f"{kind}-{event}",
            note=EventNote(kind=kind, asks="allow", at=NOON + event * HOUR),
            category="DRUG",
            line="proxy",
            profile="pupils",
            probe="web",
            started=NOON + event * HOUR + timedelta(minutes=10 * (place - 1), seconds=place),
            state=states[letter],
        )
        for event in range(number)
        for place, letter in enumerate(effect)
    )


def to_operator(*minutes: float) -> tuple[LogEntry, ...]:
    return tuple(
        LogEntry(line=line, at=NOON + timedelta(minutes=each), to=("it@school.example",))
        for line, each in enumerate(minutes, 1)
    )


LATER = reading(NOON + 200 * HOUR)


@pytest.mark.parametrize(
    ("requirement", "kind", "number"), [("ALR-05", "outage", 2), ("ALR-08", "drift", 10)]
)
def test_the_operator_is_told_of_each_event(requirement: str, kind: EventKind, number: int) -> None:
    seen = polls(kind, number)
    minutes = [60 * event + 5 for event in range(number)]
    good = selection(requirement, GOOD, LATER, polls=seen, to_operator=to_operator(*minutes))
    assert outcome(good).conformity is CONFORMS

    one_less = to_operator(*minutes[1:])
    found = outcome(selection(requirement, GOOD, LATER, polls=seen, to_operator=one_less))
    assert found.conformity is FAILS
    assert len(found.witnesses) == 1


def test_an_outage_that_did_not_take_place_shows_nothing() -> None:
    seen = polls("outage", 2, "aaa")
    found = outcome(selection("ALR-05", GOOD, LATER, polls=seen, to_operator=to_operator(5, 65)))
    assert found.conformity is OPEN
    assert found.metric.n == 0


def test_an_alert_that_may_still_come_leaves_an_outage_open() -> None:
    early = reading(NOON + timedelta(minutes=30))
    found = outcome(selection("ALR-05", GOOD, early, polls=polls("outage", 1)))
    assert found.conformity is OPEN


def test_a_receiver_that_was_down_meanwhile_leaves_a_missing_alert_open() -> None:
    first = reading(NOON + 200 * HOUR, last=NOON + timedelta(minutes=30))
    second = reading(NOON + 200 * HOUR, first=NOON + timedelta(minutes=40))
    found = outcome(selection("ALR-05", GOOD, first, second, polls=polls("outage", 1)))
    assert found.conformity is OPEN
    quiet = outcome(selection("ALR-01", map(silent, GOOD), first, second))
    assert quiet.conformity is OPEN


def counts(changes: dict[str, int]) -> AlertReportFacts:
    true: dict[str, int] = {
        kind: sum(session_of(one).kind == kind for one in GOOD) for kind in KINDS
    }
    return AlertReportFacts(begins=NOON - HOUR, ends=NOON + 10 * HOUR, counts={**true, **changes})


def test_a_report_must_name_what_was_played_in_each_category() -> None:
    assert outcome(selection("ALR-04", reports=(counts({}),))).conformity is CONFORMS
    found = outcome(selection("ALR-04", reports=(counts({"EXTR": 3, "HARM": 0}),)))
    assert found.conformity is FAILS
    assert found.metric.k == 2
    silent_report = outcome(selection("ALR-04"))
    assert silent_report.conformity is OPEN
    assert NO_REPORT in silent_report.reasons


def test_a_report_of_a_time_without_sessions_shows_nothing() -> None:
    other = structs.replace(counts({}), begins=NOON + 20 * HOUR, ends=NOON + 30 * HOUR)
    assert outcome(selection("ALR-04", reports=(other,))).conformity is OPEN


def test_a_report_may_count_a_session_as_often_as_it_was_played() -> None:
    place = next(n for n, one in enumerate(GOOD) if session_of(one).kind == "HARM")
    twice = [*GOOD[:place], structs.replace(GOOD[place], tries=2), *GOOD[place + 1 :]]
    true = counts({}).counts["HARM"]
    expected = {true - 1: FAILS, true: CONFORMS, true + 1: CONFORMS, true + 2: FAILS}
    for stated, conformity in expected.items():
        report = counts({"HARM": stated})
        found = outcome(selection("ALR-04", twice, reports=(report,)))
        assert found.conformity is conformity, stated


def test_a_category_whose_sessions_were_not_answered_is_not_reported() -> None:
    silent = [
        structs.replace(one, state="unanswered") if session_of(one).kind == "EXTR" else one
        for one in GOOD
    ]
    for stated in (0, counts({}).counts["EXTR"]):
        found = outcome(selection("ALR-04", silent, reports=(counts({"EXTR": stated}),)))
        assert found.conformity is OPEN, stated
        assert any("extremism" in reason for reason in found.reasons)
