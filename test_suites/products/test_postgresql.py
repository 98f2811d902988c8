"""The registry in a real PostgreSQL: append-only, hash-chained, and safe with many writers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.paths import DATABASE, REGISTRY, CampaignPaths
from harness.cli.registry_care import changed_rows, migrate, verify_streams
from harness.cli.registry_facts import appeals_in, open_plans
from harness.cli.registry_session import open_session
from harness.errors import InstrumentError, UsageError
from harness.follow.replay import replay
from harness.model.event import Event, FixClaimed, PlanClosed, StreamOpened
from harness.ports.storage import WallClock
from harness.store.hub.hub_tables import METADATA as HUB
from harness.store.registry.event_rows import START
from harness.store.registry.opening import NoRegistry, OldRegistry, open_registry
from harness.store.registry.streams import Registry
from harness.store.registry.tables import METADATA, OLD_METADATA, VERSION_TABLE
from test_suites.kit.campaigns.example import example_assessment
from test_suites.kit.hubs.account_desk import REQUIREMENTS as ACCOUNTS
from test_suites.kit.hubs.account_desk import AccountDesk
from test_suites.processes.test_registry_writers import (
    require_kills_lose_nothing,
    require_lives_are_stored,
    require_writers_lose_nothing,
)
from test_suites.products.postgresql import PostgreSql
from test_suites.unit.harness.store.registry.test_agent_store import REQUIREMENTS, TABLES
from test_suites.unit.harness.store.registry.test_migration import EVENTS as OLD
from test_suites.unit.harness.store.registry.test_migration import old_rows

pytestmark = pytest.mark.product("initdb", "postgres")

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
ACME, BETA = "supplier:acme", "supplier:beta"
OPENED = StreamOpened(at=NOW, actor="Acmé", name="Acme")
EVENTS: tuple[Event, ...] = (
    OPENED,
    FixClaimed(at=NOW, actor="Acmé", plan="P-0001", statement="one\x00 and '; DROP TABLE streams"),
    FixClaimed(at=NOW, actor="Acmé", plan="P-0001", statement="two"),
    PlanClosed(at=NOW, actor="Ann", plan="P-0001"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    with PostgreSql() as running:
        yield running


@pytest.fixture
def url(server: PostgreSql) -> str:
    """A database of this test's own."""
    return server.new_database()


@pytest.fixture
def made(server: PostgreSql) -> str:
    """A database of this test's own with an empty registry."""
    return server.new_registry()


@pytest.fixture
def registry(made: str) -> Iterator[Registry]:
    """A registry with four events of Acme."""
    with open_registry(made, create=True) as one:
        append(one, *EVENTS)
        yield one


def append(registry: Registry, *events: Event, stream: str = ACME) -> int:
    with registry.writing(stream) as access:
        return access.append(*events).events


def events_in(registry: Registry, stream: str = ACME) -> tuple[Event, ...]:
    with registry.reading(stream) as access:
        return access.events()


def claim(statement: str) -> FixClaimed:
    return FixClaimed(at=NOW, actor="Acmé", plan="P-0001", statement=statement)


