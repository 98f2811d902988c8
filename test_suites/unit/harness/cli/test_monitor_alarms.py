"""What becomes of an alarm: it is listed, acknowledged, and ended by a re-test of fixed size."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli import plan_step
from harness.cli.registry_session import open_session
from harness.cli.run import measure_and_conclude
from harness.model.action_plan import PlanState
from harness.model.alarm import AlarmRetest, AlarmState
from harness.model.conformity import Conformity
from harness.model.surveillance_event import AlarmRetested
from harness.ports.storage import WallClock
from test_suites.kit.campaigns.monitored_service import SERVICE, SUPPLIER
from test_suites.kit.hubs.registered_people import registered
from test_suites.kit.hubs.signing_body import sign_scheme_as_body
from test_suites.unit.harness.cli.conftest import MadeOnce
from test_suites.unit.harness.cli.monitor_desk import MORNING, SAMPLE, Desk

HILL, VALE = "Hill School", "Vale School"
MANY = 110


def raise_in(folder: Path) -> None:
    """Measure a service until both of its sites show an alarm."""
    with pytest.MonkeyPatch.context() as patched:
        desk = Desk(folder, patched)
        desk.begin()
        for site in (HILL, VALE):
            desk.service.behave(site, MANY)
        assert 3 == desk.on_day(0).code


@pytest.fixture
def alarmed(made: MadeOnce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A service with an alarm that both sites show."""
    desk = Desk(tmp_path, monkeypatch)
    desk.service.sample = SAMPLE
    desk.service.write()
    made.copied("an alarm at both sites", raise_in, tmp_path)
    desk.clock.at += MORNING + timedelta(hours=1)
    return desk


def at_both(desk: Desk, name: str, missed: int = 0, **changes: Any) -> Path:
    """A campaign of fixed size with a line at both sites."""
    path = desk.service.fixed_size(name, HILL, missed)
    document = desk.service.campaign(HILL, missed)
    (line,) = document["lines"]
    lines = [line | {"name": name, "site": site} for name, site in (("a", HILL), ("b", VALE))]
    fixed = {"scheme": "fixed.yaml", "corpora": [{**document["corpora"][0], "sample": 60}]}
    desk.service.dump(path, {**document, "campaign": name, "lines": lines, **fixed, **changes})
    return path


def test_an_alarm_is_listed_with_what_is_to_be_done(alarmed: Desk) -> None:
    ended = alarmed.alarms()

    assert 0 == ended.code
    assert f"{SUPPLIER}, {SERVICE} A-0001: URL-04, profile pupils: raised (e-process)" in ended.said
    assert "not: one site: 2 of 2 show it (Hill School, Vale School)" in ended.said
    assert "by 2026-03-07: accredit monitor retest A-0001 CAMPAIGN" in ended.said
    (listed,) = json.loads(alarmed.alarms("--json").said)
    assert (SUPPLIER, 1) == (listed["supplier"], listed["alarm"]["raised"]["number"])
    alarmed.clock.at += timedelta(days=6)
    assert "overdue since 2026-03-07" in alarmed.alarms().said


def test_an_acknowledged_alarm_still_waits(alarmed: Desk) -> None:
    words = ("monitor", "acknowledge", "A-0001", "--note", "the supplier was told", "--by", "Ann")
    registry = ("--registry", alarmed.registry)

    ended = alarmed.accredit(*words, *registry)

    assert 0 == ended.code
    assert "acknowledged by Ann: the supplier was told" in ended.said
    assert 3 == alarmed.status().code
    assert 2 == alarmed.accredit(*words, *registry).code
    unknown = alarmed.accredit("monitor", "acknowledge", "A-0007", *words[3:], *registry)
    assert 2 == unknown.code
    assert "no alarm 'A-0007'" in unknown.said
    empty = alarmed.accredit(*words[:3], "--note", " ", *registry)
    assert 2 == empty.code


