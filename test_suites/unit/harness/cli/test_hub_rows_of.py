"""Pages know of what time their rows are, and when that is too long ago."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from harness.model.hub_access import PUBLIC, Role, Viewer
from harness.store.hub.projection import is_late
from harness.store.registry.tables import STREAMS
from test_suites.kit.hubs.projected_example import Projected, projected
from test_suites.kit.hubs.site_example import NOW, example_views

GATEWAY, FILTER = (view.name for view in example_views())


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Projected]:
    with projected(tmp_path) as made:
        yield made


def test_the_rows_of_a_viewer_are_of_the_last_time_when_all_were_made(
    example: Projected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trouble with one stream concerns those who see it; of a registry that is away, everybody."""
    gateway, other = (
        Viewer(role=Role.SUPPLIER, person="p", streams=frozenset({stream}))
        for stream in (GATEWAY, FILTER)
    )
    projector, begun = example.projector, example.clock.now()
    assert projector.rows_of(PUBLIC) is None
    projector.try_to_catch_up()
    assert {begun} == {projector.rows_of(each) for each in (PUBLIC, gateway, other)}

    with example.registry.transaction(is_writing=True) as connection:
        longer = update(STREAMS).where(STREAMS.c.stream == GATEWAY)
        connection.execute(longer.values(events=STREAMS.c.events + 1))
    example.clock.at += timedelta(minutes=1)
    for _ in range(2):  # the stream is left alone for a while, and does not count as made
        projector.try_to_catch_up()
        assert begun == projector.rows_of(PUBLIC) == projector.rows_of(gateway)
        assert example.clock.now() == projector.rows_of(other)

    def away() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(example.registry, "heads", away)
    before = example.clock.now()
    example.clock.at += timedelta(minutes=1)
    example.told.clear()
    for _ in range(2):
        projector.try_to_catch_up()
        assert before == projector.rows_of(other)
    assert ["pages are not up to date: ZeroDivisionError: "] == example.told


@pytest.mark.parametrize(("minutes", "late"), [(0, False), (5, False), (6, True), (None, True)])
def test_rows_are_late_after_five_minutes(minutes: int | None, *, late: bool) -> None:
    at = None if minutes is None else NOW - timedelta(minutes=minutes)
    assert late is is_late(at, NOW)
