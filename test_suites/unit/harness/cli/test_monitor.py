"""``accredit monitor`` check, once and status, as somebody who looks after a service gives them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli import monitor_run
from harness.cli.measure import measure_prepared
from harness.errors import InstrumentError
from harness.model.conformity import Conformity
from harness.store.private_folder import WriterLock
from test_suites.kit.campaigns.monitored_service import BEGAN, SERVICE
from test_suites.unit.harness.cli.monitor_desk import MORNING, SAMPLE, Desk, Ended

HILL, VALE = "Hill School", "Vale School"
MANY = 110
"""So many drug sites of 120 are missed that one run shows it."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


@pytest.fixture
def one_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch, sites=(HILL,))


def test_check_shows_what_runs_when_and_writes_nothing(desk: Desk) -> None:
    desk.service.write()

    ended = desk.check()

    assert 0 == ended.code
    assert "2026-03-02 06:15 UTC" in ended.said
    assert "Safe Net at Hill School: no run begins in lessons" in ended.said
    assert "no faults; about 319,740 attempts a year" in ended.said
    assert not desk.out.exists()


def test_check_says_what_the_alarms_find_and_how_often_they_are_false(one_site: Desk) -> None:
    one_site.service.write()

    said = one_site.check().said
    more = one_site.accredit("monitor", "check", one_site.service.file, "--within", "2d").said
    wrong = one_site.accredit("monitor", "check", one_site.service.file, "--within", "soon")

    assert "Safe Net: false alarms of 2 series by e-process" in said
    assert "just reached: at most one in 20 years" in said
    assert re.search(r"together in a run: at most one in \d{2,} years", said)
    found = re.search(
        r"daily, URL-04\[pupils\]: 60 items a run; 90 % required, a fall to 85 %: (\d+) runs, (\d+) "
        r"days \((\d+) runs, \d+ days where misses come together\); in 28 days with (\d+) items a "
        r"run; re-test an alarm with 448 items at each site",
        said,
    )
    assert found
    runs, days, together, items = map(int, found.groups())
    assert 20 <= runs == days < together
    assert 40 <= items <= 60
    assert "no sample finds it in 2 days: measure more often" in more
    assert (2, "--within 'soon': a duration is written like 30s, 10m, 2h or 5d") == wrong


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "another service": (
        {"service": {"name": "Other Net", "supplier": "Acme"}},
        "hill-school.yaml: measures service 'Other Net'",
    ),
    "another supplier": (
        {"service": {"name": SERVICE, "supplier": "Beta"}},
        "hill-school.yaml: names the supplier 'Beta'",
    ),
    "no supplier": ({"service": {"name": SERVICE}}, "hill-school.yaml: names the supplier ''"),
    "a line without its site": (
        {"lines": [{"name": "school", "type": "simulated"}]},
        "line 'school' must be at site 'Hill School': write 'site: Hill School'",
    ),
    "a crossover": ({"crossover": True}, "a crossover needs a person to swap cables"),
    "a fixed seed": ({"seed": "again"}, "with a fixed seed each run would try the same sample"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_check_says_in_a_sentence_what_is_wrong_with_a_campaign(one_site: Desk, fault: str) -> None:
    changes, sentence = FAULTS[fault]
    one_site.service.write()
    one_site.service.change(HILL, **changes)

    ended = one_site.check()

    assert 2 == ended.code
    assert sentence in ended.said
    assert 1 == len(ended.said.splitlines())


def test_check_names_a_campaign_file_that_is_missing(one_site: Desk) -> None:
    one_site.service.write()
    (one_site.service.folder / "hill-school.yaml").unlink()

    ended = one_site.check()

    assert 2 == ended.code
    assert "hill-school.yaml" in ended.said
    assert 1 == len(ended.said.splitlines())


def test_a_due_run_is_measured_and_recorded_once(desk: Desk) -> None:
    desk.begin()

    first = desk.on_day(0)
    again = [desk.once(), desk.on_day(0, timedelta(minutes=10))]

    assert 0 == first.code
    assert 2 == first.said.count("measured: campaign")
    assert [Ended(0, "")] * 2 == again
    assert [HILL, VALE] == [run.site for run in desk.runs()]
    assert {"measured"} == {run.result for run in desk.runs()}
    assert not desk.history().going
    assert 2 == len(list(desk.out.glob("*/journal")))


def test_runs_of_days_off_are_recorded_as_missed_and_told(one_site: Desk) -> None:
    one_site.begin()
    one_site.on_day(0)

    ended = one_site.on_day(4)

    (missed,) = one_site.runs("missed")
    assert (3, "the monitor was not running") == (missed.count, missed.reason)
    assert BEGAN + timedelta(days=1, hours=6, minutes=15) == missed.first_due
    assert BEGAN + timedelta(days=3, hours=6, minutes=15) == missed.due
    assert 3 == ended.code
    assert "3 runs due 2026-03-03 06:15 to 2026-03-05 06:15 UTC: missed" in ended.said
    assert 2 == len(one_site.runs("measured"))
    assert Ended(0, "") == one_site.once(), "it is told once"


def test_a_run_that_a_budget_refuses_is_recorded_and_told(desk: Desk) -> None:
    desk.begin(budget={"runs_per_day": 1})

    ended = desk.on_day(0)

    (refused,) = desk.runs("refused")
    assert 3 == ended.code
    assert "budget of Safe Net: 1 runs a day are used; the next may start on 2026-03-03" in (
        ended.said
    )
    assert refused.reason in ended.said
    assert VALE == refused.site
    assert 1 == len(list(desk.out.glob("*/journal")))


def test_a_campaign_that_became_faulty_does_not_end_the_others(desk: Desk) -> None:
    desk.begin()
    (desk.service.folder / "hill-school.yaml").write_text("campaign: [", encoding="utf-8")

    ended = desk.on_day(0)

    (failed,) = desk.runs("failed")
    assert 3 == ended.code
    assert HILL == failed.site
    assert "hill-school.yaml" in failed.reason
    assert [VALE] == [run.site for run in desk.runs("measured")]


def test_trouble_of_the_instrument_at_one_site_does_not_end_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.begin()
    really = measure_prepared

    def measure(prepared: Any, *rest: Any) -> None:
        if prepared.campaign.lines[0].site == HILL:
            msg = "no descriptors are left"
            raise InstrumentError(msg)
        really(prepared, *rest)

    monkeypatch.setattr(monitor_run, "measure_prepared", measure)
    troubled = desk.on_day(0)

    assert 4 == troubled.code
    assert "hill school/daily/20260302T0615Z: no descriptors are left" in troubled.said
    assert [VALE] == [run.site for run in desk.runs()]
    monkeypatch.setattr(monitor_run, "measure_prepared", really)
    assert 0 == desk.once().code
    assert [VALE, HILL] == [run.site for run in desk.runs("measured")]


def test_a_second_process_is_refused(desk: Desk) -> None:
    desk.begin()
    lock = WriterLock(desk.out / ".monitor-acme")
    lock.take()

    ended = desk.on_day(0)

    lock.release()
    assert 2 == ended.code
    assert "is writing here" in ended.said
    assert not desk.runs()


def test_status_shows_schedules_and_requirements(desk: Desk) -> None:
    desk.begin()
    desk.on_day(0)

    ended = desk.status()

    assert 0 == ended.code
    assert "URL-04[pupils-school]" in ended.said
    assert "100 %, conforms" in ended.said
    assert "next run: 2026-03-03 06:15 UTC" in ended.said
    data = desk.status_data()
    assert [HILL, VALE] == [one["site"] for one in data["schedules"]]
    assert {"measured"} == {one["last"]["result"] for one in data["schedules"]}
    assert '"format": "accredit-monitoring/1"' in desk.status("--json").said


def test_status_says_that_a_schedule_is_silent(desk: Desk) -> None:
    desk.begin()
    desk.on_day(0)
    desk.clock.at = BEGAN + timedelta(days=2) + MORNING

    ended = desk.status()

    assert 3 == ended.code
    assert "silent since 2026-03-02 06:20 UTC (2 due times)" in ended.said


def test_a_new_schedule_is_not_silent_since_the_others_began(one_site: Desk) -> None:
    one_site.begin()
    for day in range(3):
        one_site.on_day(day)
    one_site.service.sites = (HILL, VALE)
    one_site.service.behave(VALE)
    one_site.service.declare()

    assert 0 == one_site.status().code
    assert Ended(0, "") == one_site.once()
    assert [False, False] == [one["is_silent"] for one in one_site.status_data()["schedules"]]


def test_one_site_that_gets_worse_is_shown_and_raises_no_alarm(desk: Desk) -> None:
    desk.begin()
    desk.on_day(0)
    desk.service.behave(HILL, MANY)

    ended = desk.on_day(1)

    assert 0 == ended.code
    shown = [one for one in desk.status_data()["series"] if one["signals"]]
    assert [(HILL, "URL-04")] == [(one["site"], one["requirement"]) for one in shown]
    assert "does-not-conform" in desk.status().said
    assert "no alarms" == desk.alarms("--all").said


def test_both_sites_that_get_worse_raise_one_alarm(desk: Desk) -> None:
    desk.begin()
    desk.on_day(0)
    for site in (HILL, VALE):
        desk.service.behave(site, MANY)

    ended = desk.on_day(1)
    later = desk.on_day(2)

    assert [3, 3] == [ended.code, later.code]
    assert 1 == ended.said.count("alarm A-0001 was raised")
    assert "A-0002" not in later.said
    assert (HILL, VALE) == desk.alarm().raised.sites
    status = desk.status()
    assert 3 == status.code
    assert "A-0001: URL-04, profile pupils: raised (e-process)" in status.said


def test_a_tightened_service_is_tried_with_larger_samples(one_site: Desk) -> None:
    one_site.begin()
    one_site.service.behave(HILL, MANY)
    for day in range(3):
        one_site.on_day(day)

    runs = one_site.runs()
    tried = [
        sum(
            part.tested for one in run.readings if one.requirement == "URL-04" for part in one.parts
        )
        for run in runs
    ]

    assert [SAMPLE, SAMPLE, 2 * SAMPLE] == tried
    assert ["normal", "tightened", "tightened"] == [run.then for run in runs]
    assert "intensity: tightened" in one_site.status().said


def test_void_runs_count_for_nothing(one_site: Desk) -> None:
    one_site.begin()
    one_site.service.behave(HILL, MANY, works_for=20)
    for day in range(4):
        assert 0 == one_site.on_day(day).code

    runs = one_site.runs()

    readings = [one for run in runs for one in run.readings]
    assert {Conformity.INSUFFICIENT} == {one.conformity for one in readings}
    assert not [one for one in readings if one.parts or one.missed_items]
    assert {"normal"} == {run.then for run in runs}
    series = one_site.status_data()["series"]
    assert {None, 0.0} >= {one["e_value"] for one in series}
    assert {"learning (0 of 20 runs)"} == {one["chart"] for one in series if one["chart"]}
    ended = one_site.on_day(4)
    assert 3 == ended.code
    raised = one_site.alarm().raised
    assert "undecided" == raised.rule
    assert not [each for each in raised.ruled_out if "precondition" in each]


def test_undecided_items_ask_for_a_retest_in_the_end(one_site: Desk) -> None:
    one_site.begin()
    drugs = [f"drug-{number:03d}.canary.accredit.test" for number in range(11, 121)]
    one_site.service.behave(HILL, silent=drugs)

    codes = [one_site.on_day(day).code for day in range(5)]

    assert [0, 0, 0, 0, 3] == codes
    assert "the last 5 runs could decide nothing" in one_site.alarm().raised.statement