def test_a_failing_retest_confirms_and_opens_a_plan(alarmed: Desk) -> None:
    ended = alarmed.retest(alarmed.service.fixed_size("again", HILL, MANY), "--by", "Ann")

    assert 1 == ended.code, ended.said
    assert "A-0001: URL-04, profile pupils: confirmed" in ended.said
    with open_session(alarmed.registry, clock=alarmed.clock) as session:
        (held,) = [one for one in session.plans() if one.finding.requirement == "URL-04"]
    assert PlanState.DRAFT is held.plan.state
    assert "again" == held.finding.campaign
    assert 1 == alarmed.status().code
    assert "no alarm waits for a re-test" == alarmed.alarms().said
    assert "confirmed" in alarmed.alarms("--all").said
    twice = alarmed.retest(alarmed.service.fixed_size("third", HILL))
    assert 2 == twice.code
    assert "is confirmed already" in twice.said


def test_a_confirmed_alarm_asks_for_the_suspension_of_an_accreditation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cli.registry_facts.current_user", lambda: "Mo")
    desk = Desk(tmp_path, monkeypatch, sites=(HILL,))
    desk.service.write()
    sign_scheme_as_body(desk.service.folder / "fixed.yaml", tmp_path, desk.registry)
    spring = desk.service.fixed_size("spring", HILL)
    desk.seed(spring)
    assert 0 == desk.accredit("run", spring, "--out", desk.out).code
    of = ("--supplier", SUPPLIER, "--set", f"of={SERVICE}", "--out", desk.out)
    assert 0 == desk.accredit("registry", "add", "version", "2.1", *of).code
    why = ("--results", desk.out / "spring", "--reason", "read it all", "--by")
    ray, di = (registered(desk.registry, desk.out, name) for name in ("Ray", "Di"))
    said = desk.accredit("decision", "recommend", "accredited", *why, "Ray", "--identity", ray)
    assert 0 == said.code, said.said
    made = desk.accredit(
        "decision", "make", "accredited", *why, "Di", "--identity", di, "--out", desk.out
    )
    assert 0 == made.code, made.said
    # the rest is surveillance from the next midnight on
    tomorrow = WallClock().now().date() + timedelta(days=1)
    desk.clock.at = datetime.combine(tomorrow, time(), tzinfo=UTC)
    monkeypatch.setattr(plan_step.clock, "source", desk.clock)
    assert 0 == desk.once().code
    desk.service.behave(HILL, MANY)
    desk.clock.at += timedelta(hours=6, minutes=20)
    assert 3 == desk.once().code
    assert "not-yet" == proposed(desk, "spring"), "an alarm alone suspends nothing"
    desk.clock.at += timedelta(hours=1)
    assert 1 == desk.retest(desk.service.fixed_size("again", HILL, MANY), "--by", "Ann").code

    assert "suspended" == proposed(desk, "again")
    assert "suspended" == proposed(desk, "spring"), "results from before it cannot undo it"


def proposed(desk: Desk, campaign: str) -> str:
    """The status that is proposed by the results of a campaign."""
    ended = desk.accredit("decision", "propose", desk.out / campaign, "--json")
    status: str = json.loads(ended.said)["proposal"]["status"]
    return status


def test_a_conforming_retest_at_both_sites_ends_the_alarm(alarmed: Desk) -> None:
    for site in (HILL, VALE):
        alarmed.service.behave(site)

    ended = alarmed.retest(at_both(alarmed, "again"))

    assert 0 == ended.code, ended.said
    assert AlarmState.NOT_CONFIRMED is alarmed.alarm().state
    assert 0 == alarmed.status().code
    assert 0 == alarmed.on_day(1).code, "the evidence begins anew"
    rates = [one for one in alarmed.status_data()["series"] if one["requirement"] == "URL-04"]
    assert {1} == {one["runs"] for one in rates}
    assert "A-0002" not in alarmed.alarms("--all").said


def test_a_retest_at_one_healthy_site_decides_nothing(alarmed: Desk) -> None:
    ended = alarmed.retest(alarmed.service.fixed_size("again", HILL))

    assert 3 == ended.code
    assert "not shown to conform at Vale School" in ended.said
    assert AlarmState.RAISED is alarmed.alarm().state
    assert 3 == alarmed.status().code
    assert 0 == alarmed.retest(at_both(alarmed, "third")).code, "another may still end it"


