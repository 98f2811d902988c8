"""The tables of a registry, and the triggers that keep its events as they are.

``stream_events`` holds the events of all streams, each stream a chain of its own. ``streams`` holds
the head of each. ``derived_rows`` can be made again from the events at any time. The tables of
agents hold the state of a hub that is no evidence (``agent_store``). The tables
``events`` and ``registry_head`` are those of registries from before there were streams.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)
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
    "stream_events",
    METADATA,
    Column("stream", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("about", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("uses", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("stream_events_about", "about", "stream"),
    Index("stream_events_topic", "topic", "stream"),
    Index("stream_events_uses", "uses", "stream"),
    Index("stream_events_kind", "stream", "kind", "position"),
    Index(
        "stream_events_begin_once",
        "stream",
        "about",
        unique=True,
        sqlite_where=text("kind IN ('finding-opened', 'plan-drafted')"),
        postgresql_where=text("kind IN ('finding-opened', 'plan-drafted')"),
    ),
)
"""``about``, ``topic`` and ``uses`` are those of the event; see ``harness.model.event.Event``."""

STREAMS = Table(
    "streams",
    METADATA,
    Column("stream", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("events", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("latest", UtcDateTime, nullable=False),
    Column("latest_position", Integer, nullable=False),
)
"""The head of each stream: the number of events, the last hash, and the latest time."""

DERIVED = Table(
    "derived_rows",
    METADATA,
    Column("stream", Text, primary_key=True),
    Column("kind", String(40), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("state", String(40), nullable=False),
    Column("key", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("derived_rows_state", "kind", "state"),
    Index("derived_rows_key", "stream", "kind", "key"),
)
"""What was derived from events: ``id`` is unique within its stream and kind."""

AGENT_MESSAGES = Table(
    "agent_messages",
    METADATA,
    Column("agent", String(64), primary_key=True),
    Column("id", String(32), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Index("agent_messages_at", "at"),
)
"""The ids of messages that were accepted from each agent, with the times of their senders."""

AGENT_STATUSES = Table(
    "agent_statuses",
    METADATA,
    Column("agent", String(64), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("status", Text, nullable=False),
)
"""What each agent said of itself last, as JSON, and when that came."""

AGENT_ORDERS = Table(
    "agent_orders",
    METADATA,
    Column("agent", String(64), primary_key=True),
    Column("serial", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""The number of the last order of each agent, the SHA-256 of its content, and its time."""

AGENT_REPORTS = Table(
    "agent_reports",
    METADATA,
    Column("agent", String(64), primary_key=True),
    Column("run", String(64), primary_key=True),
    Column("bundle", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Index("agent_reports_state", "state", "at"),
)
"""The reports of runs that came from agents: ``run`` is the SHA-256 of the key of the run."""

OLD_METADATA = MetaData()

OLD_EVENTS = Table(
    "events",
    OLD_METADATA,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
)
"""The one chain of all suppliers, before there were streams."""

OLD_HEAD = Table(
    "registry_head",
    OLD_METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("events", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

VERSION_TABLE = "registry_schema"
"""Where Alembic keeps the version of the tables."""

TRIGGERS = {
    "sqlite": (
        """
        CREATE TRIGGER stream_events_no_update BEFORE UPDATE ON stream_events
        BEGIN SELECT RAISE(ABORT, 'the registry is append-only'); END
        """,
        """
        CREATE TRIGGER stream_events_no_delete BEFORE DELETE ON stream_events
        BEGIN SELECT RAISE(ABORT, 'the registry is append-only'); END
        """,
        """
        CREATE TRIGGER stream_events_follow BEFORE INSERT ON stream_events
        WHEN CASE WHEN NEW.position = 1 THEN NEW.previous <> substr(hex(zeroblob(32)), 1, 64)
            ELSE NOT EXISTS (SELECT 1 FROM stream_events WHERE stream = NEW.stream
                AND position = NEW.position - 1 AND hash = NEW.previous) END
        BEGIN SELECT RAISE(ABORT, 'an event follows the one before it'); END
        """,
        """
        CREATE TRIGGER streams_grow BEFORE UPDATE ON streams
        WHEN NEW.events <= OLD.events OR NEW.stream <> OLD.stream OR NEW.name <> OLD.name
        BEGIN SELECT RAISE(ABORT, 'the head of a stream only grows'); END
        """,
        """
        CREATE TRIGGER streams_stay BEFORE DELETE ON streams
        BEGIN SELECT RAISE(ABORT, 'the head of a stream stays'); END
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION stream_events_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN RAISE EXCEPTION 'the registry is append-only'; END$$
        """,
        """
        CREATE TRIGGER stream_events_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON stream_events
        FOR EACH STATEMENT EXECUTE FUNCTION stream_events_append_only()
        """,
        """
        CREATE FUNCTION stream_events_follow() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN
            IF NEW.position = 1 AND NEW.previous = repeat('0', 64) THEN RETURN NEW; END IF;
            IF EXISTS (SELECT 1 FROM stream_events WHERE stream = NEW.stream
                AND position = NEW.position - 1 AND hash = NEW.previous) THEN RETURN NEW; END IF;
            RAISE EXCEPTION 'an event follows the one before it';
        END$$
        """,
        """
        CREATE TRIGGER stream_events_follow BEFORE INSERT ON stream_events
        FOR EACH ROW EXECUTE FUNCTION stream_events_follow()
        """,
        """
        CREATE FUNCTION streams_grow() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN
            IF TG_OP = 'UPDATE' AND NEW.events > OLD.events AND NEW.stream = OLD.stream
                AND NEW.name = OLD.name THEN RETURN NEW; END IF;
            RAISE EXCEPTION 'the head of a stream only grows';
        END$$
        """,
        """
        CREATE TRIGGER streams_grow BEFORE UPDATE OR DELETE ON streams
        FOR EACH ROW EXECUTE FUNCTION streams_grow()
        """,
        """
        CREATE TRIGGER streams_stay BEFORE TRUNCATE ON streams
        FOR EACH STATEMENT EXECUTE FUNCTION streams_grow()
        """,
    ),
}
"""Statements that make a database refuse to change an event or to set a head back, by dialect."""

OLD_EVENTS_END = {
    "sqlite": (
        """
        CREATE TRIGGER events_ended BEFORE INSERT ON events
        BEGIN SELECT RAISE(ABORT, 'this registry has streams; use a newer Accredit'); END
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION events_ended() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN RAISE EXCEPTION 'this registry has streams; use a newer Accredit'; END$$
        """,
        """
        CREATE TRIGGER events_ended BEFORE INSERT ON events
        FOR EACH STATEMENT EXECUTE FUNCTION events_ended()
        """,
    ),
}
"""Statements by which the old chain refuses new events of older versions of Accredit."""
