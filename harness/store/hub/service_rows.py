"""Read what pages tell of services: documents by urgency, and results, part by part."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, or_

from harness.store.hub.hub_tables import DOCUMENTS, OUTCOMES
from harness.store.hub.repository import Reading


class AfterService(NamedTuple):
    """The place after which a part of a list of services begins: of its last one before."""

    state: str
    service: str
    stream: str
    id: str


class BeforeResult(NamedTuple):
    """The place in the results of a requirement after which a part begins, newest first."""

    measured_at: datetime
    campaign: str
    scheme: str
    number: int


def service_rows(
    reading: Reading, kind: str, after: AfterService | None, limit: int
) -> list[Row[Any]]:
    """Documents of a kind in the order of their states, services and suppliers."""
    column = DOCUMENTS.c
    keys = (column.state, column.service, column.stream, column.id)
    where = [column.kind == kind]
    if after is not None:
        where.append(
            _beyond([(key, key > value, value) for key, value in zip(keys, after, strict=True)])
        )
    return reading.rows(DOCUMENTS, *where, order=keys, limit=limit)


def document_states(reading: Reading, kind: str) -> list[str]:
    """The state of each document of a kind."""
    column = DOCUMENTS.c
    rows = reading.rows(DOCUMENTS, column.kind == kind, columns=(column.state,))
    return [str(row.state) for row in rows]


def urgent_rows(reading: Reading, kind: str, states: Collection[str], limit: int) -> list[Row[Any]]:
    """Documents of a kind in some states, in the order of the states and their dates."""
    column = DOCUMENTS.c
    return reading.rows(
        DOCUMENTS,
        column.kind == kind,
        column.state.in_(sorted(states)),
        order=(column.state, column.at, column.id),
        limit=limit,
    )


def bodies(reading: Reading, stream: str, kind: str, ids: Collection[str]) -> dict[str, str]:
    """The bodies of some documents of a supplier, by their ids."""
    column = DOCUMENTS.c
    if not ids:
        return {}
    where = (column.stream == stream, column.kind == kind, column.id.in_(sorted(ids)))
    rows = reading.rows(DOCUMENTS, *where, columns=(column.id, column.body))
    return {row.id: row.body for row in rows}


def result_rows(
    reading: Reading,
    of_requirement: tuple[str, str, str],
    before: BeforeResult | None,
    limit: int,
) -> list[Row[Any]]:
    """The results of a requirement of a service, the newest first.

    ``of_requirement`` are the stream, the service and the requirement.
    """
    column = OUTCOMES.c
    names = (column.stream, column.service, column.requirement)
    where = [name == value for name, value in zip(names, of_requirement, strict=True)]
    if before is not None:
        keys = [
            (column.measured_at, column.measured_at < before.measured_at, before.measured_at),
            (column.campaign, column.campaign < before.campaign, before.campaign),
            (column.scheme, column.scheme > before.scheme, before.scheme),
            (column.number, column.number > before.number, before.number),
        ]
        where += [column.measured_at <= before.measured_at, _beyond(keys)]
    order = (column.measured_at.desc(), column.campaign.desc(), column.scheme, column.number)
    return reading.rows(OUTCOMES, *where, order=order, limit=limit)


Key = tuple[ColumnElement[Any], ColumnElement[bool], Any]
"""A column, the condition that a row comes after a place by it alone, and the place's value."""


def _beyond(keys: Sequence[Key]) -> ColumnElement[bool]:
    """The condition that a row comes after a place in the order of several columns."""
    return or_(
        *(
            and_(*(column == value for column, _, value in keys[:at]), keys[at][1])
            for at in range(len(keys))
        )
    )