def test_a_retest_over_another_line_ends_no_alarm_unless_somebody_allows_it(alarmed: Desk) -> None:
    (line,) = alarmed.service.campaign(HILL)["lines"]
    sites = (("a", HILL, "desktop"), ("b", VALE, ""))
    lines = [line | {"name": name, "site": site, "device": kind} for name, site, kind in sites]

    ended = alarmed.retest(at_both(alarmed, "again", lines=lines))

    assert 3 == ended.code, ended.said
    assert "line school of run" in ended.said
    assert "was not measured, or differs" in ended.said
    again = at_both(alarmed, "third", lines=lines)
    allowed = alarmed.retest(again, "--by", "Ann", "--allow-change", "a new desktop")
    assert 0 == allowed.code, allowed.said
    assert "Ann allowed a change: line school of run" in allowed.said


def test_the_first_retest_is_judged_at_half_of_the_level_of_the_scheme(alarmed: Desk) -> None:
    """32 of 32 show 90 % at a level of 5 %; at 2.5 % it takes 36."""
    few = {"pack": "canary", "categories": ["DRUG"], "sample": 32}

    ended = alarmed.retest(at_both(alarmed, "again", corpora=[few]))

    assert 3 == ended.code, ended.said
    (retest,) = alarmed.alarm().retests
    assert (0.5, 32) == (retest.level, retest.counted)
    shown = json.loads(alarmed.accredit("conclude", alarmed.out / "again", "--json").said)
    rows = [one for one in shown["outcomes"] if one["requirement"]["id"] == "URL-04"]
    assert ["conforms"] * 2 == [one["conformity"] for one in rows]


def test_an_alarm_that_three_retests_left_open_needs_a_larger_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, monkeypatch, sites=(HILL,))
    desk.begin()
    desk.service.behave(HILL, MANY)
    assert 3 == desk.on_day(0).code
    assert "at least 448 independent items of each part" in desk.alarms().said
    at = desk.clock.at + timedelta(hours=1)
    for number in range(3):
        undecided = AlarmRetest(
            campaign=f"again-{number}", scheme="fixed", begun=at, counted=60, statement="few",
            conformity=Conformity.INSUFFICIENT,
        )  # fmt: skip
        desk.record(
            AlarmRetested(at=at, actor="Ann", service=SERVICE, alarm="A-0001", retest=undecided)
        )
    desk.clock.at += timedelta(hours=1)
    small = desk.retest(desk.service.fixed_size("small", HILL))
    assert 2 == small.code
    assert "3 re-tests left it open, so the next has to decide it: 1376" in small.said
    assert "with at least 1376 independent items" in desk.alarms().said
    whole = desk.service.fixed_size("whole", HILL)
    text = whole.read_text(encoding="utf-8")
    whole.write_text(re.sub(r",? *sample: 60", "", text), encoding="utf-8")

    assert 0 == desk.retest(whole).code
    assert AlarmState.NOT_CONFIRMED is desk.alarm().state


def test_the_case_of_a_sites_name_does_not_count_in_a_retest(alarmed: Desk) -> None:
    path = at_both(alarmed, "again")
    path.write_text(path.read_text().replace(VALE, "VALE SCHOOL"), encoding="utf-8")

    assert 0 == alarmed.retest(path).code


def test_a_scheme_that_may_be_read_at_any_time_is_no_retest(alarmed: Desk) -> None:
    ended = alarmed.retest(at_both(alarmed, "again", scheme="watched.yaml"))

    assert 2 == ended.code
    assert "a re-test needs a fixed size" in ended.said
    assert AlarmState.RAISED is alarmed.alarm().state


def test_a_run_of_surveillance_is_no_retest(alarmed: Desk) -> None:
    (run,) = [run for run in alarmed.runs() if run.site == HILL]
    alarmed.clock.at += timedelta(days=1)

    fixed = alarmed.service.folder / "fixed.yaml"
    ended = alarmed.retest(alarmed.out / run.campaign, "--scheme", fixed)

    assert 2 == ended.code
    assert "was a run of surveillance; a re-test needs a campaign of its own" in ended.said
    assert AlarmState.RAISED is alarmed.alarm().state


