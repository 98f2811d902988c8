"""Row-level security of PostgreSQL: a second wall between suppliers, below the repository.

Pages read as the role ``accredit_pages``, which sees the rows of the streams in the setting
``accredit.streams`` alone (JSON), or every one where ``accredit.sees_all`` is ``on``. Without the
settings it sees nothing. The hub works as a member of ``accredit_work``. Neither role owns a table
(PostgreSQL 17, section 5.9: an owner may change its policies). Against SQL injection this is no
defence, because whoever runs statements can set the settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, text

from harness.errors import UsageError
from harness.model.hub_access import Viewer
from harness.store.hub.hub_tables import (
    ATTEMPTS,
    CAMPAIGNS,
    CONDITIONS,
    DOCUMENTS,
    ITEMS,
    METADATA,
    NOTIFIED,
    OUTBOX,
    OUTCOMES,
    PEOPLE,
    PROGRESS,
    SESSIONS,
    TOKENS,
    UPLOADS,
)
from harness.store.registry.tables import (
    AGENT_MESSAGES,
    AGENT_ORDERS,
    AGENT_REPORTS,
    AGENT_STATUSES,
    DERIVED,
    EVENTS,
    STREAMS,
    VERSION_TABLE,
)

PAGES, WORK = "accredit_pages", "accredit_work"
"""The roles in which pages are read, and in which the hub does everything else."""

PAGE_TABLES = (CAMPAIGNS, OUTCOMES, ITEMS, DOCUMENTS, UPLOADS)
"""What pages read. They have no right to any other table."""

WITHOUT_POLICY = {
    "accounts": (PEOPLE, SESSIONS, TOKENS, ATTEMPTS),
    "work of the hub": (PROGRESS, OUTBOX, NOTIFIED, CONDITIONS),
    "agents": (AGENT_MESSAGES, AGENT_ORDERS, AGENT_REPORTS, AGENT_STATUSES),
}
"""The tables without policies, by what they hold. Pages have no right to any of their rows, and the
hub has to find every one of them to sign somebody in or answer an agent: a policy adds nothing."""

PUBLIC_KIND = "register"
"""The kind of documents that everybody may read: the register of accredited services."""

_REGISTRY = (EVENTS, STREAMS, DERIVED)
_WRITTEN = (
    *METADATA.tables.values(), DERIVED, AGENT_MESSAGES, AGENT_ORDERS, AGENT_REPORTS,
    AGENT_STATUSES,
)  # fmt: skip
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)


def secure(connection: Connection, hub_role: str) -> None:
    """Make the roles, rights and policies, again if need be, for a hub that signs in as a role.

    The role of the connection must own the tables and be able to make roles. Raises UsageError for
    a name that is none, or a role that does not exist, owns tables, or is above the policies.
    """
    if not _ROLE.fullmatch(hub_role):
        msg = f"{hub_role!r} is no name of a role: use lower-case letters, digits and _"
        raise UsageError(msg)
    for statement in _statements(hub_role):
        connection.execute(text(statement))
    if why := _fault_of(connection, hub_role):
        raise UsageError(why)


def _statements(hub_role: str) -> Iterator[str]:
    for role in (PAGES, WORK):
        yield (
            f"DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') "
            f"THEN CREATE ROLE {role} NOLOGIN; END IF; END$$"
        )
    yield f"GRANT {PAGES}, {WORK} TO {hub_role}"
    yield f"GRANT SELECT ON {VERSION_TABLE} TO {WORK}"
    for table in (EVENTS, STREAMS):
        yield f"GRANT SELECT, INSERT ON {table.name} TO {WORK}"
    yield f"GRANT UPDATE ON {STREAMS.name} TO {WORK}"
    for table in _WRITTEN:
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table.name} TO {WORK}"
    for table in PAGE_TABLES:
        yield f"GRANT SELECT ON {table.name} TO {PAGES}"
    for table in (*PAGE_TABLES, *_REGISTRY):
        yield f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table.name} FORCE ROW LEVEL SECURITY"
        for name, role in (("owner", "CURRENT_USER"), ("work", WORK)):
            yield f"DROP POLICY IF EXISTS accredit_{name} ON {table.name}"
            yield f"CREATE POLICY accredit_{name} ON {table.name} TO {role} USING (true)"
    for table in PAGE_TABLES:
        yield f"DROP POLICY IF EXISTS {PAGES} ON {table.name}"
        public = f" OR kind = '{PUBLIC_KIND}'" if table is DOCUMENTS else ""
        yield (
            f"CREATE POLICY {PAGES} ON {table.name} FOR SELECT TO {PAGES} "
            f"USING ({_VISIBLE}{public})"
        )


_VISIBLE = (
    "(SELECT current_setting('accredit.sees_all', true) = 'on') OR stream = ANY (ARRAY("
    "SELECT jsonb_array_elements_text(coalesce(nullif("
    "current_setting('accredit.streams', true), ''), '[]')::jsonb)))"
)


def require_secured(connection: Connection) -> None:
    """Raise UsageError unless policies hold for the role of a connection (PostgreSQL alone)."""
    if connection.dialect.name != "postgresql":
        return
    role = str(connection.scalar(text("SELECT current_user")))
    if why := _fault_of(connection, role):
        msg = f"{why}; 'accredit hub migrate' makes row-level security"
        raise UsageError(msg)


def _fault_of(connection: Connection, role: str) -> str:
    """Why policies do not hold for a role; empty if they do."""
    found = connection.execute(_STANDING, {"role": role}).one_or_none()
    if found is None:
        return f"the database has no role {role}"
    if found.is_above:
        return f"the role {role} is above row-level security (superuser or BYPASSRLS)"
    names = [table.name for table in (*PAGE_TABLES, *_REGISTRY)]
    if owned := connection.scalars(
        _OWNED, {"role": role, "names": [*names, *METADATA.tables]}
    ).all():
        return f"the role {role} owns {owned[0]}; the role of a hub owns no table"
    if not found.is_member:
        return f"the role {role} is no member of {PAGES} and {WORK}"
    if len(connection.scalars(_FORCED, {"names": names}).all()) != len(names):
        return "a table has no row-level security"
    return ""


_STANDING = text(
    "SELECT rolsuper OR rolbypassrls AS is_above, "  # noqa: S608 - constants
    f"(SELECT count(*) = 2 FROM pg_roles AS known WHERE known.rolname IN ('{PAGES}', '{WORK}') "
    "AND pg_has_role(mine.oid, known.oid, 'MEMBER')) AS is_member "
    "FROM pg_roles AS mine WHERE rolname = :role"
)
_OWNED = text(
    "SELECT relname FROM pg_class WHERE relname = ANY (:names) AND relnamespace = "
    "(SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND "
    "pg_has_role((SELECT oid FROM pg_roles WHERE rolname = :role), relowner, 'MEMBER')"
)
_FORCED = text(
    "SELECT relname FROM pg_class WHERE relname = ANY (:names) AND relrowsecurity "
    "AND relforcerowsecurity AND relnamespace = "
    "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
)


def read_as(connection: Connection, viewer: Viewer) -> None:
    """Let the rest of a transaction see what a viewer may see, and write nothing (PostgreSQL)."""
    if connection.dialect.name != "postgresql":
        return
    streams = msgspec.json.encode(sorted(viewer.streams or ())).decode()
    sees_all = "on" if viewer.streams is None else "off"
    connection.execute(_AS_VIEWER, {"streams": streams, "sees_all": sees_all})


_AS_VIEWER = text(
    "SELECT set_config('accredit.streams', :streams, true), "
    f"set_config('accredit.sees_all', :sees_all, true), set_config('role', '{PAGES}', true)"
)
"""Settings and role of a transaction, in one statement, because each takes time on the way."""
