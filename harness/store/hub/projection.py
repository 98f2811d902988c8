"""Write the rows that pages read: campaigns, outcomes, items, documents, and how far they reach.

Only what makes rows from the registry writes here; pages read through the repository. All functions
work within the transaction of their connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    and_,
    delete,
    func,
    insert,
    select,
)

from harness.store.hub.hub_tables import CAMPAIGNS, DOCUMENTS, ITEMS, OUTCOMES, PROGRESS

CHUNK = 500
"""How many rows are written, or ids asked for, at once."""

LATE_AFTER = timedelta(minutes=5)
"""How old the rows of pages may be before pages and the hub's heartbeat say so."""


def is_late(rows_of: datetime | None, now: datetime) -> bool:
    """Whether rows that were up to date at that time are too old; ``None``: they never were."""
    return rows_of is None or now - rows_of > LATE_AFTER


class Progress(NamedTuple):
    """Up to which event of a stream rows were made, and by which edition of the code."""

    position: int = 0
    edition: str = ""


class CampaignKey(NamedTuple):
    """What tells a campaign's row from all others."""

    stream: str
    campaign: str
    scheme: str


class CampaignRow(NamedTuple):
    """A campaign by one scheme; ``state`` is that of the whole, ``body`` is JSON."""

    stream: str
    campaign: str
    scheme: str
    service: str
    site: str
    schedule: str
    measured_at: datetime
    state: str
    conforms: int
    does_not_conform: int
    insufficient: int
    observations: int
    journal: str
    has_items: bool
    body: str

    @property
    def key(self) -> CampaignKey:
        """The key of the row."""
        return CampaignKey(self.stream, self.campaign, self.scheme)


class OutcomeRow(NamedTuple):
    """An outcome of a campaign, ``number`` in the order of the assessment; ``body`` is JSON."""

    number: int
    requirement: str
    profile: str
    line: str
    state: str
    is_binding: bool
    value: float | None
    lower: float | None
    upper: float | None
    body: str


class Document(NamedTuple):
    """Facts for one page or one row of a list; ``body`` is JSON, ``state`` what lists filter by."""

    kind: str
    id: str
    service: str
    state: str
    at: datetime
    body: str


def all_progress(connection: Connection) -> dict[str, Progress]:
    """How far the rows of each stream reach."""
    return {row.stream: Progress(row.position, row.edition) for row in _all(connection, PROGRESS)}


def progress_of(connection: Connection, stream: str) -> Progress:
    """How far the rows of a stream reach."""
    rows = _all(connection, PROGRESS, PROGRESS.c.stream == stream)
    return Progress(rows[0].position, rows[0].edition) if rows else Progress()


def keep_progress(connection: Connection, stream: str, progress: Progress) -> None:
    """Write how far the rows of a stream reach."""
    connection.execute(delete(PROGRESS).where(PROGRESS.c.stream == stream))
    connection.execute(insert(PROGRESS).values(stream=stream, **progress._asdict()))


def drop_rows(connection: Connection, stream: str) -> None:
    """Remove all derived rows of a stream."""
    for table in (CAMPAIGNS, OUTCOMES, ITEMS, DOCUMENTS, PROGRESS):
        connection.execute(delete(table).where(table.c.stream == stream))


def remove_campaign(connection: Connection, key: CampaignKey) -> None:
    """Remove a campaign by one scheme with its outcomes; the items go with its last scheme."""
    for table in (OUTCOMES, CAMPAIGNS):
        connection.execute(delete(table).where(_is(table, key)))
    others = and_(CAMPAIGNS.c.stream == key.stream, CAMPAIGNS.c.campaign == key.campaign)
    if not _all(connection, CAMPAIGNS, others):
        of_campaign = and_(ITEMS.c.stream == key.stream, ITEMS.c.campaign == key.campaign)
        connection.execute(delete(ITEMS).where(of_campaign))


def replace_campaign(
    connection: Connection, campaign: CampaignRow, outcomes: Iterable[OutcomeRow]
) -> None:
    """Write a campaign by one scheme and its outcomes anew; its items stay as they are."""
    for table in (OUTCOMES, CAMPAIGNS):
        connection.execute(delete(table).where(_is(table, campaign.key)))
    connection.execute(insert(CAMPAIGNS).values(**campaign._asdict()))
    shared = {
        name: getattr(campaign, name)
        for name in ("stream", "campaign", "scheme", "service", "site", "schedule", "measured_at")
    }
    _insert(connection, OUTCOMES, [{**shared, **each._asdict()} for each in outcomes])