def execute(url: str, *statements: str) -> None:
    """Change the database behind the registry's back."""
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_events_are_read_in_order_with_a_valid_hash_chain(url: str) -> None:
    with pytest.raises(NoRegistry, match="no registry in this database"):
        open_registry(url)
    with open_registry(url, create=True) as registry:
        assert (registry.heads(), events_in(registry)) == ((), ())
        assert append(registry, *EVENTS[:2]) == 2
        assert append(registry, *EVENTS[2:]) == 4

    with open_registry(url, create=True) as again:
        assert events_in(again) == EVENTS
        again.require_heads()
        with again.reading(ACME) as access:
            hashes = access.hashes()
        assert len(hashes) == 4
        assert again.heads()[0].hash == hashes[-1] != START


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE stream_events SET actor = 'Bob'", "append-only"),
        ("DELETE FROM stream_events", "append-only"),
        ("TRUNCATE stream_events", "append-only"),
        ("UPDATE streams SET events = 3", "only grows"),
        ("UPDATE streams SET hash = 'x'", "only grows"),
        ("UPDATE streams SET events = 9, name = 'x'", "only grows"),
        ("DELETE FROM streams", "only grows"),
        ("TRUNCATE streams", "only grows"),
    ],
)
def test_the_database_refuses_to_change_what_was_recorded(
    registry: Registry, made: str, statement: str, told: str
) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match=told):
        execute(made, statement)
    assert events_in(registry) == EVENTS


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE stream_events SET actor = 'Bob' WHERE position = 2", "event 2 of supplier:acme"),
        ("UPDATE stream_events SET body = '{}' WHERE position = 4", "event 4 of supplier:acme"),
        ("UPDATE stream_events SET at = at + interval '1 h' WHERE position = 3", "event 3 of"),
        ("DELETE FROM stream_events WHERE position = 1", "event 1 of supplier:acme was changed"),
        ("DELETE FROM stream_events WHERE position = 4", "holds 3 events, but its head records 4"),
        ("UPDATE streams SET events = 3", "holds 4 events, but its head records 3"),
        ("DELETE FROM streams", "holds 4 events, but its head is missing"),
    ],
)
def test_what_was_changed_behind_the_rules_is_found_and_named(
    registry: Registry, made: str, statement: str, told: str
) -> None:
    execute(
        made,
        "DROP TRIGGER stream_events_append_only ON stream_events",
        "DROP TRIGGER streams_grow ON streams",
        statement,
    )

    with pytest.raises(InstrumentError, match=told):
        events_in(registry)


def test_who_expects_another_number_of_events_cannot_append(registry: Registry, made: str) -> None:
    with open_registry(made) as other:
        append(registry, claim("three"))

        with (
            pytest.raises(UsageError, match="supplier:acme holds 5 events, not 4"),
            other.writing(ACME) as access,
        ):
            access.append(claim("four"), claim("five"), after=4)
    assert events_in(registry) == (*EVENTS, claim("three"))


def test_an_error_later_in_a_transaction_takes_all_its_events_back(registry: Registry) -> None:
    with pytest.raises(RuntimeError, match="later"), registry.writing(ACME) as access:  # noqa: PT012 - the error comes after the events
        access.append(claim("three"))
        msg = "later"
        raise RuntimeError(msg)
    assert events_in(registry) == EVENTS


def test_a_second_writer_of_a_stream_waits_and_then_follows_the_first(
    registry: Registry, made: str
) -> None:
    with open_registry(made) as other, ThreadPoolExecutor(1) as threads:
        with registry.writing(ACME) as access:
            waiting = threads.submit(append, other, claim("second"))
            access.append(claim("first"))
            assert not waiting.done()
        assert waiting.result() == 6

    assert events_in(registry) == (*EVENTS, claim("first"), claim("second"))


def test_writers_of_different_streams_do_not_wait_for_each_other(
    registry: Registry, made: str
) -> None:
    """If they did, this test would never end: one holds its stream while the other writes."""
    with open_registry(made) as other, registry.writing(ACME) as access:
        access.append(claim("first"))
        assert append(other, OPENED, claim("of Beta"), stream=BETA) == 2
        assert events_in(other) == EVENTS, "nothing is seen before its transaction ends"
    assert len(events_in(registry)) == 5


def test_a_reader_sees_one_moment_while_another_writes(registry: Registry, made: str) -> None:
    with open_registry(made) as other, registry.reading(ACME) as access:
        assert access.events() == EVENTS
        append(other, claim("three"))
        assert access.events() == EVENTS
        assert len(access.hashes()) == 4
    assert len(events_in(registry)) == 5


