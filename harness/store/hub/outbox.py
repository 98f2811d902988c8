"""Notifications that wait to be sent: kept before they are sent, and sent at least once.

A notification is kept once for each target, in the transaction that notes how far the stream was
read. What a target did not take is tried again later, ever more rarely.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from harness.model.notification import Notification
from harness.model.stream import same_name
from harness.store.hub.hub_tables import CAMPAIGNS, CONDITIONS, NOTIFIED, OUTBOX
from harness.store.registry.streams import Registry

WAITING, SENT, HELD_BACK, GIVEN_UP = "waiting", "sent", "held-back", "given-up"
"""The states of a delivery. ``held-back`` was never sent, because of a maintenance window."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
MOST_TRIES = 40
"""After so many tries, about eight days, a delivery is given up, and said so."""

LONGEST_REASON = 500

_NOTIFICATIONS = msgspec.json.Decoder(Notification)


class Delivery(NamedTuple):
    """A notification for a target, with how often that did not take it."""

    target: str
    notification: Notification
    tries: int = 0


class Entry(NamedTuple):
    """A notification to keep for a target, to be sent from ``due`` on.

    With a ``reason`` it is held back: kept, and never sent.
    """

    target: str
    notification: Notification
    due: datetime
    reason: str = ""


class Lasting(NamedTuple):
    """Something that lasts: its key, since when, and what is told when it ends (if anything is)."""

    key: str
    since: datetime
    ends: Notification | None = None


class Outbox:
    """The notifications of a hub in its registry. Each method is one transaction.

    All raise InstrumentError if the registry cannot be read or written.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def note(self, stream: str, position: int, entries: Iterable[Entry] = ()) -> int:
        """Keep entries, and up to which event the stream was read; return how many are new."""
        with self._registry.transaction(is_writing=True) as connection:
            kept = sum(_keep(connection, each) for each in entries)
            matches = NOTIFIED.c.stream == stream
            changed = connection.execute(update(NOTIFIED).where(matches).values(position=position))
            if not changed.rowcount:
                connection.execute(insert(NOTIFIED).values(stream=stream, position=position))
        return kept

    def change(
        self, entries: Iterable[Entry], begun: Iterable[Lasting], ended: Collection[str]
    ) -> int:
        """Keep entries, and what lasts from now on and what ended; return how many are new."""
        with self._registry.transaction(is_writing=True) as connection:
            kept = sum(_keep(connection, each) for each in entries)
            connection.execute(delete(CONDITIONS).where(CONDITIONS.c.key.in_(sorted(ended))))
            for each in begun:
                ends = msgspec.json.encode(each.ends).decode() if each.ends else ""
                values = {"key": each.key, "since": each.since, "ends": ends}
                connection.execute(insert(CONDITIONS).values(values))
        return kept

    def notified(self) -> dict[str, int]:
        """Up to which event each stream was read."""
        with self._registry.transaction() as connection:
            rows = connection.execute(select(NOTIFIED.c.stream, NOTIFIED.c.position)).all()
        return {str(stream): int(position) for stream, position in rows}

    def lasting(self) -> dict[str, Lasting]:
        """What lasts and was told of, by its key."""
        with self._registry.transaction() as connection:
            rows = connection.execute(select(CONDITIONS)).all()
        return {
            str(row.key): Lasting(
                row.key, row.since, _NOTIFICATIONS.decode(row.ends) if row.ends else None
            )
            for row in rows
        }

    def due(self, now: datetime, limit: int = 200) -> tuple[Delivery, ...]:
        """The deliveries that are to be tried now, oldest first."""
        table = OUTBOX.c
        asked = select(table.target, table.body, table.tries)
        asked = asked.where(table.state == WAITING, table.due <= now)
        with self._registry.transaction() as connection:
            rows = connection.execute(asked.order_by(table.at, table.key).limit(limit)).all()
        return tuple(
            Delivery(row.target, _NOTIFICATIONS.decode(row.body), row.tries) for row in rows
        )

    def took(self, deliveries: Iterable[Delivery], now: datetime) -> None:
        """Note that deliveries were taken."""
        with self._registry.transaction(is_writing=True) as connection:
            for each in deliveries:
                connection.execute(update(OUTBOX).where(_of(each)).values(state=SENT, due=now))

    def failed(
        self, deliveries: Iterable[Delivery], now: datetime, reason: str
    ) -> tuple[Delivery, ...]:
        """Note that deliveries were not taken; return those that are given up."""
        given_up = []
        with self._registry.transaction(is_writing=True) as connection:
            for each in deliveries:
                tries = each.tries + 1
                ends = tries >= MOST_TRIES
                pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries - 1, 20))
                values = {
                    "tries": tries, "due": now + pause, "reason": reason[:LONGEST_REASON],
                    "state": GIVEN_UP if ends else WAITING,
                }  # fmt: skip
                connection.execute(update(OUTBOX).where(_of(each)).values(values))
                if ends:
                    given_up.append(each)
        return tuple(given_up)

    def forget_ended(self, before: datetime) -> None:
        """Remove deliveries that ended before a time."""
        ended = and_(OUTBOX.c.state != WAITING, OUTBOX.c.due < before)
        with self._registry.transaction(is_writing=True) as connection:
            connection.execute(delete(OUTBOX).where(ended))

    def counts(self) -> dict[str, int]:
        """How many deliveries are in each state."""
        asked = select(OUTBOX.c.state, func.count()).group_by(OUTBOX.c.state)
        with self._registry.transaction() as connection:
            rows = connection.execute(asked).all()
        return {str(state): int(count) for state, count in rows}

    def last_measured(self) -> dict[tuple[str, str, str, str], datetime]:
        """When each schedule measured last, by stream, service, site and name.

        Service and site are as they are compared (``same_name``).
        """
        table = CAMPAIGNS.c
        names = table.stream, table.service, table.site, table.schedule
        asked = select(*names, func.max(table.measured_at)).where(table.schedule != "")
        with self._registry.transaction() as connection:
            rows = connection.execute(asked.group_by(*names)).all()
        found: dict[tuple[str, str, str, str], datetime] = {}
        for stream, service, site, schedule, at in rows:
            key = (str(stream), same_name(service), same_name(site), str(schedule))
            found[key] = max(at, found.get(key, at))
        return found


def _keep(connection: Connection, entry: Entry) -> bool:
    """Keep a notification for a target; return whether it is new."""
    told = entry.notification
    values = {
        "target": entry.target,
        "key": told.key,
        "stream": told.stream,
        "kind": str(told.kind),
        "at": told.at,
        "due": entry.due,
        "state": HELD_BACK if entry.reason else WAITING,
        "tries": 0,
        "reason": entry.reason[:LONGEST_REASON],
        "body": msgspec.json.encode(told).decode(),
    }
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    added = dialect.insert(OUTBOX).values(values).on_conflict_do_nothing()
    return connection.execute(added.returning(OUTBOX.c.key)).first() is not None


def _of(each: Delivery) -> ColumnElement[bool]:
    return and_(OUTBOX.c.target == each.target, OUTBOX.c.key == each.notification.key)
