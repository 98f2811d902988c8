"""The audit log of a hub: events in the owner's stream, recorded with the change they tell of.

A change and its event are in one transaction: neither is there without the other. An append reads
the head of the stream alone, so that it takes as long after a million events as after one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from harness.model.access_event import AccessEvent
from harness.model.event import Event, StreamOpened
from harness.model.stream import OWNER, OWNER_NAME
from harness.store.registry.streams import Registry, StreamAccess, lock


class LogEntry(NamedTuple):
    """An event with its position in the owner's stream, which counts from 1."""

    position: int
    event: Event


class Audited:
    """A transaction that writes, with its events; made by ``audited``."""

    def __init__(self, connection: Connection, access: StreamAccess, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self._access = access

    def record(self, event: AccessEvent) -> None:
        """Add an event. Raises UsageError if its time is before the stream's."""
        events: list[Event] = [event]
        if self._access.head is None:
            events.insert(0, StreamOpened(at=event.at, actor=event.actor, name=OWNER_NAME))
        self._access.append(*events, now=self.now)


@contextmanager
def audited(registry: Registry, now: datetime) -> Iterator[Audited]:
    """Begin a transaction that records events; an error takes all back. Raises InstrumentError."""
    with registry.transaction(is_writing=True) as connection:
        lock(connection, OWNER)
        yield Audited(connection, StreamAccess(connection, OWNER, registry.where), now)


def log_entries(registry: Registry, *, before: int = 0, most: int = 50) -> tuple[LogEntry, ...]:
    """The newest entries of the log, newest first; with ``before`` those below that position.

    Raises InstrumentError where an event was changed.
    """
    with registry.reading(OWNER) as access:
        newest = access.head.events if access.head else 0
        last = min(newest, before - 1) if before else newest
        found = access.between(max(1, last - most + 1), last)
    return tuple(LogEntry(*each) for each in reversed(found))
