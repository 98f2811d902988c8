"""What a hub keeps beside the registry's events: accounts, uploads, and rows for its pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from harness.store.registry.tables import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _make_campaigns()
    _make_conditions()
    _make_documents()
    _make_items()
    _make_notified()
    _make_outbox()
    _make_outcomes()
    _make_people()
    _make_progress()
    _make_sessions()
    _make_sign_ins()
    _make_tokens()
    _make_uploads()


def downgrade() -> None:
    """There is no way back."""
    msg = "a registry cannot be taken back to an earlier version"
    raise NotImplementedError(msg)


def _make_campaigns() -> None:
    op.create_table(
        "hub_campaigns",
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("scheme", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("schedule", sa.Text, nullable=False),
        sa.Column("measured_at", UtcDateTime, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("conforms", sa.Integer, nullable=False),
        sa.Column("does_not_conform", sa.Integer, nullable=False),
        sa.Column("insufficient", sa.Integer, nullable=False),
        sa.Column("observations", sa.Integer, nullable=False),
        sa.Column("journal", sa.String(64), nullable=False),
        sa.Column("has_items", sa.Boolean, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("stream", "campaign", "scheme"),
    )
    op.create_index("hub_campaigns_measured", "hub_campaigns", ["measured_at"])
    op.create_index("hub_campaigns_service", "hub_campaigns", ["stream", "service", "measured_at"])
    op.create_index(
        "hub_campaigns_site", "hub_campaigns", ["stream", "service", "site", "measured_at"]
    )
    op.create_index("hub_campaigns_stream", "hub_campaigns", ["stream", "measured_at"])


def _make_conditions() -> None:
    op.create_table(
        "hub_conditions",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.Column("ends", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )


def _make_documents() -> None:
    op.create_table(
        "hub_documents",
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("stream", "kind", "id"),
    )
    op.create_index("hub_documents_state", "hub_documents", ["kind", "state", "at"])


def _make_items() -> None:
    op.create_table(
        "hub_items",
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("probe", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("mechanism", sa.String(40), nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("is_hidden", sa.Boolean, nullable=False),
        sa.Column("tried_at", UtcDateTime, nullable=False),
        sa.Column("evidence", sa.LargeBinary),
        sa.PrimaryKeyConstraint("stream", "campaign", "number"),
    )
    op.create_index("hub_items_item", "hub_items", ["stream", "item", "tried_at"])
    op.create_index(
        "hub_items_mechanism", "hub_items", ["stream", "campaign", "mechanism", "number"]
    )
    op.create_index("hub_items_name", "hub_items", ["stream", "campaign", "item"])
    op.create_index(
        "hub_items_state", "hub_items", ["stream", "campaign", "state", "category", "number"]
    )


def _make_notified() -> None:
    op.create_table(
        "hub_notified",
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("stream"),
    )


def _make_outbox() -> None:
    op.create_table(
        "hub_outbox",
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("due", UtcDateTime, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("target", "key"),
    )
    op.create_index("hub_outbox_due", "hub_outbox", ["state", "due"])


def _make_outcomes() -> None:
    op.create_table(
        "hub_outcomes",
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("scheme", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("schedule", sa.Text, nullable=False),
        sa.Column("measured_at", UtcDateTime, nullable=False),
        sa.Column("requirement", sa.String(40), nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("is_binding", sa.Boolean, nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("lower", sa.Float),
        sa.Column("upper", sa.Float),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("stream", "campaign", "scheme", "number"),
    )
    op.create_index(
        "hub_outcomes_requirement",
        "hub_outcomes",
        ["stream", "service", "requirement", "measured_at"],
    )


def _make_people() -> None:
    op.create_table(
        "hub_people",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("streams", sa.Text, nullable=False),
        sa.Column("sites", sa.Text, nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("second_factor", sa.Text, nullable=False),
        sa.Column("offered_factor", sa.Text, nullable=False),
        sa.Column("last_code", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("made", UtcDateTime, nullable=False),
        sa.Column("disabled", UtcDateTime),
        sa.Column("seen", UtcDateTime),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )
    op.create_index("hub_people_subject", "hub_people", ["subject"])


def _make_progress() -> None:
    op.create_table(
        "hub_progress",
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("edition", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("stream"),
    )


def _make_sessions() -> None:
    op.create_table(
        "hub_sessions",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("person", sa.String(32), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("made", UtcDateTime, nullable=False),
        sa.Column("seen", UtcDateTime, nullable=False),
        sa.Column("until", UtcDateTime, nullable=False),
        sa.Column("is_complete", sa.Boolean, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("browser", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("hub_sessions_person", "hub_sessions", ["person"])


def _make_sign_ins() -> None:
    op.create_table(
        "hub_sign_ins",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("hub_sign_ins_at", "hub_sign_ins", ["at"])


def _make_tokens() -> None:
    op.create_table(
        "hub_tokens",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("person", sa.String(32), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("made", UtcDateTime, nullable=False),
        sa.Column("until", UtcDateTime, nullable=False),
        sa.Column("used", UtcDateTime),
        sa.Column("revoked", UtcDateTime),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("hub_tokens_person", "hub_tokens", ["person"])


def _make_uploads() -> None:
    op.create_table(
        "hub_uploads",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("sees", sa.Text, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("received", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("cut_off", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("scheme", sa.Text, nullable=False),
        sa.Column("signer", sa.Text, nullable=False),
        sa.Column("result", sa.String(20), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("changed", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("hub_uploads_person", "hub_uploads", ["person", "at", "id"])
    op.create_index("hub_uploads_state", "hub_uploads", ["state", "at"])
    # ### end Alembic commands ###
