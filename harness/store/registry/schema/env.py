"""Alembic runs this with the connection of the program, within its transaction."""

from __future__ import annotations

from alembic import context

from harness.store.registry.tables import METADATA, VERSION_TABLE

if hasattr(context, "config"):  # it has none where the module is only imported
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        version_table=VERSION_TABLE,
    )
    context.run_migrations()
