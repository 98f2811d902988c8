"""What a hub keeps of its agents: accepted messages, statuses, orders, and reports of runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from harness.store.registry.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "agent_messages",
        sa.Column("agent", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_index("agent_messages_at", "agent_messages", ["at"])
    op.create_table(
        "agent_statuses",
        sa.Column("agent", sa.String(64), primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
    )
    op.create_table(
        "agent_orders",
        sa.Column("agent", sa.String(64), primary_key=True),
        sa.Column("serial", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "agent_reports",
        sa.Column("agent", sa.String(64), primary_key=True),
        sa.Column("run", sa.String(64), primary_key=True),
        sa.Column("bundle", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("agent_reports_state", "agent_reports", ["state", "at"])


def downgrade() -> None:
    """There is no way back."""
    msg = "a registry cannot be taken back to an earlier version"
    raise NotImplementedError(msg)
