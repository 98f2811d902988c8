"""Series of figures keep few of many results, and events are read in parts of a whole chain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from harness.cli import hub_series
from harness.errors import InstrumentError
from harness.store.registry.tables import EVENTS
from reports.dashboard.figure_charts import series_of
from reports.dashboard.result_facts import Figure, SeriesFacts, Subject
from reports.site.trend_facts import State
from test_suites.kit.hubs.projected_example import Projected, projected
from test_suites.kit.hubs.site_example import example_views, on

FILTER = example_views()[1].name


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Projected]:
    with projected(tmp_path) as made:
        yield made


def test_events_after_a_position_are_read_in_parts(example: Projected) -> None:
    with example.registry.reading(FILTER) as access:
        events = access.events()
        assert list(enumerate(events, 1)) == [
            *access.after(0, 4), *access.after(4, 100), *access.after(len(events), 5),
        ]  # fmt: skip


def test_a_missing_event_is_found(example: Projected) -> None:
    with example.registry.transaction(is_writing=True) as connection:
        connection.exec_driver_sql("DROP TRIGGER stream_events_no_delete")
        connection.execute(EVENTS.delete().where(EVENTS.c.stream == FILTER, EVENTS.c.position == 5))
    with (
        example.registry.reading(FILTER) as access,
        pytest.raises(InstrumentError, match="was changed"),
    ):
        access.after(0, 20)


def test_series_show_the_newest_results_and_the_weeks_before() -> None:
    whole = SeriesFacts(
        about=Subject(
            scheme="s", requirement="URL-04", profile="p", line="l", unit="share",
            direction="at_least",
        ),
        title="", area="", results=0,
    )  # fmt: skip
    for day in range(1000):
        state: State = "does-not-conform" if day == 300 else "conforms"
        figure = Figure(
            campaign=f"c{day}", at=on("2024-01-01") + timedelta(days=day), state=state, measured=""
        )
        whole = hub_series.with_figure(whole, figure)
    assert 1000 == whole.results
    assert 40 == len(whole.newest)
    assert 80 == len(whole.weekly)
    assert [f"c{day}" for day in range(960, 1000)] == [each.campaign for each in whole.newest]
    assert {7} == {each.results for each in whole.weekly[1:-1]}
    assert [6] == [each.at.weekday() for each in whole.weekly[:1]]
    of_300 = [each for each in whole.weekly if each.worst == "does-not-conform"]
    assert [] == of_300


@pytest.mark.parametrize(("weeks", "first"), [(0, "c5"), (60, "c6")])
def test_a_version_that_is_not_known_cuts_no_line(weeks: int, first: str) -> None:
    """Known versions are compared across it, of figures of weeks as of single ones."""
    whole = SeriesFacts(
        about=Subject(
            scheme="s", requirement="URL-04", profile="p", line="l", unit="share",
            direction="at_least",
        ),
        title="", area="", results=0,
    )  # fmt: skip
    versions = ("", "1", "", "1", "", "2", *["2", ""] * (weeks // 2))
    for day, software in enumerate(versions):
        at = on("2024-01-01") + timedelta(days=3 * day)
        figure = Figure(
            campaign=f"c{day}", at=at, state="conforms", measured="", value=1.0,
            instrument="same", software=software,
        )  # fmt: skip
        whole = hub_series.with_figure(whole, figure)
    points = series_of(whole, "Safe Net").points
    assert [first] == [point.campaign.name for point in points if point.is_new]
