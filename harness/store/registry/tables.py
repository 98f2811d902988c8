"""The tables of the registry, and the triggers by which a database refuses to change them.

The head is the number of events and the hash of the last one, in the same database and replaced in
the same transaction: a chain alone does not show events that were cut off at its end. Somebody who
bypasses the triggers and rewrites both is found only by comparison with an earlier printed head.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import DDL, Column, Dialect, Integer, MetaData, String, Table, Text, event
from sqlalchemy.types import DateTime, TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes, stored as UTC because SQLite has no time zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert an aware datetime to naive UTC. Raises ValueError for a naive one."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a time without a time zone cannot be stored"
            raise ValueError(msg)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert a stored naive UTC datetime to an aware one."""
        del dialect
        return value.replace(tzinfo=UTC) if value else None


METADATA = MetaData()
EVENTS = Table(
    "events",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
)

HEAD = Table(
    "registry_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("events", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

_APPEND_ONLY = {
    "sqlite": """
        CREATE TRIGGER events_no_update BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'the registry is append-only'); END
        --
        CREATE TRIGGER events_no_delete BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'the registry is append-only'); END
    """,
    "postgresql": """
        CREATE OR REPLACE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN RAISE EXCEPTION 'the registry is append-only'; END$$
        --
        CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
        FOR EACH STATEMENT EXECUTE FUNCTION events_append_only()
    """,
}
"""Triggers that make a database refuse to change an event, by dialect."""

_ONLY_GROWS = {
    "sqlite": """
        CREATE TRIGGER registry_head_grows BEFORE UPDATE ON registry_head
        WHEN NEW.events <= OLD.events
        BEGIN SELECT RAISE(ABORT, 'the head of the registry only grows'); END
        --
        CREATE TRIGGER registry_head_stays BEFORE DELETE ON registry_head
        BEGIN SELECT RAISE(ABORT, 'the head of the registry stays'); END
    """,
    "postgresql": """
        CREATE OR REPLACE FUNCTION registry_head_grows() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN
            IF TG_OP = 'UPDATE' AND NEW.events > OLD.events THEN RETURN NEW; END IF;
            RAISE EXCEPTION 'the head of the registry only grows';
        END$$
        --
        CREATE TRIGGER registry_head_grows BEFORE UPDATE OR DELETE ON registry_head
        FOR EACH ROW EXECUTE FUNCTION registry_head_grows()
        --
        CREATE TRIGGER registry_head_stays BEFORE TRUNCATE ON registry_head
        FOR EACH STATEMENT EXECUTE FUNCTION registry_head_grows()
    """,
}
"""Triggers that make a database refuse to set the head back, by dialect."""

for _table, _rules in ((EVENTS, _APPEND_ONLY), (HEAD, _ONLY_GROWS)):
    for _dialect, _statements in _rules.items():
        for _statement in _statements.split("--"):
            _rule = DDL(_statement).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]
            event.listen(_table, "after_create", _rule)