def test_a_conforming_run_of_surveillance_after_the_alarm_is_no_retest(alarmed: Desk) -> None:
    for site in (HILL, VALE):
        alarmed.service.behave(site)
    alarmed.on_day(1)
    fixed = alarmed.service.folder / "fixed.yaml"
    later = [run for run in alarmed.runs() if run.begun and run.begun > alarmed.alarm().at]

    for run in later:
        ended = alarmed.retest(alarmed.out / run.campaign, "--scheme", fixed)
        assert 2 == ended.code, ended.said
    assert AlarmState.RAISED is alarmed.alarm().state


def test_results_from_before_the_alarm_are_no_retest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, monkeypatch, sites=(HILL,))
    desk.begin()
    desk.clock.at += timedelta(hours=1)
    early = desk.service.fixed_size("early", HILL)
    measure_and_conclude(early, desk.out, None, clock=desk.clock)
    desk.service.behave(HILL, MANY)
    assert 3 == desk.on_day(0).code

    ended = desk.retest(desk.out / "early")

    assert 2 == ended.code
    assert "before the alarm was raised" in ended.said
    assert AlarmState.RAISED is desk.alarm().state


@pytest.mark.parametrize(
    ("service", "sentence"),
    [
        ({"name": "Other Net", "supplier": SUPPLIER}, "measures service 'Other Net'"),
        ({"name": SERVICE, "supplier": "Beta"}, "of supplier 'Beta'"),
        ({"name": SERVICE}, "of supplier ''"),
    ],
)
def test_another_service_is_no_retest(
    alarmed: Desk, service: dict[str, str], sentence: str
) -> None:
    ended = alarmed.retest(at_both(alarmed, "again", service=service))

    assert 2 == ended.code, ended.said
    assert sentence in ended.said
    assert AlarmState.RAISED is alarmed.alarm().state


def test_a_void_retest_decides_nothing(alarmed: Desk) -> None:
    path = at_both(alarmed, "again")
    document = path.read_text(encoding="utf-8")
    path.write_text(document.replace("block:", "works_for: 30\n    block:"), encoding="utf-8")

    ended = alarmed.retest(path)

    assert 3 == ended.code, ended.said
    assert AlarmState.RAISED is alarmed.alarm().state


def test_only_a_retest_ends_an_alarm(alarmed: Desk) -> None:
    for site in (HILL, VALE):
        alarmed.service.behave(site)
    for day in (1, 2):
        assert 3 == alarmed.on_day(day).code
    alarmed.service.sites = (VALE,)
    alarmed.service.declare(alarm={"sites": 1, "retest_within": "30d"})
    assert 3 == alarmed.on_day(3).code

    assert AlarmState.RAISED is alarmed.alarm().state
    assert (HILL, VALE) == alarmed.alarm().raised.sites
    one = alarmed.retest(alarmed.service.fixed_size("vale", VALE))
    assert 3 == one.code, "the site that was removed is still to be shown"
    assert "not shown to conform at Hill School" in one.said


def test_alarms_of_two_services_of_a_supplier_have_numbers_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Desk(tmp_path / "first", monkeypatch, sites=(HILL,))
    second = Desk(tmp_path / "second", monkeypatch, sites=(HILL,))
    second.out = first.out
    first.clock = second.clock
    for desk, name in ((first, SERVICE), (second, "Second Net")):
        desk.service.write(service=name)
        desk.service.change(HILL, service={"name": name, "supplier": SUPPLIER})
        assert 0 == desk.once().code
    for desk, name in ((first, SERVICE), (second, "Second Net")):
        desk.service.change(HILL, missed=MANY, service={"name": name, "supplier": SUPPLIER})
        assert 3 == desk.on_day(0).code

    assert SERVICE == first.alarm("A-0001").raised.service
    assert "Second Net" == first.alarm("A-0002").raised.service
