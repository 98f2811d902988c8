"""Users and machines that do not do what `accredit monitor` expects: clocks, files and names."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli import monitor_run
from harness.errors import StoppedError
from test_suites.unit.harness.cli.monitor_desk import Desk, Ended

HILL, VALE = "Hill School", "Vale School"
MANY = 110
"""So many drug sites of 120 are missed that one run shows it."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


@pytest.fixture
def one_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch, sites=(HILL,))


def test_a_clock_that_is_set_back_repeats_no_run(one_site: Desk) -> None:
    one_site.begin()
    one_site.on_day(3)

    assert Ended(0, "") == one_site.on_day(2)
    assert 0 == one_site.on_day(4).code
    assert 2 == len(one_site.runs("measured"))
    assert len(one_site.runs()) == len({run.about for run in one_site.runs()})


def stopped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the run of the first day after it was measured, and before it is recorded."""
    with monkeypatch.context() as changed:

        def stop(*_: Any, **__: Any) -> None:
            msg = "stopped"
            raise StoppedError(msg)

        changed.setattr(monitor_run, "conclude_journal", stop)
        assert "stopped" == desk.on_day(0).said
    assert [HILL] == [run.site for run in desk.history().going]


def test_a_run_whose_file_was_renamed_meanwhile_keeps_its_name(
    one_site: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_site.begin()
    stopped(one_site, monkeypatch)
    (begun,) = one_site.history().going
    one_site.service.change(HILL, campaign="another")

    ended = one_site.once()

    assert 0 == ended.code, ended.said
    assert [begun.campaign] == [run.campaign for run in one_site.runs()]
    assert 1 == len(list(one_site.out.glob("*/journal")))


def test_a_run_whose_campaign_was_changed_meanwhile_is_not_measured_by_another(
    one_site: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_site.begin()
    stopped(one_site, monkeypatch)
    smaller = {"pack": "canary", "categories": ["DRUG"], "sample": 30}
    one_site.service.change(HILL, corpora=[smaller])

    assert 4 == one_site.once().code
    assert not one_site.runs()
    assert 3 == one_site.on_day(1, timedelta(hours=1)).code
    (failed,) = one_site.runs("failed")
    assert "not finished within 24 hours" in failed.reason
    assert 1 == len(one_site.runs("measured")), "the next is measured"


def test_a_run_whose_schedule_is_gone_does_not_stop_the_monitor(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.begin()
    stopped(desk, monkeypatch)
    desk.service.sites = (VALE,)
    desk.service.declare()

    ended = desk.once()

    assert 3 == ended.code
    (failed,) = desk.runs("failed")
    assert HILL == failed.site
    assert failed.reason.endswith("monitoring.yaml has no such schedule now")
    assert [VALE] == [run.site for run in desk.runs("measured")]


def test_a_registry_that_was_deleted_begins_anew(one_site: Desk) -> None:
    one_site.begin()
    one_site.on_day(0)
    for path in one_site.out.glob("registry.sqlite*"):
        path.unlink()

    assert Ended(0, "") == one_site.once(), "what was due before is not known any more"
    assert 0 == one_site.on_day(1).code
    assert 1 == len(one_site.runs())


def test_names_are_the_same_whatever_their_case(one_site: Desk) -> None:
    one_site.begin()
    one_site.on_day(0)
    one_site.service.sites = ("HILL SCHOOL",)
    one_site.service.declare(service="SAFE NET", supplier="ACME")

    assert Ended(0, "") == one_site.once()
    assert 0 == one_site.on_day(1).code
    assert 2 == len(one_site.runs("measured"))
    assert [2] * 3 == [one["runs"] for one in one_site.status_data()["series"]]


def test_a_site_that_is_monitored_no_more_counts_in_no_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, monkeypatch, sites=(HILL, VALE, "Lake School"))
    desk.begin()
    desk.service.behave(HILL, MANY)
    desk.on_day(0)
    desk.service.sites = (VALE, "Lake School")
    desk.service.behave(VALE, MANY)
    desk.service.declare()
    desk.once()

    ended = desk.on_day(1)

    assert 0 == ended.code, ended.said
    assert "no alarms" == desk.alarms("--all").said


def test_a_file_that_becomes_faulty_between_runs_is_told(desk: Desk) -> None:
    desk.begin()
    desk.service.file.write_text("monitoring: acme\nservices: []\n", encoding="utf-8")

    ended = desk.on_day(0)

    assert 2 == ended.code
    assert "services" in ended.said
