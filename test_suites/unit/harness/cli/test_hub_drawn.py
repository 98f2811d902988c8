"""The series that is drawn of a requirement is one that has much to tell."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from harness.cli.hub_drawn import Drawn, choose_drawn
from harness.store.hub.projection import Document, put_documents
from harness.store.registry.opening import open_registry
from reports.dashboard.result_facts import SERIES, CurrentFacts, Figure, SeriesFacts, Subject
from test_suites.site_example import NOW

STREAM = "supplier:acme"


def series(results: int, site: str, *, years: float = 0, failures: int = 0) -> SeriesFacts:
    """A series of so many weekly results, the first of which fail, up to years ago."""
    last = NOW - timedelta(days=365 * years)
    figures = tuple(
        Figure(
            campaign=f"{site}-{number}", at=last - timedelta(weeks=results - number), measured="",
            state="does-not-conform" if number < failures else "conforms",
        )
        for number in range(results)
    )  # fmt: skip
    about = Subject(
        scheme="s", requirement="URL-04", profile="p", line="l", unit="share", site=site,
        direction="at_least",
    )  # fmt: skip
    return SeriesFacts(about=about, title="", area="", results=results, newest=figures)


def chosen(folder: Path, *given: SeriesFacts) -> Drawn:
    """What is drawn of series, the worst of which is the first."""
    currents = [
        CurrentFacts(
            series=each.about.site, about=each.about, figure=each.newest[-1], title="", area="",
            severity="", is_binding=True, results=each.results,
        )
        for each in given
    ]  # fmt: skip
    documents = [
        Document(SERIES, each.about.site, "", "", NOW, msgspec.json.encode(each).decode())
        for each in given
    ]
    with open_registry(folder / "registry.db", create=True) as registry:
        with registry.transaction(is_writing=True) as connection:
            put_documents(connection, STREAM, documents)
        with registry.transaction() as connection:
            return choose_drawn(connection, STREAM, {"URL-04": currents}, NOW)["URL-04"]


@pytest.mark.parametrize(
    ("worst", "other", "drawn"), [(9, 10, "b"), (10, 11, ""), (9, 9, ""), (9, 8, "")]
)
def test_few_results_give_way_to_more(tmp_path: Path, worst: int, other: int, drawn: str) -> None:
    found = chosen(tmp_path, series(worst, "a"), series(other, "b"))
    assert drawn == found.series


def test_the_longest_is_drawn_and_failures_of_both_count(tmp_path: Path) -> None:
    given = series(3, "a", failures=1), series(30, "b", failures=7), series(40, "c", failures=2)
    assert Drawn("c", 3) == chosen(tmp_path, *given)


def test_results_of_long_ago_do_not_count(tmp_path: Path) -> None:
    assert Drawn("b", 0) == chosen(tmp_path, series(12, "a", years=1.9), series(13, "b"))
    assert Drawn("", 0) == chosen(tmp_path, series(3, "c"), series(90, "d", years=2.1))
