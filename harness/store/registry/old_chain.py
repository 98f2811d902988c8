"""Registries from before there were streams: one chain of events of all suppliers.

Its rows stay in the database after migration, so that heads printed before can still be checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from sqlalchemy import Connection, inspect, select, text

from harness.errors import InstrumentError
from harness.model.event import Event
from harness.store.registry.event_rows import START, event_of
from harness.store.registry.tables import OLD_EVENTS, OLD_EVENTS_END, OLD_HEAD


def old_chain(connection: Connection, where: str) -> tuple[tuple[str, Event], ...]:
    """Each event of the old chain with its hash; none if the registry never had one.

    Raises InstrumentError naming the first event that was changed.
    """
    if not inspect(connection).has_table(OLD_EVENTS.name):
        return ()
    return tuple(_chain(connection, where))


def end_old_chain(connection: Connection) -> None:
    """Make the old chain refuse new events."""
    for statement in OLD_EVENTS_END[connection.dialect.name]:
        connection.execute(text(statement))


def _chain(connection: Connection, where: str) -> Iterator[tuple[str, Event]]:
    rows = connection.execute(select(OLD_EVENTS).order_by(OLD_EVENTS.c.position)).all()
    previous = START
    for position, row in enumerate(rows, 1):
        event = event_of(row.body)
        if event is None or dict(row._mapping) != _row(position, event, previous, row.body):  # noqa: SLF001 - SQLAlchemy's public name for it
            msg = f"{where}: event {position} was changed"
            raise InstrumentError(msg)
        previous = row.hash
        yield previous, event
    head = (len(rows), previous)
    if inspect(connection).has_table(OLD_HEAD.name):  # the first versions had none
        kept = connection.execute(select(OLD_HEAD)).first()
        recorded = "is missing" if kept is None else f"records {kept.events}"
        if (kept is not None or rows) and (kept is None or (kept.events, kept.hash) != head):
            msg = (
                f"{where}: the registry was changed: it holds {len(rows)} events, "
                f"but its head {recorded}"
            )
            raise InstrumentError(msg)


def _row(position: int, event: Event, previous: str, body: str) -> dict[str, Any]:
    covered = f"{position}\x1f{previous}\x1f{body}"
    return {
        "position": position,
        "at": event.at.astimezone(UTC),
        "actor": event.actor,
        "kind": event.__struct_config__.tag,
        "body": body,
        "previous": previous,
        "hash": hashlib.sha256(covered.encode()).hexdigest(),
    }
