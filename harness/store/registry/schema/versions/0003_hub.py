"""What a hub keeps beside the registry's events: accounts, uploads, and rows for its pages."""

from __future__ import annotations

from alembic import op

from harness.store.hub.hub_tables import METADATA

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    METADATA.create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    """There is no way back."""
    msg = "a registry cannot be taken back to an earlier version"
    raise NotImplementedError(msg)
