"""Read the rows of campaigns and of their outcomes, as far as a viewer sees them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, case, func, or_

from harness.store.hub.hub_tables import CAMPAIGNS, OUTCOMES
from harness.store.hub.repository import Reading

NAMES = ("stream", "campaign", "scheme")
"""The columns that tell a campaign by one scheme from all others."""

MOST_SCHEMES, MOST_RUNS = 50, 50
"""How many schemes of a campaign are read, and how many runs of a service can be chosen."""

_LISTED = tuple(column for column in CAMPAIGNS.c if column.name != "body")


class Wanted(NamedTuple):
    """The campaigns that a list is of; empty fields mean any."""

    service: str = ""
    site: str = ""
    state: str = ""

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The conditions."""
        for name, value in self._asdict().items():
            if value:
                yield CAMPAIGNS.c[name] == value


class Before(NamedTuple):
    """The place in the list of campaigns after which a page begins: of its last row before."""

    measured_at: datetime
    stream: str
    campaign: str
    scheme: str


def newest_campaigns(
    reading: Reading, wanted: Wanted, before: Before | None, limit: int
) -> list[Row[Any]]:
    """Campaigns, newest first, without their bodies."""
    columns = CAMPAIGNS.c
    where = [*wanted.conditions()]
    if before is not None:
        # the first condition lets the index begin there
        where.append(columns.measured_at <= before.measured_at)
        where.append(or_(columns.measured_at < before.measured_at, _beyond(before)))
    order = [columns.measured_at.desc(), *(columns[name] for name in NAMES)]
    return reading.rows(CAMPAIGNS, *where, columns=_LISTED, order=order, limit=limit)


def count_campaigns(reading: Reading, wanted: Wanted) -> dict[str, int]:
    """How many campaigns there are in each state, on all pages of a list."""
    state = CAMPAIGNS.c.state
    rows = reading.rows(
        CAMPAIGNS,
        *wanted.conditions(),
        columns=(state, func.count().label("number")),
        group=(state,),
    )
    return {str(row.state): int(row.number) for row in rows}


def _beyond(before: Before) -> ColumnElement[bool]:
    """Whether a campaign of the same time comes later in the list."""
    values = [(CAMPAIGNS.c[name], getattr(before, name)) for name in NAMES]
    return or_(
        *(
            and_(*(column == value for column, value in values[:at]), values[at][0] > values[at][1])
            for at in range(len(values))
        )
    )


def campaigns_named(reading: Reading, stream: str, campaign: str) -> list[Row[Any]]:
    """A campaign with its bodies, one row for each scheme that assessed it."""
    columns = CAMPAIGNS.c
    where = columns.stream == stream, columns.campaign == campaign
    return reading.rows(CAMPAIGNS, *where, order=[columns.scheme], limit=MOST_SCHEMES)


def runs_of(reading: Reading, stream: str, service: str) -> list[Row[Any]]:
    """The newest campaigns of a service with rows of items, each by its first scheme."""
    columns = CAMPAIGNS.c
    rows = reading.rows(
        CAMPAIGNS,
        columns.stream == stream,
        columns.service == service,
        columns=_LISTED,
        order=[columns.measured_at.desc(), columns.campaign, columns.scheme],
        limit=2 * MOST_RUNS,
    )
    found = {row.campaign: row for row in reversed(rows) if row.has_items}
    return [row for row in rows if found.get(row.campaign) is row][:MOST_RUNS]


def sites_of(reading: Reading, stream: str, campaigns: Collection[str]) -> dict[str, str]:
    """The sites of campaigns by their names."""
    columns = CAMPAIGNS.c
    where = columns.stream == stream, columns.campaign.in_(sorted(campaigns))
    rows = reading.rows(CAMPAIGNS, *where, columns=[columns.campaign, columns.site])
    return {row.campaign: row.site for row in rows}


class Outcomes(NamedTuple):
    """The outcomes of a campaign by a scheme that are wanted; empty fields mean any."""

    stream: str
    campaign: str
    scheme: str
    requirement: str = ""
    profile: str = ""
    line: str = ""
    state: str = ""
    is_binding: bool | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The conditions that rows must fulfil."""
        for name, value in self._replace(is_binding=None)._asdict().items():
            if value:
                yield OUTCOMES.c[name] == value
        if self.is_binding is not None:
            yield OUTCOMES.c.is_binding.is_(self.is_binding)


def read_outcomes(reading: Reading, wanted: Outcomes, limit: int | None = None) -> list[Row[Any]]:
    """Rows of outcomes, in the order of the assessment."""
    return reading.rows(OUTCOMES, *wanted.conditions(), order=[OUTCOMES.c.number], limit=limit)


def read_by_state(
    reading: Reading, wanted: Outcomes, states: Sequence[str], limit: int
) -> list[Row[Any]]:
    """The outcomes in these states, in the order of the states; those that bind before others."""
    columns = OUTCOMES.c
    where = *wanted.conditions(), columns.state.in_(states)
    place = case({state: number for number, state in enumerate(states)}, value=columns.state)
    order = [columns.is_binding.desc(), place, columns.number]
    return reading.rows(OUTCOMES, *where, order=order, limit=limit)
