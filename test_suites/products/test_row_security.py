"""Row-level security in a real PostgreSQL: what the repository left out, the database refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, text
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.paths import DATABASE
from harness.errors import InstrumentError, UsageError
from harness.model.event import StreamOpened
from harness.model.hub_access import Role, Viewer
from harness.store.hub.hub_tables import DOCUMENTS, ITEMS, METADATA, UPLOADS
from harness.store.hub.repository import Repository
from harness.store.hub.row_security import PAGE_TABLES, read_as, require_secured, secure
from harness.store.registry.opening import open_registry
from harness.store.registry.streams import Registry
from harness.store.registry.tables import METADATA as REGISTRY_TABLES
from test_suites.kit.hubs.account_desk import AccountDesk, require_sign_in_works
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.products.postgresql import PostgreSql

pytestmark = pytest.mark.product("initdb", "postgres")

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STREAMS = ("supplier:acme", "supplier:béta", "supplier:a\"c'me,{}", "")
OWNER = Viewer(role=Role.SCHEME_OWNER, person="p", name="Ann", streams=None)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    with PostgreSql() as running:
        yield running


@pytest.fixture(scope="module")
def urls(server: PostgreSql) -> tuple[str, str]:
    """The URLs of the owner and of the hub of a database with a document of each stream."""
    owner = server.new_database()
    with (
        open_registry(owner, create=True) as registry,
        registry.transaction(is_writing=True) as connection,
    ):
        connection.execute(text("CREATE ROLE hub LOGIN PASSWORD 'hub-secret'"))
        secure(connection, "hub")
        secure(connection, "hub")  # it can be done again
        for stream in STREAMS:
            for kind in ("plan", "register"):
                connection.execute(insert(DOCUMENTS).values(document(stream, kind)))
    return owner, owner.replace(f"accredit:{server.password}", "hub:hub-secret")


def document(stream: str, kind: str) -> dict[str, object]:
    return {
        "stream": stream, "kind": kind, "id": "1", "service": "s", "state": "x", "at": NOW,
        "body": "{}",
    }  # fmt: skip


@pytest.fixture
def hub(urls: tuple[str, str]) -> Iterator[Registry]:
    with open_registry(urls[1]) as registry:
        yield registry


def plans_seen(connection: Connection) -> set[str]:
    """Asked without any condition, as a page with a fault might."""
    asked = text("SELECT stream FROM hub_documents WHERE kind = 'plan'")
    return {str(stream) for stream in connection.scalars(asked)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.frozensets(st.sampled_from((*STREAMS, "supplier:unknown", "*", "on"))))
def test_a_page_that_forgets_its_condition_sees_the_viewers_streams_alone(
    hub: Registry, streams: frozenset[str]
) -> None:
    viewer = Viewer(role=Role.SUPPLIER, person="p", name="Sue", streams=streams)

    with hub.transaction() as connection:
        read_as(connection, viewer)
        assert streams & {*STREAMS} == plans_seen(connection)
        assert connection.scalar(text("SELECT current_user")) == "accredit_pages"


def test_who_sees_every_supplier_sees_every_row_and_who_sees_none_the_register(
    hub: Registry,
) -> None:
    with Repository(hub).reading(OWNER) as reading:
        assert len(STREAMS) * 2 == reading.count(DOCUMENTS)
    with Repository(hub).reading(Viewer()) as reading:
        assert reading.count(DOCUMENTS) == 0
    with hub.transaction() as connection:
        read_as(connection, Viewer())
        kinds = connection.scalars(text("SELECT kind FROM hub_documents")).all()
        assert ["register"] * len(STREAMS) == list(kinds)


def test_a_transaction_of_a_page_ends_with_its_rights(hub: Registry) -> None:
    with Repository(hub).reading(OWNER):
        pass
    with hub.transaction() as connection:  # the same connection of the pool
        assert connection.scalar(text("SELECT current_user")) == "hub"
        assert not connection.scalar(text("SELECT current_setting('accredit.sees_all', true)"))


@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT * FROM {name}"
        for name in sorted({*METADATA.tables, *REGISTRY_TABLES.tables} - {t.name for t in PAGE_TABLES})
    ]
    + [f"DELETE FROM {table.name}" for table in PAGE_TABLES]
    + ["UPDATE hub_documents SET stream = 'supplier:acme'", "DROP POLICY accredit_pages ON hub_items"],
)  # fmt: skip
def test_pages_read_no_other_table_and_write_nothing(hub: Registry, statement: str) -> None:
    def of_page() -> None:
        with hub.transaction(is_writing=True) as connection:
            read_as(connection, OWNER)
            connection.execute(text(statement))

    with pytest.raises(InstrumentError, match=r"permission denied|must be owner"):
        of_page()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE hub_documents DISABLE ROW LEVEL SECURITY",
        "DROP TABLE hub_items",
        "UPDATE stream_events SET body = ''",
        "DELETE FROM stream_events",
        "TRUNCATE hub_documents",
        "ALTER ROLE hub BYPASSRLS",
    ],
)
def test_the_hub_itself_cannot_take_the_wall_down(hub: Registry, statement: str) -> None:
    with pytest.raises(InstrumentError), hub.transaction(is_writing=True) as connection:
        connection.execute(text(statement))


def test_the_hub_works_as_before(hub: Registry) -> None:
    with hub.writing("supplier:acme") as access:
        access.append(StreamOpened(at=NOW, actor="Ann", name="Acme"))
    assert [head.stream for head in hub.heads()] == ["supplier:acme"]
    with hub.transaction(is_writing=True) as connection:
        require_secured(connection)
        texts = dict.fromkeys(
            (column.name for column in UPLOADS.c if str(column.type) in ("TEXT", "VARCHAR(20)")), ""
        )
        counts = dict.fromkeys(("size", "received", "done", "total", "changes", "cut_off"), 0)
        ids = {"id": "u", "person": "p", "sha256": "0" * 64, "at": NOW, "changed": NOW}
        connection.execute(insert(UPLOADS).values(**texts | counts | ids))


def test_without_the_wall_a_hub_is_not_served(server: PostgreSql, urls: tuple[str, str]) -> None:
    bare = server.new_database()

    def refusal(url: str) -> str:
        with open_registry(url, create=True) as registry, registry.transaction() as connection:
            try:
                require_secured(connection)
            except UsageError as error:
                return str(error)
        return ""

    def owner_does(*statements: str) -> None:
        with psycopg.connect(bare, autocommit=True) as owner:
            for each in statements:
                owner.execute(each.encode())

    assert refusal(urls[0]).startswith("the role accredit is above row-level security")
    assert refusal(bare).startswith("the role accredit is above row-level security")
    owner_does(
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO hub",
        f"GRANT ALL ON DATABASE {bare.rpartition('/')[2]} TO hub",
    )
    hub = bare.replace(f"accredit:{server.password}", "hub:hub-secret")
    assert refusal(hub).startswith("a table has no row-level security; 'accredit hub migrate'")
    owner_does("ALTER TABLE hub_items OWNER TO hub")
    assert refusal(hub).startswith("the role hub owns hub_items")
    assert refusal(urls[1]) == ""


def test_the_command_makes_the_wall(
    server: PostgreSql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = HubExample(tmp_path).make()

    def migrate(*words: str) -> tuple[int, str]:
        ended = CliRunner().invoke(app, ["hub", "migrate", "--hub", str(example.hub), *words])
        if isinstance(ended.exception, UsageError):
            return 2, str(ended.exception)
        return ended.exit_code, ended.output

    assert migrate()[0] == 0
    code, said = migrate("--role", "hub")
    assert (2, True) == (code, "--role is for PostgreSQL" in said)

    monkeypatch.setenv(DATABASE, url := server.new_database())
    assert "give the role of the hub: --role NAME" in migrate()[1]
    assert "is no name of a role" in migrate("--role", "a; DROP TABLE x")[1]
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("CREATE ROLE site_hub LOGIN PASSWORD 'other-secret'")
    for _ in range(2):
        code, said = migrate("--role", "site_hub")
        assert code == 0, said
        assert "the role site_hub is bound by row-level security" in said
    with (
        open_registry(
            url.replace(f"accredit:{server.password}", "site_hub:other-secret")
        ) as registry,
        Repository(registry).reading(OWNER) as reading,
    ):
        assert reading.count(ITEMS) == 0


def test_the_role_of_a_hub_signs_people_in_and_records_it(
    server: PostgreSql, urls: tuple[str, str]
) -> None:
    owner = server.new_database()
    with (
        open_registry(owner, create=True) as registry,
        registry.transaction(is_writing=True) as connection,
    ):
        secure(connection, "hub")
    with open_registry(owner.replace(f"accredit:{server.password}", "hub:hub-secret")) as registry:
        require_sign_in_works(AccountDesk(registry))
