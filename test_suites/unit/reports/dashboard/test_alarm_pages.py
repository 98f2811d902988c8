"""The pages of alarms, and acknowledging one."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import insert

from harness.model.alarm import AlarmRetest, AlarmRule, RaisedAlarm
from harness.model.conformity import Conformity
from harness.model.hub_access import Permission
from harness.model.surveillance_event import AlarmRetested
from harness.store.hub.hub_tables import OUTCOMES
from reports.dashboard.addresses import address
from reports.dashboard.pages.alarms import causes_of
from test_suites.kit.hubs.follow_up_desk import (
    ACME,
    NOW,
    PEOPLE,
    SERVICE,
    FollowUpDesk,
    path_of_plan,
    words_of,
)

PATH = address("alarms", ACME, "A-0001")


def test_an_alarm_says_why_and_what_it_is_not_and_is_acknowledged_once(desk: FollowUpDesk) -> None:
    desk.raise_alarm()
    keep_outcome(desk, "run-1", "Hill School", 0.775)

    listed, shown = desk.page("/alarms"), desk.page(PATH)

    assert "One alarm waits for a re-test" in listed
    assert "2 of 3" in listed
    assert "at most once in 20 years" in shown
    assert "Hill School: 9 of 40 items failed" in shown
    assert "at least 95 %" in shown
    assert "77.5 %" in shown
    assert "drug-0417" in shown
    assert "One site only 2 of 3 show it (Hill School, Vale School) Yes" in shown
    assert "Our software or the scheme none of them changed since 2026-01-05 Yes" in shown
    assert "A silent probe the alarm does not say Not excluded" in shown
    assert "accredit monitor retest A-0001 CAMPAIGN.yaml" in shown
    assert "Please acknowledge it." in shown

    empty = desk.post(f"{PATH}/acknowledge", "assessor", note=" ")
    first = desk.post(f"{PATH}/acknowledge", "assessor", note="I ask the supplier")
    again = desk.post(f"{PATH}/acknowledge", "owner", note="I call them")

    assert (422, 303, 409) == (empty.status_code, first.status_code, again.status_code)
    told = words_of(again.text)
    assert "Alarm A-0001: Ama Assessor acknowledged it already." in told
    assert "I call them" in told
    assert "Ama Assessor : I ask the supplier" in told
    assert "Recorded" in desk.page(f"{PATH}?done=acknowledge")


def test_a_supplier_is_not_told_the_names_of_missed_items_which_may_be_hidden(
    desk: FollowUpDesk,
) -> None:
    desk.raise_alarm(statement="Hill: 9 of 40 failed (e-value 4; 20 raises an alarm); Vale: 8")
    plan = desk.open_plan(missed=("drug-0417", "drug-0418"))

    for path in (PATH, path_of_plan(plan)):
        assert "drug-0417" in desk.page(path, "assessor")
        assert "drug-0417" not in desk.get(path, "acme").text
    shown = desk.get(PATH, "acme").text
    assert "/campaigns/supplier%3Aacme/run-1/items" in shown
    assert "<li>Hill: 9 of 40 failed (e-value 4; 20 raises an alarm)</li><li>Vale: 8</li>" in shown


def test_what_the_runs_do_not_show_is_not_excluded() -> None:
    raised = RaisedAlarm(
        number=1, service="s", scheme="x", requirement="r", profile="p", rule=AlarmRule.MISS,
        sites=("Hill",), of_sites=2, statement="x", retest_by=NOW,
        ruled_out=("one site on the moon: no",),
    )  # fmt: skip

    assert [""] * 5 == [cause.shown for cause in causes_of(raised)]


def test_a_re_test_decides_an_alarm_and_the_page_says_so(desk: FollowUpDesk) -> None:
    desk.raise_alarm()
    desk.later(1)
    retest = AlarmRetest(
        campaign="re-1", scheme="becta-2008", begun=NOW + timedelta(hours=1),
        conformity=Conformity.DOES_NOT_CONFORM, statement="42 of 460 came through",
    )  # fmt: skip
    desk.record(
        "Acme",
        AlarmRetested(
            at=desk.clock.now(), actor="Rita", service=SERVICE, alarm="A-0001", retest=retest
        ),
    )  # fmt: skip

    shown = desk.page(PATH)

    assert "Confirmed by re-test" in shown
    assert "Re-test re-1 : does not conform. 42 of 460 came through" in shown
    assert "No alarm waits" in desk.page("/alarms")
    assert 409 == desk.post(f"{PATH}/acknowledge", "assessor", note="late").status_code


def test_an_overdue_re_test_says_since_when(desk: FollowUpDesk) -> None:
    desk.raise_alarm()
    desk.later(17)

    assert "3 days overdue" in desk.page("/alarms")
    assert "3 days overdue, was due 16 March 2026" in desk.page(PATH).replace("\xa0", " ")


@pytest.mark.parametrize("who", PEOPLE)
def test_only_who_may_acknowledges_and_nobody_else_learns_of_the_alarm(
    desk: FollowUpDesk, who: str
) -> None:
    desk.raise_alarm()
    viewer = PEOPLE[who]

    page, act = desk.get(PATH, who), desk.post(f"{PATH}/acknowledge", who, note="I look at it")
    unknown = desk.get(PATH.replace("A-0001", "A-0099"), who)
    not_there = desk.post(f"{PATH.replace('A-0001', 'A-0099')}/acknowledge", who, note="x")

    with desk.session.registry.reading(ACME) as access:
        kinds = [type(event).__name__ for event in access.events()]
    may = viewer.may(Permission.ACKNOWLEDGE) and viewer.sees(ACME)
    assert may == ("AlarmAcknowledged" in kinds)
    if viewer.is_public:
        assert (303, 403) == (page.status_code, act.status_code)
    else:
        assert (303 if may else 404) == act.status_code
        assert 404 == not_there.status_code
        reads = viewer.may(Permission.READ_ALARMS) and viewer.sees(ACME)
        assert (200 if reads else 404) == page.status_code
        assert reads or page.text == unknown.text


def test_hostile_statements_stay_text(desk: FollowUpDesk) -> None:
    evil = "@SUM(1)<script>alert(1)</script>"
    desk.raise_alarm(statement=evil, items=(evil,), sites=(evil, "b"))

    for path in ("/alarms", PATH):
        assert "<script>alert" not in desk.get(path).text
    (row,) = csv.DictReader(io.StringIO(desk.get("/alarms.csv").text))
    assert f"'{evil}" == row["statement"]


def keep_outcome(desk: FollowUpDesk, campaign: str, site: str, value: float) -> None:
    """Keep the row of an outcome of the alarm's requirement."""
    row = {
        "stream": ACME, "campaign": campaign, "scheme": "becta-2008", "number": 1,
        "service": SERVICE, "site": site, "schedule": "weekly", "measured_at": NOW,
        "requirement": "URL-04", "profile": "pupils", "line": "proxy",
        "state": "does-not-conform", "is_binding": True, "value": value, "lower": 0.6,
        "upper": 0.9, "body": "{}",
    }  # fmt: skip
    with desk.session.registry.transaction(is_writing=True) as connection:
        connection.execute(insert(OUTCOMES), [row])
