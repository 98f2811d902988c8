"""Rows of pages follow the registry: whole, once, and the same however they were made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, select, update

from harness.cli import hub_projector
from harness.cli.site_views import assessment_of
from harness.errors import InstrumentError
from harness.model.decision_event import DecisionMade
from harness.model.event import Event as RegistryEvent
from harness.model.event import RecordAdded, RecordClosed
from harness.model.outcome import Assessment
from harness.model.registry_record import CampaignRecord
from harness.model.surveillance_event import SurveillanceRun
from harness.store.hub.hub_tables import CAMPAIGNS, DOCUMENTS, OUTCOMES, PROGRESS
from harness.store.hub.projection import Progress, all_progress, keep_progress
from harness.store.registry.tables import EVENTS
from reports.dashboard.result_facts import (
    CURRENT_FACTS,
    SERIES_FACTS,
)
from reports.dashboard.service_facts import SERVICES
from test_suites.kit.hubs.projected_example import Projected, projected
from test_suites.kit.hubs.site_example import NOW, example_views, on

GATEWAY, FILTER = (view.name for view in example_views())


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Projected]:
    with projected(tmp_path) as made:
        yield made


def _all(example: Projected, table: Any, *where: Any) -> list[Any]:
    with example.registry.transaction() as connection:
        return list(connection.execute(select(table).where(*where)))


def test_every_campaign_has_its_row_and_its_outcomes(example: Projected) -> None:
    assert {GATEWAY, FILTER} == set(example.projector.catch_up())
    campaigns = _all(example, CAMPAIGNS, CAMPAIGNS.c.stream == GATEWAY)
    assert 9 == len(campaigns)
    last = max(campaigns, key=lambda row: row.measured_at)
    assert ("SchoolShield Gateway", "becta-2008", 2, 0, 0) == (
        last.service, last.scheme, last.conforms, last.does_not_conform, last.insufficient,
    )  # fmt: skip
    outcomes = _all(example, OUTCOMES, OUTCOMES.c.campaign == last.campaign)
    assert ["URL-04", "OVB-01"] == [row.requirement for row in outcomes]
    assert 238 / 240 == outcomes[0].value


def test_a_campaign_without_its_assessment_has_its_recorded_numbers(tmp_path: Path) -> None:
    with projected(tmp_path, views=()) as example:
        view = example_views()[1]
        example.append(view.name, *view.events)
        example.projector.catch_up()
        rows = _all(example, CAMPAIGNS)
        assert [(2, 0, 0, 0)] * 3 == [
            (row.conforms, row.does_not_conform, row.insufficient, row.observations) for row in rows
        ]
        assert ["conforms"] * 3 == [row.state for row in rows]
        assert not _all(example, OUTCOMES)


def test_nothing_is_read_again_when_nothing_happened(
    example: Projected, monkeypatch: pytest.MonkeyPatch
) -> None:
    example.projector.catch_up()
    read = _counted_assessments(monkeypatch)
    assert () == example.projector.catch_up()
    assert [] == read


def test_one_new_campaign_is_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    view = example_views()[0]
    with projected(tmp_path, views=()) as example:
        example.keep_files(view)
        newest = max(
            at for at, event in enumerate(view.events)
            if isinstance(event, RecordAdded) and isinstance(event.record, CampaignRecord)
        )  # fmt: skip
        example.append(view.name, *view.events[:newest])
        example.projector.catch_up()
        read = _counted_assessments(monkeypatch)
        example.append(view.name, *view.events[newest:])
        for projector in (example.another(), example.projector):
            projector.catch_up()
        assert ["PRIVATE-2026-11-16"] == read
        assert 9 == len(_all(example, CAMPAIGNS))


def _counted_assessments(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    read: list[str] = []

    def counted(record: CampaignRecord, results: Path) -> Assessment | None:
        read.append(record.id)
        return assessment_of(record, results)

    monkeypatch.setattr(hub_projector, "assessment_of", counted)
    return read


@pytest.mark.parametrize("most", [1, 2, 100])
def test_rows_are_the_same_however_they_were_made(
    tmp_path: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with projected(tmp_path / "whole") as example:
        example.projector.catch_up()
        whole = example.rows()
    monkeypatch.setattr(hub_projector, "MOST_CAMPAIGNS", most)
    monkeypatch.setattr(hub_projector, "MOST_EVENTS", 3)
    with projected(tmp_path / "parts", views=()) as example:
        for view in example_views():
            example.keep_files(view)
            for start in range(0, len(view.events), 5):
                example.append(view.name, *view.events[start : start + 5])
                example.projector.catch_up()
        assert whole == example.rows()


def test_dropped_rows_are_made_anew(example: Projected, monkeypatch: pytest.MonkeyPatch) -> None:
    example.projector.catch_up()
    before = example.rows()
    with example.registry.transaction(is_writing=True) as connection:
        connection.execute(update(PROGRESS).values(edition="0", position=3))
        connection.execute(update(CAMPAIGNS).values(state="conforms", service="another"))
    assert {GATEWAY, FILTER} == set(example.projector.catch_up())
    assert before == example.rows()


@pytest.mark.parametrize("at", range(6))
def test_a_process_that_dies_leaves_rows_of_its_progress(
    example: Projected, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was written last, what another process makes of it is the same."""
    with projected(example.results / "whole") as other:
        other.projector.catch_up()
        whole = other.rows()
    monkeypatch.setattr(hub_projector, "MOST_CAMPAIGNS", 2)
    left = [at]

    def dying(*given: Any) -> None:
        keep_progress(*given)
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1

    monkeypatch.setattr(hub_projector, "keep_progress", dying)
    with pytest.raises(KeyboardInterrupt):
        example.projector.catch_up()
    monkeypatch.setattr(hub_projector, "keep_progress", keep_progress)
    with example.registry.transaction() as connection:
        reached = all_progress(connection).get(FILTER, Progress()).position
    events = example_views()[1].events[:reached]
    recorded = [e for e in events if isinstance(e, RecordAdded)]
    expected = sum(isinstance(event.record, CampaignRecord) for event in recorded)
    assert expected == len(_all(example, CAMPAIGNS, CAMPAIGNS.c.stream == FILTER))
    example.another().catch_up()
    assert whole == example.rows()


