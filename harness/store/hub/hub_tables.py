"""The tables of a hub beside the registry's.

``hub_progress``, ``hub_campaigns``, ``hub_outcomes``, ``hub_items`` and ``hub_documents`` are
derived from the registry's events and the campaigns' files, and can be made again. The others are
accounts and uploads. Each row about a supplier has the ``stream`` of that supplier.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from harness.store.registry.tables import UtcDateTime

METADATA = MetaData()

PROGRESS = Table(
    "hub_progress",
    METADATA,
    Column("stream", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("edition", String(40), nullable=False),
)
"""Up to which event the rows of a stream were made, and by which edition of the code."""

CAMPAIGNS = Table(
    "hub_campaigns",
    METADATA,
    Column("stream", Text, primary_key=True),
    Column("campaign", Text, primary_key=True),
    Column("scheme", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("schedule", Text, nullable=False),
    Column("measured_at", UtcDateTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("conforms", Integer, nullable=False),
    Column("does_not_conform", Integer, nullable=False),
    Column("insufficient", Integer, nullable=False),
    Column("observations", Integer, nullable=False),
    Column("journal", String(64), nullable=False),
    Column("has_items", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Index("hub_campaigns_service", "stream", "service", "measured_at"),
    Index("hub_campaigns_site", "stream", "service", "site", "measured_at"),
    Index("hub_campaigns_measured", "measured_at"),
    Index("hub_campaigns_stream", "stream", "measured_at"),
)
"""Campaigns, one row for each scheme by which one was assessed; ``body`` is JSON."""

OUTCOMES = Table(
    "hub_outcomes",
    METADATA,
    Column("stream", Text, primary_key=True),
    Column("campaign", Text, primary_key=True),
    Column("scheme", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("service", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("schedule", Text, nullable=False),
    Column("measured_at", UtcDateTime, nullable=False),
    Column("requirement", String(40), nullable=False),
    Column("profile", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("is_binding", Boolean, nullable=False),
    Column("value", Float),
    Column("lower", Float),
    Column("upper", Float),
    Column("body", Text, nullable=False),
    Index("hub_outcomes_requirement", "stream", "service", "requirement", "measured_at"),
)
"""The outcomes of campaigns, in the order of the assessment; ``body`` is JSON."""

ITEMS = Table(
    "hub_items",
    METADATA,
    Column("stream", Text, primary_key=True),
    Column("campaign", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("item", Text, nullable=False),
    Column("shown", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("category", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("probe", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("mechanism", String(40), nullable=False),
    Column("rule", Text, nullable=False),
    Column("is_hidden", Boolean, nullable=False),
    Column("tried_at", UtcDateTime, nullable=False),
    Column("evidence", LargeBinary),
    Index("hub_items_state", "stream", "campaign", "state", "category", "number"),
    Index("hub_items_mechanism", "stream", "campaign", "mechanism", "number"),
    Index("hub_items_name", "stream", "campaign", "item"),
    Index("hub_items_item", "stream", "item", "tried_at"),
)
"""What happened to each item, one row for each trial, in the order of their numbers.

``shown`` is the item's value as far as it may be shown, ``kind`` what it can show (agreed, content,
real), or that it is a technique; ``is_hidden`` says that no supplier may
know the item; ``evidence`` is Zstandard-compressed JSON, empty once it has aged out.
"""

DOCUMENTS = Table(
    "hub_documents",
    METADATA,
    Column("stream", Text, primary_key=True),
    Column("kind", String(40), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("state", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("body", Text, nullable=False),
    Index("hub_documents_state", "kind", "state", "at"),
)
"""Facts for one page or one row of a list, as JSON: a service, a plan, a decision, an alarm."""

UPLOADS = Table(
    "hub_uploads",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("person", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("sees", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("received", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("changes", Integer, nullable=False),
    Column("cut_off", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("signer", Text, nullable=False),
    Column("result", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("changed", UtcDateTime, nullable=False),
    Index("hub_uploads_person", "person", "at", "id"),
    Index("hub_uploads_state", "state", "at"),
)
"""The bundles that people sent; ``stream`` is empty until the bundle was verified.

``actor`` is the person's name, and ``sees`` the streams that it saw when it sent the bundle (JSON;
``null`` for every one). ``done`` of ``total`` steps are complete, ``changes`` counts how often the
row was changed, and ``cut_off`` how often the process ended while it looked at the bundle.
``signer`` holds the key that signed, ``result`` is the conformity.
"""

PEOPLE = Table(
    "hub_people",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", String(20), nullable=False),
    Column("streams", Text, nullable=False),
    Column("sites", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("second_factor", Text, nullable=False),
    Column("offered_factor", Text, nullable=False),
    Column("last_code", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("made", UtcDateTime, nullable=False),
    Column("disabled", UtcDateTime),
    Column("seen", UtcDateTime),
    Index("hub_people_subject", "subject"),
)
"""Accounts: ``password`` is an Argon2 hash, ``second_factor`` a TOTP secret, ``subject`` OIDC's.

``streams`` and ``sites`` are JSON; ``streams`` is ``null`` for a person who sees every supplier.
``offered_factor`` is a secret that was shown and not confirmed by a code, ``last_code`` the time
step of the last code that was accepted.
"""

SESSIONS = Table(
    "hub_sessions",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("person", String(32), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("made", UtcDateTime, nullable=False),
    Column("seen", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("is_complete", Boolean, nullable=False),
    Column("address", Text, nullable=False),
    Column("browser", Text, nullable=False),
    Index("hub_sessions_person", "person"),
)
"""Sessions by the SHA-256 of their secret; not ``is_complete`` while the second factor lacks."""

TOKENS = Table(
    "hub_tokens",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("person", String(32), nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("made", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("used", UtcDateTime),
    Column("revoked", UtcDateTime),
    Index("hub_tokens_person", "person"),
)
"""API tokens by the SHA-256 of their secret."""

ATTEMPTS = Table(
    "hub_sign_ins",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("hub_sign_ins_at", "at"),
)
"""How many sign-ins failed, and when the last one did, by the SHA-256 of account or address."""

OUTBOX = Table(
    "hub_outbox",
    METADATA,
    Column("target", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("due", UtcDateTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("hub_outbox_due", "state", "due"),
)
"""Notifications for each target, as JSON."""

NOTIFIED = Table(
    "hub_notified",
    METADATA,
    Column("stream", Text, primary_key=True),
    Column("position", Integer, nullable=False),
)
"""Up to which event each stream was read for notifications."""

CONDITIONS = Table(
    "hub_conditions",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("ends", Text, nullable=False),
)
"""What lasts and was told of, such as the silence of an agent, and since when."""
