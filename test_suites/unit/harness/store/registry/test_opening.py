"""A registry is opened or made once, and what is none is refused in one sentence."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.registry_care import migrate
from harness.errors import UsageError
from harness.ports.storage import WallClock
from harness.store.hub.hub_tables import METADATA as HUB
from harness.store.registry.opening import PATIENCE, NoRegistry, OldRegistry, open_registry
from harness.store.registry.streams import Registry
from harness.store.registry.tables import METADATA, VERSION_TABLE
from test_suites.unit.harness.store.registry.test_migration import EVENTS, make_old
from test_suites.unit.harness.store.registry.test_streams import (
    append,
    claim,
    events_in,
    execute,
    opened,
)
from test_suites.unit.harness.untrusted.test_passwords import SPELLED


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out" / "registry.sqlite"


@pytest.fixture
def registry(path: Path) -> Iterator[Registry]:
    with open_registry(path, create=True) as one:
        yield one


def test_a_missing_registry_says_what_makes_one(path: Path) -> None:
    with pytest.raises(NoRegistry, match=r"no registry here; 'accredit run' makes one"):
        open_registry(path)

    assert not path.exists()
    assert not path.parent.exists()


def test_another_file_or_database_is_no_registry(tmp_path: Path) -> None:
    notes, other = tmp_path / "notes.txt", tmp_path / "other.sqlite"
    notes.write_text("not a database, but long enough to be looked at as one" * 10)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE events (b)")

    with pytest.raises(UsageError, match=r"notes.txt: not a registry: file is not a database"):
        open_registry(notes)
    with pytest.raises(UsageError, match=r"other.sqlite: no registry in this database"):
        open_registry(other)
    with pytest.raises(UsageError, match="no registry can be made here"):
        open_registry(notes / "registry.sqlite", create=True)
    with pytest.raises(UsageError, match="not a registry: unable to open database file"):
        open_registry(tmp_path)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense://user:secret@host/db", "host/db: not a registry"),
        ("postgresql+nodriver://user:secret@host/db", "host/db: not a registry"),
        ("mysql://host/db", "host/db: not a registry: give a file, or postgresql:"),
        ("http://host/db", "host/db: not a registry: give a file, or postgresql:"),
    ],
)
def test_other_databases_are_refused_without_their_password(url: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        open_registry(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", SPELLED)
@pytest.mark.parametrize("create", [True, False])
def test_no_password_of_a_database_is_told(
    url: str, create: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens at port 1; and no file or folder is called like the URL."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        open_registry(url, create=create)

    told = " ".join(map(str, caught.value.args))
    assert not [part for part in ("hunt", "Zq7", "y:z") if part in told]
    assert [] == list(tmp_path.iterdir())
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_only_the_user_can_read_a_new_registry(registry: Registry, path: Path) -> None:
    append(registry, opened("Acme"))
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR


@pytest.mark.parametrize(
    "name", ["a?mode=ro.sqlite", "a%20b%.sqlite", "a#b.sqlite", "a&b=c.sqlite"]
)
def test_a_path_is_used_as_it_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out" / name
    with open_registry(path, create=True) as one:
        append(one, opened("Acme"))
    with open_registry(path) as one:
        assert one.where == str(path)
        assert [head.name for head in one.heads()] == ["Acme"]

    assert [each.name for each in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+pysqlite"])
def test_a_url_of_a_file_is_treated_as_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "deep/out/registry.sqlite"
    for url in (f"{scheme}:///{path}", f"{scheme}:///deep/out/registry.sqlite"):
        with pytest.raises(NoRegistry, match=r"no registry here; 'accredit run' makes one"):
            open_registry(url)
        assert not path.parent.exists()
        with open_registry(url, create=True) as one:
            append(one, opened("Acme"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with open_registry(path) as one:
            assert [head.name for head in one.heads()] == ["Acme"]
        shutil.rmtree(path.parent.parent)


def test_a_database_in_memory_makes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite://", "sqlite:///:memory:"):
        open_registry(url, create=True).close()
        with pytest.raises(NoRegistry, match="no registry in this database"):
            open_registry(url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("prefix", ["", "sqlite:///"])
def test_an_old_registry_is_named_by_its_place_alone(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "registry.sqlite"
    make_old(path, EVENTS)

    with pytest.raises(OldRegistry) as caught:
        open_registry(f"{prefix}{path}")

    assert str(caught.value) == (
        f"{path}: this registry is of an earlier version; "
        "'accredit registry migrate' brings it up to date"
    )


def test_a_registry_of_a_newer_version_is_refused_in_one_sentence(
    registry: Registry, path: Path
) -> None:
    registry.close()
    execute(path, "UPDATE registry_schema SET version_num = '9999'", is_past_rules=False)

    for create in (True, False):
        with pytest.raises(UsageError, match="has tables of version 9999; use a newer A") as caught:
            open_registry(path, create=create)
        assert len(caught.value.args) == 1


def test_threads_that_make_a_registry_at_once_make_one(path: Path) -> None:
    barrier = Barrier(4)

    def make(number: int) -> None:
        barrier.wait()
        with open_registry(path, create=True) as one:
            append(one, opened(f"{number}"), claim("one"), stream=f"supplier:{number}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(make, range(4)))
    with open_registry(path) as registry:
        assert [(head.name, head.events) for head in registry.heads()] == [
            (f"{number}", 2) for number in range(4)
        ]
        registry.require_heads()


MAKES = """
import sys
from harness.cli.registry_session import open_session, place_of
from harness.model.event import RecordAdded
from harness.model.registry_record import Service
from datetime import UTC, datetime
added = RecordAdded(at=datetime(2026, 3, 2, tzinfo=UTC), actor="Ann", record=Service(id=sys.argv[2]))
sys.stdin.readline()
with open_session(sys.argv[1], create=True) as session:
    session.record(place_of("Acme"), added)