def test_two_processes_make_each_row_once(
    example: Projected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one makes everything between the reading and the writing of the first."""
    with projected(example.results / "whole") as other:
        other.projector.catch_up()
        whole = other.rows()
    second = example.another()
    monkeypatch.setattr(hub_projector, "MOST_CAMPAIGNS", 1)

    def slow(record: CampaignRecord, results: Path) -> Assessment | None:
        monkeypatch.setattr(hub_projector, "assessment_of", assessment_of)
        second.catch_up()
        return assessment_of(record, results)

    monkeypatch.setattr(hub_projector, "assessment_of", slow)
    reached: dict[str, list[int]] = {}

    def noted(connection: Connection, stream: str, progress: Progress) -> None:
        keep_progress(connection, stream, progress)
        reached.setdefault(stream, []).append(progress.position)

    monkeypatch.setattr(hub_projector, "keep_progress", noted)
    example.projector.catch_up()
    assert whole == example.rows()
    assert () == second.catch_up()
    assert {stream: sorted(each) for stream, each in reached.items()} == reached


def test_a_record_that_is_closed_takes_its_row_and_its_figures_along(example: Projected) -> None:
    example.projector.catch_up()
    last = _campaign(example, "PRIVATE-2026-11-16")
    example.append(
        GATEWAY,
        RecordClosed(at=NOW, actor="somebody", record=last.key, reason="concluded again"),
    )
    assert (GATEWAY,) == example.projector.catch_up()
    assert not _all(example, CAMPAIGNS, CAMPAIGNS.c.campaign == last.id)
    assert not _all(example, OUTCOMES, OUTCOMES.c.campaign == last.id)
    currents = _currents(example)
    assert {on("2026-09-21", 11)} == {each.figure.at for each in currents}
    example.append(GATEWAY, RecordAdded(at=NOW, actor="somebody", record=last))
    example.projector.catch_up()
    assert 1 == len(_all(example, CAMPAIGNS, CAMPAIGNS.c.campaign == last.id))
    assert {on("2026-11-16", 11)} == {each.figure.at for each in _currents(example)}


def test_what_the_newest_audit_did_not_measure_keeps_its_date(tmp_path: Path) -> None:
    """A re-test of one requirement hides no failure of another."""
    views = []
    for view in example_views():
        last = view.campaigns[-1]
        assert last.assessment is not None
        lacking = replace(last.assessment, outcomes=last.assessment.outcomes[1:])
        last = last._replace(assessment=lacking)
        views.append(view._replace(campaigns=(*view.campaigns[:-1], last)))
    with projected(tmp_path, views) as example:
        example.projector.catch_up()
        assert [] == example.told
        rows = _all(example, DOCUMENTS, DOCUMENTS.c.kind == "service")
        cells = {row.stream: SERVICES.decode(row.body).cells for row in rows}
    assert {
        "OVB-01": datetime(2026, 11, 16, tzinfo=UTC).date(),
        "URL-04": datetime(2026, 9, 21, tzinfo=UTC).date(),
    } == {code: cell.at.date() for code, cell in cells[GATEWAY].items() if cell.at}
    assert {"OVB-01": "conforms", "URL-04": "conforms"} == {
        code: cell.state for code, cell in cells[FILTER].items()
    }


def _campaign(example: Projected, name: str) -> CampaignRecord:
    with example.registry.reading(GATEWAY) as access:
        records = [event.record for event in access.events() if isinstance(event, RecordAdded)]
    return next(each for each in records if isinstance(each, CampaignRecord) and each.id == name)


def _currents(example: Projected) -> list[Any]:
    where = (DOCUMENTS.c.stream == GATEWAY, DOCUMENTS.c.kind == "current")
    return [CURRENT_FACTS.decode(row.body) for row in _all(example, DOCUMENTS, *where)]


def _run(name: str, at: Any = NOW) -> RegistryEvent:
    return SurveillanceRun(
        at=at, actor="monitor", service="SchoolShield Gateway", monitoring="north",
        site="Hill School", schedule="daily", due=at, result="measured", campaign=name,
    )  # fmt: skip


def test_a_run_of_surveillance_says_where_its_campaign_was_made(example: Projected) -> None:
    example.projector.catch_up()
    example.append(GATEWAY, _run("PRIVATE-2026-11-16"))
    example.projector.catch_up()
    places = {(row.campaign, row.site, row.schedule) for row in _all(example, OUTCOMES)}
    assert ("PRIVATE-2026-11-16", "Hill School", "daily") in places
    assert ("PRIVATE-2026-09-21", "", "") in places
    figures = {(each.about.site, each.figure.campaign) for each in _currents(example)}
    assert {("Hill School", "PRIVATE-2026-11-16"), ("", "PRIVATE-2026-09-21")} == figures


def test_figures_from_before_take_their_place_in_time(tmp_path: Path) -> None:
    """A campaign that is uploaded late is drawn where it was measured."""
    view = example_views()[0]
    with projected(tmp_path / "whole") as example:
        example.projector.catch_up()
        in_order = {each.series: each for each in _currents(example)}
    added = [e for e in view.events if isinstance(e, RecordAdded)]
    campaigns = [e for e in added if isinstance(e.record, CampaignRecord)]
    others = [e for e in view.events if e not in campaigns and not isinstance(e, DecisionMade)]
    with projected(tmp_path / "late", views=()) as example:
        example.keep_files(view)
        example.append(GATEWAY, *others)
        for event in reversed(campaigns):
            late = msgspec.structs.replace(event, at=NOW)
            example.append(GATEWAY, late)
            example.projector.catch_up()
        assert [] == example.told
        assert in_order == {each.series: each for each in _currents(example)}
        series = [
            SERIES_FACTS.decode(row.body)
            for row in _all(example, DOCUMENTS, DOCUMENTS.c.kind == "series")
        ]
        for each in series:
            times = [figure.at for figure in each.figures]
            assert sorted(times) == times


def test_a_changed_registry_is_told_of_once_and_the_others_go_on(example: Projected) -> None:
    with example.registry.transaction(is_writing=True) as connection:
        connection.exec_driver_sql("DROP TRIGGER stream_events_no_update")
        changed = (EVENTS.c.stream == GATEWAY, EVENTS.c.position == 4)
        connection.execute(update(EVENTS).where(*changed).values(body="{}"))
    assert (FILTER,) == example.projector.catch_up()
    example.clock.at += timedelta(minutes=1)
    assert () == example.projector.catch_up()
    assert 1 == len(example.told)
    assert "event 4 of" in example.told[0]


def test_a_fault_of_one_stream_does_not_stop_the_others(
    example: Projected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told of once, and tried again later."""

    def faulty(record: CampaignRecord, results: Path) -> Assessment | None:
        if "Gateway" in record.of:
            raise ZeroDivisionError
        return assessment_of(record, results)

    monkeypatch.setattr(hub_projector, "assessment_of", faulty)
    assert (FILTER,) == example.projector.catch_up()
    assert 1 == len(example.told)
    monkeypatch.setattr(hub_projector, "assessment_of", assessment_of)
    assert () == example.projector.catch_up()
    example.clock.at += timedelta(seconds=30)
    assert (GATEWAY,) == example.projector.catch_up()


def test_what_others_record_is_followed(
    example: Projected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are there before anybody is answered, and follow while the hub serves."""
    monkeypatch.setattr(hub_projector, "LOOK_EVERY", 0.001)
    looked = Event()
    with hub_projector.following(example.projector):
        assert 12 == len(_all(example, CAMPAIGNS))
        last = _campaign(example, "PRIVATE-2026-11-16")
        example.append(
            GATEWAY, RecordClosed(at=NOW, actor="somebody", record=last.key, reason="withdrawn")
        )

        def write(*given: Any) -> None:
            keep_progress(*given)
            looked.set()

        monkeypatch.setattr(hub_projector, "keep_progress", write)
        assert looked.wait(60)
    assert 11 == len(_all(example, CAMPAIGNS))


def test_a_registry_that_cannot_be_read_is_told_of(
    example: Projected, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise InstrumentError("the database is away")

    monkeypatch.setattr(example.projector, "catch_up", broken)
    example.projector.try_to_catch_up()
    example.projector.try_to_catch_up()
    assert ["pages are not up to date: the database is away"] == example.told


def test_documents_are_made_anew_each_day(example: Projected) -> None:
    example.projector.catch_up()
    example.clock.at += timedelta(hours=1)
    assert () == example.projector.catch_up()
    example.clock.at += timedelta(days=1)
    assert {GATEWAY, FILTER} == set(example.projector.catch_up())