def test_threads_that_make_a_registry_at_once_make_one(url: str) -> None:
    barrier = Barrier(4)

    def make(number: int) -> None:
        barrier.wait()
        with open_registry(url, create=True) as one:
            append(one, OPENED, stream=f"supplier:{number}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(make, range(4)))
    with open_registry(url) as registry:
        assert [head.stream for head in registry.heads()] == [f"supplier:{n}" for n in range(4)]


def test_an_old_registry_is_divided_into_streams_and_its_chain_takes_no_more(url: str) -> None:
    rows = [
        (number, row["at"], row["actor"], row["kind"], row["body"], row["previous"], row["hash"])
        for number, row in enumerate(old_rows(OLD), 1)
    ]
    insert = b"INSERT INTO events VALUES (%s, %s, %s, %s, %s, %s, %s)"
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    OLD_METADATA.create_all(engine)
    engine.dispose()
    with psycopg.connect(url) as connection:
        connection.cursor().executemany(insert, rows)
        connection.execute(
            b"INSERT INTO registry_head VALUES (1, %s, %s)", (len(rows), rows[-1][-1])
        )
    with pytest.raises(OldRegistry, match="'accredit registry migrate'"):
        open_registry(url)

    assert migrate(url, "Ann", WallClock())[1:] == (len(OLD), 5)
    assert migrate(url, "Ann", WallClock())[1:] == (0, None)

    with open_session(url) as session:
        assert {held.plan.id: held.plan for held in session.plans()} == replay(OLD).plans
        old = verify_streams(session.registry)[-1]
        assert old.hashes == tuple(row[-1] for row in rows)
        assert changed_rows(session.registry) == []
    with (
        pytest.raises(psycopg.errors.RaiseException, match="use a newer Accredit"),
        psycopg.connect(url) as connection,
    ):
        connection.execute(insert, (len(rows) + 1, *rows[0][1:5], "x", "y"))


def test_the_script_makes_exactly_the_tables_of_the_program(registry: Registry) -> None:
    with registry.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, [METADATA, HUB]) == []  # type: ignore[arg-type]


def test_eight_processes_that_write_one_stream_lose_and_double_no_event(made: str) -> None:
    require_writers_lose_nothing(made)


@pytest.mark.parametrize("seed", [1, 2])
def test_what_a_killed_writer_said_was_recorded_is_there(made: str, seed: int) -> None:
    require_kills_lose_nothing(made, seed)


@pytest.mark.parametrize("part", range(4))
def test_lives_with_two_writers_are_stored_as_they_were_in_memory(made: str, part: int) -> None:
    require_lives_are_stored(made, part)


@pytest.mark.parametrize("variable", [REGISTRY, DATABASE])
def test_plans_are_opened_and_followed_in_the_database(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, url)
    assert appeals_in(url) == ()
    opened = open_plans(example_assessment(), CampaignPaths(out=tmp_path, campaign="autumn"))

    shown = CliRunner().invoke(app, ["plan", "list"])
    checked = CliRunner().invoke(app, ["registry", "verify"])

    assert opened
    assert 0 == shown.exit_code, shown.output
    assert all(plan.id in shown.output for plan in opened)
    assert 0 == checked.exit_code, checked.output
    assert "unchanged" in checked.output
    assert [] == list(tmp_path.iterdir())


def test_the_message_about_a_wrong_password_does_not_contain_it(server: PostgreSql) -> None:
    wrong = server.new_database().replace(server.password, "wrong-secret")

    with pytest.raises(UsageError, match="authentication failed") as caught:
        open_registry(wrong)
    assert "wrong-secret" not in str(caught.value)


@pytest.mark.parametrize("require", REQUIREMENTS)
def test_what_a_hub_keeps_of_its_agents(made: str, require: Callable[[Registry], None]) -> None:
    with open_registry(made, create=True) as registry:
        require(registry)


@pytest.mark.parametrize("require", ACCOUNTS, ids=lambda each: each.__name__)
def test_accounts_of_a_hub(made: str, require: Callable[[AccountDesk], None]) -> None:
    with open_registry(made, create=True) as registry:
        require(AccountDesk(registry))


def test_a_registry_from_before_there_were_agents_gets_their_tables(url: str) -> None:
    open_registry(url, create=True).close()
    tables = ", ".join(TABLES)
    execute(url, f"DROP TABLE {tables}", "UPDATE registry_schema SET version_num = '0001'")

    with open_registry(url) as registry:
        assert registry.heads() == ()
    with open_registry(url, create=True) as registry:
        REQUIREMENTS[0](registry)