"""


def test_processes_that_make_a_registry_at_once_make_one(path: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", MAKES, path, f"s{n}"], stdin=subprocess.PIPE)
        for n in range(4)
    ]
    for process in started:
        process.communicate(b"go\n")

    assert [process.returncode for process in started] == [0, 0, 0, 0]
    with open_registry(path) as registry:
        assert [(head.name, head.events) for head in registry.heads()] == [("Acme", 5)]
        assert len(events_in(registry)) == 5


def test_a_file_that_another_process_writes_is_waited_for(registry: Registry) -> None:
    """A disk may take many seconds; the default of 5 was too short beside a busy disk."""
    with registry.transaction() as connection:
        (milliseconds,) = connection.execute(text("PRAGMA busy_timeout")).one()

    assert milliseconds == 1000 * PATIENCE == 60_000


def test_an_old_registry_without_events_is_migrated_once(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    make_old(path, [])

    for told in ("migrated", "is up to date"):
        ended = CliRunner().invoke(app, ["registry", "migrate", "--registry", str(path)])
        assert ended.exit_code == 0, ended.exception
        assert ended.stdout.startswith(f"{path}: {told}\n")


@pytest.mark.parametrize("is_migrated", [True, False])
def test_the_script_makes_exactly_the_tables_of_the_program(
    path: Path, tmp_path: Path, *, is_migrated: bool
) -> None:
    if is_migrated:
        make_old(tmp_path / "registry.sqlite", EVENTS)
        path = tmp_path / "registry.sqlite"
        assert migrate(path, "Ann", WallClock())[1:] == (19, 5)
    else:
        open_registry(path, create=True).close()
    declared = create_engine(f"sqlite:///{tmp_path / 'declared.sqlite'}")
    METADATA.create_all(declared)
    HUB.create_all(declared)
    declared.dispose()

    made = create_engine(f"sqlite:///{path}")
    with made.connect() as connection:
        options = {
            "version_table": VERSION_TABLE,
            "include_name": lambda name, kind, _: (
                kind != "table" or name in METADATA.tables or name in HUB.tables
            ),
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, [METADATA, HUB]) == []  # type: ignore[arg-type]
    made.dispose()
    assert indexes_of(path) == indexes_of(tmp_path / "declared.sqlite") != set()


def indexes_of(path: Path) -> set[str]:
    """The statements that made the indexes of our tables, with the conditions of partial ones."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'index'").fetchall()
    return {" ".join(sql.split()) for (sql,) in rows if sql}
