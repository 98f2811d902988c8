"""Choose the series that is drawn of each requirement of a service: one that has much to tell.

It is that of the worst newest result. Where that has few results, as campaigns for decisions have,
and another profile, line or site has more, the longest of these is drawn instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from harness.store.hub.projection import documents_of
from reports.dashboard.result_facts import SERIES, SERIES_FACTS, CurrentFacts, SeriesFacts
from reports.dashboard.service_facts import WEEKS_SHOWN

if TYPE_CHECKING:
    from sqlalchemy import Connection

FEW = 10
"""A series of fewer results than this within the weeks of a strip tells little."""

SHOWN = timedelta(weeks=WEEKS_SHOWN)


class Drawn(NamedTuple):
    """The series that is drawn instead of the worst one (empty: that one), and their failures."""

    series: str
    failures: int


def choose_drawn(
    connection: Connection,
    stream: str,
    grouped: Mapping[str, Sequence[CurrentFacts]],
    now: datetime,
) -> dict[str, Drawn]:
    """What is drawn of each requirement, by its code; ``grouped`` are newest results, worst first.

    Of the other series only those are read that are drawn.
    """
    worst = {code: currents[0].series for code, currents in grouped.items()}
    held = _series(connection, stream, worst.values())
    instead: dict[str, str] = {}
    for code, currents in grouped.items():
        since = now - SHOWN
        is_short = _results(held[worst[code]], since) < FEW
        recent = [each for each in currents if each.figure.at >= since]
        longest = max(recent, key=lambda each: each.results, default=None)
        if is_short and longest is not None and longest.results > currents[0].results:
            instead[code] = longest.series
    held |= _series(connection, stream, instead.values())
    found = {}
    for code, name in worst.items():
        both = {name, instead.get(code, name)}
        found[code] = Drawn(instead.get(code, ""), sum(_failures(held[each]) for each in both))
    return found


def _series(connection: Connection, stream: str, ids: Iterable[str]) -> dict[str, SeriesFacts]:
    rows = documents_of(connection, stream, SERIES, ids=list(ids))
    return {name: SERIES_FACTS.decode(row.body) for name, row in rows.items()}


def _results(series: SeriesFacts, since: datetime) -> int:
    return sum(figure.results for figure in series.figures if figure.at >= since)


def _failures(series: SeriesFacts) -> int:
    """How many figures, or weeks of figures, did not conform."""
    states = [figure.worst or figure.state for figure in series.figures]
    return states.count("does-not-conform")
