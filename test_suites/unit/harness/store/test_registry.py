"""The registry is append-only, by trigger and by chain."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from harness.errors import InstrumentError, UsageError
from harness.model.event import AnyEvent, Event, FixClaimed, PlanClosed
from harness.store.registry import START, Registry, UtcDateTime, open_registry
from test_suites.unit.harness.untrusted.test_passwords import SPELLED

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))


def claim(statement: str) -> FixClaimed:
    return FixClaimed(at=NOW, actor="Acmé", plan="P-0001", statement=statement)


EVENTS: tuple[Event, ...] = (
    claim("one"),
    claim("two"),
    PlanClosed(at=NOW, actor="Ann", plan="P-0001"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out" / "registry.sqlite"


@pytest.fixture
def registry(path: Path) -> Iterator[Registry]:
    with open_registry(path, create=True) as opened:
        yield opened


def test_gives_back_the_events_in_order_after_reopening(registry: Registry, path: Path) -> None:
    assert registry.append(*EVENTS[:2], after=0) == 2
    assert registry.append(EVENTS[2], after=2) == 3
    assert registry.append(after=3) == 3

    with open_registry(path) as again:
        assert again.events() == EVENTS
        assert len(again.hashes()) == 3
        assert again.hashes()[-1] == registry.hashes()[-1] != START


def test_an_empty_registry_holds(registry: Registry) -> None:
    assert registry.events() == ()
    assert registry.hashes() == ()


def test_an_event_dated_before_an_earlier_one_or_after_now_is_not_kept(
    registry: Registry,
) -> None:
    registry.append(*EVENTS[:2], after=0)
    early = PlanClosed(at=NOW - timedelta(hours=1), actor="Ann", plan="P-0001")

    with pytest.raises(UsageError, match=r"event 3 is dated .* 1 h before event 2 of the registry"):
        registry.append(early, after=2)
    with pytest.raises(UsageError, match=r"after this machine's clock"):
        registry.append(EVENTS[2], after=2, now=NOW - timedelta(minutes=5))

    assert registry.events() == EVENTS[:2]


def test_a_re_test_from_before_services_were_recorded_is_as_it_was_written() -> None:
    """The chain covers the text of an event: a field that was added later must not be in it."""
    written = (
        b'{"event":"retest-concluded","at":"2026-03-02T09:00:00Z","actor":"Ann","plan":"P-0001",'
        b'"retest":{"campaign":"r1","at":"2026-03-02T09:00:00Z","outcome":"conforms",'
        b'"statement":"","missed_tested":2,"missed_still_failing":[],"fresh_tested":60}}'
    )

    assert msgspec.json.encode(msgspec.json.decode(written, type=AnyEvent)) == written


@pytest.mark.parametrize("after", [0, 1, 3])
def test_who_did_not_see_the_last_event_cannot_append(registry: Registry, after: int) -> None:
    registry.append(*EVENTS[:2], after=0)

    with pytest.raises(UsageError, match="somebody else changed it meanwhile; run the same"):
        registry.append(EVENTS[2], after=after)

    assert registry.events() == EVENTS[:2]


def test_two_at_once_do_not_both_append(
    registry: Registry, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_registry(path) as other:
        chain = list(other._chain())
        registry.append(EVENTS[0], after=0)
        monkeypatch.setattr(other, "_chain", lambda: iter(chain))  # it looked just before

        with pytest.raises(UsageError, match="somebody else changed it"):
            other.append(EVENTS[1], EVENTS[2], after=0)

    assert registry.events() == EVENTS[:1]


@pytest.mark.parametrize(
    "statement", ["UPDATE events SET actor = 'Bob'", "DELETE FROM events WHERE position = 3"]
)
def test_the_database_itself_refuses_to_change_history(
    registry: Registry, path: Path, statement: str
) -> None:
    registry.append(*EVENTS, after=0)

    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="the registry is append-only"),
    ):
        connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE events SET actor = 'Bob' WHERE position = 2", 2),
        ("UPDATE events SET body = replace(body, 'two', 'too') WHERE position = 2", 2),
        ("UPDATE events SET body = '{}' WHERE position = 1", 1),
        ("UPDATE events SET at = '1999-01-01 00:00:00' WHERE position = 3", 3),
        ("DELETE FROM events WHERE position = 1", 1),
        ("DELETE FROM events WHERE position = 2", 2),
    ],
)
def test_the_chain_shows_where_somebody_got_round_that(
    registry: Registry, path: Path, statement: str, position: int
) -> None:
    registry.append(*EVENTS, after=0)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER events_no_update")
        connection.execute("DROP TRIGGER events_no_delete")
        connection.execute(statement)
        connection.commit()

    with pytest.raises(InstrumentError, match=f"event {position} was changed"):
        len(registry.hashes())
    with pytest.raises(InstrumentError, match=f"event {position} was changed"):
        registry.append(EVENTS[0], after=3)


def test_a_missing_registry_says_what_makes_one(path: Path) -> None:
    with pytest.raises(UsageError, match=r"no registry here; 'accredit run' makes one"):
        open_registry(path)

    assert not path.exists()


def test_another_file_or_database_is_no_registry(tmp_path: Path) -> None:
    text, other = tmp_path / "notes.txt", tmp_path / "other.sqlite"
    text.write_text("not a database, but long enough to be looked at as one" * 10)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE a (b)")

    with pytest.raises(UsageError, match=r"notes.txt: not a registry: file is not a database"):
        open_registry(text)
    with pytest.raises(UsageError, match=r"other.sqlite: no registry in this database"):
        open_registry(other)
    with pytest.raises(UsageError, match="no registry can be made here"):
        open_registry(text / "registry.sqlite", create=True)


@pytest.mark.parametrize(
    "url", ["nonsense://user:secret@host/db", "postgresql+nodriver://user:secret@host/db"]
)
def test_an_unknown_database_is_named_without_its_password(url: str) -> None:
    with pytest.raises(UsageError, match="host/db: not a registry") as caught:
        open_registry(url)

    assert "secret" not in str(caught.value)


def test_a_disk_that_does_not_take_it_is_our_trouble(registry: Registry, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE events")
        connection.commit()

    with pytest.raises(InstrumentError, match="cannot be read: no such table"):
        registry.events()


def rewrite(path: Path, *statements: str) -> None:
    """Change a registry past its rules, as its owner can."""
    with closing(sqlite3.connect(path)) as connection:
        rules = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in rules.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM events WHERE position = 3", "holds 2 events, but its head records 3"),
        ("DELETE FROM events", "holds 0 events, but its head records 3"),
        ("UPDATE registry_head SET events = 2", "holds 3 events, but its head records 2"),
        ("UPDATE registry_head SET hash = 'x'", "holds 3 events, but its head records 3"),
        ("DELETE FROM registry_head", "holds 3 events, but its head is missing"),
        ("UPDATE events SET actor = 'Bob' WHERE position = 2", "event 2 was changed"),
    ],
)
def test_what_was_cut_off_or_changed_is_found(
    registry: Registry, path: Path, statement: str, told: str
) -> None:
    registry.append(*EVENTS, after=0)

    rewrite(path, statement)

    with pytest.raises(InstrumentError, match=told):
        registry.events()
    with pytest.raises(InstrumentError, match=told):
        registry.append(claim("four"), after=3)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registry_head SET events = 2",
        "UPDATE registry_head SET hash = 'x'",
        "DELETE FROM registry_head",
    ],
)
def test_the_database_refuses_to_set_the_head_back(
    registry: Registry, path: Path, statement: str
) -> None:
    registry.append(*EVENTS, after=0)

    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="the head of the registry"),
    ):
        connection.execute(statement)


def test_a_registry_of_before_is_read_and_gets_a_head(registry: Registry, path: Path) -> None:
    registry.append(*EVENTS[:2], after=0)
    rewrite(path, "DROP TABLE registry_head")

    assert EVENTS[:2] == registry.events()
    assert 3 == registry.append(EVENTS[2], after=2)
    open_registry(path, create=True).close()
    rewrite(path, "DELETE FROM events WHERE position = 3")

    with pytest.raises(InstrumentError, match="its head records 3"):
        registry.events()


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


def test_a_reader_beside_a_writer_never_sees_damage(registry: Registry, path: Path) -> None:
    """Of two questions the later one may see what was written between them."""

    def write() -> None:
        for number in range(40):
            registry.append(claim(f"{number}"), after=number)

    with ThreadPoolExecutor(1) as threads, open_registry(path) as reader:
        writing, seen = threads.submit(write), [0]
        while not writing.done():
            seen.append(len(reader.events()))
        writing.result()

        assert sorted(seen) == seen
        assert 40 == len(reader.events())


def test_a_file_that_another_process_writes_is_waited_for(registry: Registry) -> None:
    """A disk may take many seconds; the default of 5 was too short beside a busy disk."""
    with registry._engine.connect() as connection:
        (milliseconds,) = connection.execute(text("PRAGMA busy_timeout")).one()

    assert milliseconds == 60_000


def test_times_are_kept_as_utc_and_never_naive() -> None:
    column, dialect = UtcDateTime(), sqlite.dialect()

    down = column.process_bind_param(NOW, dialect)

    assert down == datetime(2026, 3, 2, 8, 0, 0, 123456)  # noqa: DTZ001 - as SQLite keeps it
    assert column.process_result_value(down, dialect) == NOW
    assert column.process_result_value(down, dialect).tzinfo is UTC  # type: ignore[union-attr]
    assert column.process_bind_param(None, dialect) is None
    assert column.process_result_value(None, dialect) is None
    with pytest.raises(ValueError, match="without a time zone"):
        column.process_bind_param(datetime(2026, 3, 2), dialect)  # noqa: DTZ001 - the mistake
