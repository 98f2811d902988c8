"""Streams of events, their heads, and derived rows.

A registry from before has the tables ``events`` and ``registry_head``, which Alembic did not make.
They stay as they are; the program copies their events in the same transaction.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from harness.store.registry.tables import TRIGGERS, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


INDEXES = (
    ("stream_events_about", "stream_events", ["about", "stream"]),
    ("stream_events_topic", "stream_events", ["topic", "stream"]),
    ("stream_events_uses", "stream_events", ["uses", "stream"]),
    ("stream_events_kind", "stream_events", ["stream", "kind", "position"]),
    ("derived_rows_state", "derived_rows", ["kind", "state"]),
    ("derived_rows_key", "derived_rows", ["stream", "kind", "key"]),
)


def upgrade() -> None:
    """Make the tables and the triggers that keep them."""
    op.create_table(
        "stream_events",
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("uses", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    begins = sa.text("kind IN ('finding-opened', 'plan-drafted')")
    op.create_index(
        "stream_events_begin_once",
        "stream_events",
        ["stream", "about"],
        unique=True,
        sqlite_where=begins,
        postgresql_where=begins,
    )
    op.create_table(
        "streams",
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("latest", UtcDateTime, nullable=False),
        sa.Column("latest_position", sa.Integer, nullable=False),
    )
    op.create_table(
        "derived_rows",
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("kind", sa.String(40), primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Events are never removed, so there is no way back."""
    msg = "a registry cannot be taken back to an earlier version"
    raise NotImplementedError(msg)
