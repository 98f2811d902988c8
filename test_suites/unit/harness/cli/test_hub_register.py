"""The documents of the public register: they give the register, and hold nothing private."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from harness.cli.hub_register import keep_field_checks, register_documents
from harness.cli.registry_session import RegistrySession
from harness.follow.status_history import replay_statuses
from harness.model.stream import OWNER
from harness.store.hub.projection import Document, replace_documents
from harness.store.hub.repository import Repository
from harness.store.registry.opening import open_registry
from reports.site.public_facts import public_register
from reports.site.register_documents import (
    RegisterDocument,
    field_document,
    register_from,
    service_documents,
)
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.hub_pages import VIEWS, filled_registry
from test_suites.kit.hubs.projected_example import Projected
from test_suites.kit.hubs.site_example import NOW, checks_of

CHECKS = checks_of(VIEWS)


def documents() -> list[RegisterDocument]:
    made = [entry.document for view in VIEWS for entry in service_documents(view)]
    return [*made, field_document(CHECKS, OWNER)]


def test_the_documents_give_the_register_of_the_events() -> None:
    assert public_register(VIEWS, NOW, CHECKS) == register_from(documents(), NOW)
    assert public_register(VIEWS, NOW).services == register_from(documents()[:-1], NOW).services


@pytest.mark.parametrize("days", [0, 200, 261, 262, 263, 400])
def test_at_a_later_time_the_statuses_are_those_of_the_events_then(days: int) -> None:
    later = NOW + timedelta(days=days)
    views = [view._replace(history=replay_statuses(view.events, later).history) for view in VIEWS]

    assert public_register(views, later, CHECKS) == register_from(documents(), later)


def test_the_documents_hold_nothing_private(tmp_path: Path) -> None:
    assert "PRIVATE" in repr(VIEWS)

    for view in VIEWS:
        for made in register_documents(view, tmp_path):
            assert "PRIVATE" not in repr(made)
    assert "PRIVATE" not in repr(field_document(CHECKS, OWNER))


def test_columns_tell_which_service_and_its_status(tmp_path: Path) -> None:
    made = [one for view in VIEWS for one in register_documents(view, tmp_path)]

    assert [("SchoolShield Gateway", "accredited"), ("Harbour Filter", "accredited")] == [
        (one.service, one.state) for one in made
    ]
    assert {"register"} == {one.kind for one in made}


def test_the_public_reads_documents_of_the_register_alone(tmp_path: Path) -> None:
    with filled_registry(tmp_path) as registry:
        with registry.transaction(is_writing=True) as connection:
            private = Document("alarm", "A-1", "Safe Net", "open", NOW, '{"PRIVATE":1}')
            replace_documents(connection, VIEWS[0].name, "alarm", [private])
        rows = Repository(registry).public_documents()
        by_id = Repository(registry).public_documents("A-1")

    assert len(rows) == 3
    assert {"register"} == {row.kind for row in rows}
    assert [] == by_id


def test_checks_in_the_field_are_written_when_there_is_something_new(tmp_path: Path) -> None:
    with open_registry(tmp_path / "r.db", create=True) as registry:
        session = RegistrySession(registry, SetClock(NOW))
        keep_field_checks(session, NOW)
        (first,) = Repository(registry).public_documents()
        keep_field_checks(session, NOW + timedelta(days=1))
        (second,) = Repository(registry).public_documents()

    assert (OWNER, NOW) == (first.stream, first.at)
    assert first == second


def test_the_rows_of_a_registry_give_its_register(tmp_path: Path) -> None:
    with open_registry(tmp_path / "r.db", create=True) as registry:
        projected = Projected(registry, tmp_path / "out")
        projected.add(*VIEWS)
        projected.projector.catch_up()
        rows = Repository(registry).public_documents()

    assert [] == projected.told
    found = register_from((RegisterDocument(row.stream, row.id, row.body) for row in rows), NOW)
    assert public_register([view._replace(kept={}) for view in VIEWS], NOW) == found
