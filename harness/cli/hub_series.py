"""Series of figures over time that a hub's charts are drawn from, kept as documents.

A series grows by one figure with each campaign. So a chart reads one row, however many results
there are. A series that lost a result, or got one before its newest, is made anew from its rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from harness.store.hub.projection import (
    CampaignKey,
    Document,
    documents_of,
    drop_documents,
    outcomes_of,
    outcomes_with,
    put_documents,
)
from reports.dashboard.result_facts import (
    CURRENT,
    NEWEST,
    OUTCOME_FACTS,
    SERIES,
    SERIES_FACTS,
    WEEKS,
    CurrentFacts,
    Figure,
    OutcomeFacts,
    SeriesFacts,
    Subject,
)
from reports.site.trend_facts import WORST_FIRST, State

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row


class SeriesKey(NamedTuple):
    """The service, as rows have its name, and the subject of a series."""

    service: str
    subject: Subject

    @property
    def id(self) -> str:
        """The id of the documents of the series."""
        names = msgspec.json.encode((self.service, self.subject))
        return hashlib.sha256(names).hexdigest()[:24]


class Result(NamedTuple):
    """An outcome of a service for its series."""

    service: str
    is_binding: bool
    facts: OutcomeFacts

    @property
    def key(self) -> SeriesKey:
        """The key of the series that it belongs to."""
        return SeriesKey(self.service, self.facts.about)

    @property
    def order(self) -> tuple[datetime, str]:
        """What results of a series are ordered by."""
        return self.facts.figure.at, self.facts.figure.campaign


def results_of(connection: Connection, keys: Iterable[CampaignKey]) -> Iterator[Result]:
    """The results that rows of campaigns hold now."""
    for key in keys:
        yield from map(_result, outcomes_of(connection, key))


def update_series(
    connection: Connection, stream: str, before: Sequence[Result], after: Sequence[Result]
) -> None:
    """Bring the series up to date, once the rows of some campaigns were replaced.

    ``before`` are the results that these campaigns had, ``after`` those that they have.
    """
    lost = {result.key for result in before}
    added: dict[SeriesKey, list[Result]] = {}
    for result in sorted(after, key=lambda each: each.order):
        added.setdefault(result.key, []).append(result)
    ids = [key.id for key in added if key not in lost]
    held = documents_of(connection, stream, SERIES, ids=ids)
    documents: list[Document] = []
    for key in lost | added.keys():
        results = added.get(key, [])
        series = SERIES_FACTS.decode(held[key.id].body) if key.id in held else None
        if key in lost or (series is not None and _newest(series) >= results[0].order):
            results, series = _all_results(connection, stream, key), None
        if results:
            documents += _documents(key, series, results)
        else:
            for kind in (SERIES, CURRENT):
                drop_documents(connection, stream, kind, [key.id])
    put_documents(connection, stream, documents)


def with_figure(series: SeriesFacts, figure: Figure) -> SeriesFacts:
    """A series with one more figure, which is newer than all others."""
    newest, weekly = (*series.newest, figure), series.weekly
    if len(newest) > NEWEST:
        passing, newest = newest[0], newest[1:]
        weekly = _with_week(weekly, passing)[-WEEKS:]
    return msgspec.structs.replace(series, newest=newest, weekly=weekly, results=series.results + 1)


def _with_week(weekly: tuple[Figure, ...], figure: Figure) -> tuple[Figure, ...]:
    """Weeks with one more result, which takes the place of an earlier one of its week."""
    last = weekly[-1] if weekly else None
    is_same_week = (
        last is not None
        and not figure.has_other_instrument(last, last.software)
        and last.at.isocalendar()[:2] == figure.at.isocalendar()[:2]
    )
    if last is None or not is_same_week:
        return *weekly, figure
    joined = msgspec.structs.replace(
        figure,
        results=last.results + 1,
        since=last.since or last.at,
        worst=worst_of((last.worst or last.state, figure.state)),
        software=figure.software or last.software,
    )
    return *weekly[:-1], joined


def worst_of(states: Iterable[State]) -> State:
    """The worst of some states."""
    return min(states, key=WORST_FIRST.index)


def _newest(series: SeriesFacts) -> tuple[datetime, str]:
    last = series.newest[-1]
    return last.at, last.campaign


def _documents(
    key: SeriesKey, series: SeriesFacts | None, results: Sequence[Result]
) -> Iterator[Document]:
    last = results[-1]
    facts, figure = last.facts, last.facts.figure
    held = series or SeriesFacts(about=key.subject, title="", area="", results=0)
    for result in results:
        held = with_figure(held, result.facts.figure)
    held = msgspec.structs.replace(held, title=facts.title, area=facts.area)
    current = CurrentFacts(
        series=key.id,
        about=key.subject,
        figure=figure,
        title=facts.title,
        area=facts.area,
        severity=facts.severity,
        is_binding=last.is_binding,
        word=facts.word,
        results=held.results,
        failures=[each.worst or each.state for each in held.figures].count("does-not-conform"),
    )
    for kind, body in ((SERIES, held), (CURRENT, current)):
        text = msgspec.json.encode(body).decode()
        yield Document(kind, key.id, key.service, figure.state, figure.at, text)


def _all_results(connection: Connection, stream: str, key: SeriesKey) -> list[Result]:
    """All results of a series, oldest first."""
    names = ("requirement", "scheme", "profile", "line", "site", "schedule")
    values = {name: getattr(key.subject, name) for name in names}
    results = map(_result, outcomes_with(connection, stream, service=key.service, **values))
    return sorted((each for each in results if each.key == key), key=lambda each: each.order)


def _result(row: Row[Any]) -> Result:
    return Result(row.service, bool(row.is_binding), OUTCOME_FACTS.decode(row.body))