def replace_documents(
    connection: Connection, stream: str, kind: str, documents: Iterable[Document]
) -> None:
    """Write all documents of a kind of a stream anew."""
    table = DOCUMENTS
    connection.execute(delete(table).where(and_(table.c.stream == stream, table.c.kind == kind)))
    put_documents(connection, stream, documents, are_new=True)


def put_documents(
    connection: Connection, stream: str, documents: Iterable[Document], *, are_new: bool = False
) -> None:
    """Write documents; each replaces the one of its kind and id, if there can be one."""
    values = [{"stream": stream, **each._asdict()} for each in documents]
    if not are_new:
        for kind in {each["kind"] for each in values}:
            drop_documents(
                connection, stream, kind, [each["id"] for each in values if each["kind"] == kind]
            )
    _insert(connection, DOCUMENTS, values)


def drop_documents(connection: Connection, stream: str, kind: str, ids: Sequence[str]) -> None:
    """Remove the documents of a kind with these ids."""
    table = DOCUMENTS
    of_kind = and_(table.c.stream == stream, table.c.kind == kind)
    for start in range(0, len(ids), CHUNK):
        some = table.c.id.in_(ids[start : start + CHUNK])
        connection.execute(delete(table).where(of_kind, some))


def documents_of(
    connection: Connection, stream: str, kind: str, *, ids: Sequence[str] = (), service: str = ""
) -> dict[str, Row[Any]]:
    """Documents of a kind by their ids: those with these ``ids``, or those of a ``service``."""
    table = DOCUMENTS
    of_kind = and_(table.c.stream == stream, table.c.kind == kind)
    if service:
        rows = _all(connection, table, of_kind, table.c.service == service)
        return {row.id: row for row in rows}
    found = {}
    for start in range(0, len(ids), CHUNK):
        some = table.c.id.in_(ids[start : start + CHUNK])
        found.update({row.id: row for row in _all(connection, table, of_kind, some)})
    return found


def outcomes_of(connection: Connection, key: CampaignKey) -> Sequence[Row[Any]]:
    """The outcomes of a campaign by one scheme."""
    return connection.execute(select(OUTCOMES).where(_is(OUTCOMES, key))).all()


def outcomes_with(connection: Connection, stream: str, **values: str) -> Sequence[Row[Any]]:
    """The outcomes of a supplier with these values in the columns of these names."""
    column = OUTCOMES.c
    same = (column[name] == value for name, value in values.items())
    return connection.execute(select(OUTCOMES).where(column.stream == stream, *same)).all()


class ServiceCampaigns(NamedTuple):
    """The campaigns of a service: how many, the newest, and time, state and name of later ones."""

    number: int
    last: datetime | None
    name: str
    made: tuple[tuple[datetime, str, str], ...]


def campaigns_of(
    connection: Connection, stream: str, service: str, since: datetime
) -> ServiceCampaigns:
    """The campaigns of a service; those since a time, oldest first.

    A campaign by several schemes counts for each.
    """
    column = CAMPAIGNS.c
    of_service = and_(column.stream == stream, column.service == service)
    counted = select(func.count()).select_from(CAMPAIGNS).where(of_service)
    order = (column.measured_at.desc(), column.campaign.desc())
    newest = select(column.measured_at, column.campaign).where(of_service).order_by(*order)
    last = connection.execute(newest.limit(1)).first()
    since_then = column.measured_at >= since
    asked = select(column.measured_at, column.state, column.campaign).where(of_service, since_then)
    rows = connection.execute(asked.order_by(column.measured_at)).all()
    return ServiceCampaigns(
        number=connection.scalar(counted) or 0,
        last=last.measured_at if last is not None else None,
        name=last.campaign if last is not None else "",
        made=tuple((row.measured_at, row.state, row.campaign) for row in rows),
    )


def _is(table: Table, key: CampaignKey) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key._asdict().items()))


def _all(connection: Connection, table: Table, *where: ColumnElement[bool]) -> Sequence[Row[Any]]:
    return connection.execute(select(table).where(*where)).all()


def _insert(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            connection.execute(insert(table), chunk)
            chunk = []
    if chunk:
        connection.execute(insert(table), chunk)
