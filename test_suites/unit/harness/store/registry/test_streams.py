"""Streams of a registry in SQLite: they only grow, and what was changed behind the rules is found.

Somebody who removes the triggers, cuts events off at the end and sets the head back as well is not
found by the registry alone, only by a head that was printed before.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from sqlalchemy.dialects import sqlite

from harness.errors import InstrumentError, UsageError
from harness.model.any_event import AnyEvent
from harness.model.event import Event, FixClaimed, PlanClosed, StreamOpened
from harness.model.stream import StreamHead
from harness.store.registry.event_rows import START
from harness.store.registry.opening import open_registry
from harness.store.registry.streams import Registry
from harness.store.registry.tables import UtcDateTime

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
ACME, BETA = "supplier:acme", "supplier:beta"


def opened(name: str) -> StreamOpened:
    return StreamOpened(at=NOW, actor="Acmé", name=name)


def claim(statement: str, *, at: datetime = NOW) -> FixClaimed:
    return FixClaimed(at=at, actor="Acmé", plan="P-0001", statement=statement)


EVENTS: tuple[Event, ...] = (
    opened("Acme"),
    claim("one\x00 and '; DROP TABLE streams"),
    claim("two"),
    PlanClosed(at=NOW, actor="Ann", plan="P-0001"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out" / "registry.sqlite"


@pytest.fixture
def registry(path: Path) -> Iterator[Registry]:
    with open_registry(path, create=True) as one:
        yield one


@pytest.fixture
def filled(registry: Registry) -> Registry:
    """A registry with four events of Acme and two of Beta."""
    append(registry, *EVENTS)
    append(registry, opened("Beta"), claim("of Beta"), stream=BETA)
    return registry


def append(registry: Registry, *events: Event, stream: str = ACME) -> StreamHead:
    with registry.writing(stream) as access:
        return access.append(*events)


def events_in(registry: Registry, stream: str = ACME) -> tuple[Event, ...]:
    with registry.reading(stream) as access:
        return access.events()


def hashes_in(registry: Registry, stream: str = ACME) -> tuple[str, ...]:
    with registry.reading(stream) as access:
        return access.hashes()


def execute(path: Path, *statements: str, is_past_rules: bool = True) -> None:
    """Change a registry, by default without its triggers, as its owner can."""
    with closing(sqlite3.connect(path)) as connection:
        rules = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in rules.fetchall() if is_past_rules else ():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_events_are_given_back_in_order_after_reopening(registry: Registry, path: Path) -> None:
    assert append(registry, *EVENTS[:2]).events == 2
    head = append(registry, *EVENTS[2:])

    with open_registry(path) as again:
        assert events_in(again) == EVENTS
        assert again.heads() == (head,)
        assert (head.stream, head.name, head.events) == (ACME, "Acme", 4)
        assert hashes_in(again)[-1] == head.hash != START
        with again.reading(ACME) as access:
            assert access.found(about=["P-0001"]) == tuple(enumerate(EVENTS[1:], 2))
            assert access.found(about=["P-0002"]) == access.found(about=[]) == ()


def test_an_empty_registry_holds_nothing(registry: Registry) -> None:
    assert registry.heads() == ()
    assert events_in(registry) == ()
    registry.require_heads()


def test_the_chains_of_two_streams_are_independent(filled: Registry) -> None:
    before = hashes_in(filled, BETA)
    append(filled, claim("three"))

    assert hashes_in(filled, BETA) == before
    assert [(head.stream, head.events) for head in filled.heads()] == [(ACME, 5), (BETA, 2)]
    append(filled, opened("Acme"), stream="supplier:gamma")
    assert hashes_in(filled, "supplier:gamma")[0] != hashes_in(filled)[0], "the stream is covered"


def test_an_event_dated_before_an_earlier_one_or_after_now_is_not_kept(filled: Registry) -> None:
    early = claim("early", at=NOW - timedelta(hours=1))

    with pytest.raises(UsageError, match=r"event 5 is dated .* 1 h before event 4 of the registry"):
        append(filled, early)
    with (
        pytest.raises(UsageError, match=r"after this machine's clock"),
        filled.writing(ACME) as access,
    ):
        access.append(claim("late"), now=NOW - timedelta(minutes=5))
    append(filled, claim("early in another stream", at=NOW - timedelta(seconds=30)), stream=BETA)

    assert events_in(filled) == EVENTS


@pytest.mark.parametrize("after", [0, 3, 5])
def test_who_expects_another_number_of_events_cannot_append(filled: Registry, after: int) -> None:
    with (
        pytest.raises(UsageError, match=f"supplier:acme holds 4 events, not {after}"),
        filled.writing(ACME) as access,
    ):
        access.append(claim("three"), after=after)
    with filled.writing(ACME) as access:
        assert access.append(claim("three"), after=4).events == 5


def test_a_head_that_was_changed_meanwhile_is_not_written_over(filled: Registry) -> None:
    def keep_after_another() -> None:
        with filled.writing(ACME) as access:
            assert access.head is not None
            access.head = replace(access.head, hash="0" * 64)
            access._keep(replace(access.head, events=access.head.events + 1))

    with pytest.raises(InstrumentError, match="the head of supplier:acme was changed"):
        keep_after_another()
    assert len(events_in(filled)) == 4


def test_a_stream_begins_with_the_event_that_opens_it_and_has_only_one(registry: Registry) -> None:
    with pytest.raises(ValueError, match="begins with the event that opens it"):
        append(registry, claim("one"))
    with pytest.raises(ValueError, match="begins with the event that opens it"):
        append(registry, opened("Acme"), opened("Acme"))
    append(registry, opened("Acme"))
    with pytest.raises(ValueError, match="begins with the event that opens it"):
        append(registry, opened("Acme"))
    with pytest.raises(ValueError, match="no events to append"):
        append(registry)

    assert events_in(registry) == (opened("Acme"),)


def test_an_error_later_in_a_transaction_takes_all_its_events_back(filled: Registry) -> None:
    with pytest.raises(RuntimeError, match="later"), filled.writing(ACME) as access:  # noqa: PT012 - the error comes after the events
        access.append(claim("three"))
        access.append(claim("four"))
        assert len(access.events()) == 6
        msg = "later"
        raise RuntimeError(msg)

    assert events_in(filled) == EVENTS


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE stream_events SET actor = 'Bob'", "the registry is append-only"),
        ("UPDATE stream_events SET at = at WHERE position = 4", "the registry is append-only"),
        ("DELETE FROM stream_events WHERE position = 4", "the registry is append-only"),
        ("UPDATE streams SET events = 3", "the head of a stream only grows"),
        ("UPDATE streams SET hash = 'x'", "the head of a stream only grows"),
        ("UPDATE streams SET events = 9, name = 'x'", "the head of a stream only grows"),
        ("UPDATE streams SET events = 9, stream = 'x'", "the head of a stream only grows"),
        ("DELETE FROM streams", "the head of a stream stays"),
    ],
)
def test_the_database_itself_refuses_to_change_what_was_recorded(
    filled: Registry, path: Path, statement: str, told: str
) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=told):
        execute(path, statement, is_past_rules=False)
    assert events_in(filled) == EVENTS


OF_ACME = "WHERE stream = 'supplier:acme' AND position ="
CHANGES = [
    (f"UPDATE stream_events SET actor = 'Bob' {OF_ACME} 2", "event 2 of supplier:acme was changed"),
    (f"UPDATE stream_events SET body = replace(body, 'two', 'too') {OF_ACME} 3", "event 3 of"),
    (f"UPDATE stream_events SET body = '{{}}' {OF_ACME} 1", "event 1 of supplier:acme was changed"),
    (f"UPDATE stream_events SET body = 'not JSON' {OF_ACME} 4", "event 4 of"),
    (f"UPDATE stream_events SET at = '1999-01-01 00:00:00.000000' {OF_ACME} 4", "event 4 of"),
    (f"UPDATE stream_events SET about = 'P-0002' {OF_ACME} 2", "event 2 of supplier:acme"),
    (f"UPDATE stream_events SET kind = 'plan-closed' {OF_ACME} 2", "event 2 of supplier:acme"),
    (f"UPDATE stream_events SET previous = hash {OF_ACME} 3", "event 3 of supplier:acme"),
    (f"UPDATE stream_events SET hash = previous {OF_ACME} 3", "event 3 of supplier:acme"),
    (f"UPDATE stream_events SET stream = 'supplier:x' {OF_ACME} 2", "event 2 of supplier:acme"),
    (f"UPDATE stream_events SET position = 9 {OF_ACME} 2", "event 2 of supplier:acme"),
    (f"DELETE FROM stream_events {OF_ACME} 1", "event 1 of supplier:acme was changed"),
    (f"DELETE FROM stream_events {OF_ACME} 2", "event 2 of supplier:acme was changed"),
    (f"DELETE FROM stream_events {OF_ACME} 4", "supplier:acme holds 3 events, but its head rec"),
    ("DELETE FROM stream_events", "supplier:acme holds 0 events, but its head records 4"),
    ("UPDATE streams SET events = 3", "supplier:acme holds 4 events, but its head records 3"),
    ("UPDATE streams SET hash = 'x'", "the head of supplier:acme is wrong"),
    ("UPDATE streams SET name = 'x'", "the head of supplier:acme is wrong"),
    ("UPDATE streams SET latest_position = 2", "the head of supplier:acme is wrong"),
    ("UPDATE streams SET latest = '1999-01-01 00:00:00.000000'", "the head of supplier:acme is"),
    ("DELETE FROM streams", "supplier:acme holds 4 events, but its head is missing"),
]


@pytest.mark.parametrize(("statement", "told"), CHANGES)
def test_what_was_changed_behind_the_rules_is_found_and_named(
    filled: Registry, path: Path, statement: str, told: str
) -> None:
    execute(path, statement)

    with pytest.raises(InstrumentError, match=told):
        events_in(filled)


UNREADABLE = [
    f"UPDATE stream_events SET at = 'yesterday' {OF_ACME} 2",
    f"UPDATE stream_events SET body = CAST(body AS BLOB) {OF_ACME} 2",
    f"UPDATE stream_events SET body = x'ff' {OF_ACME} 2",
    f"UPDATE stream_events SET body = CAST(x'ff' AS TEXT) {OF_ACME} 2",
    f"UPDATE stream_events SET body = replace(body, '2026-', '0001-') {OF_ACME} 2",
    f"UPDATE stream_events SET body = replace(body, '2026-03-02T09', '0001-01-01T00') {OF_ACME} 2",
    "UPDATE streams SET latest = 'yesterday'",
]


@pytest.mark.parametrize("statement", UNREADABLE)
def test_a_value_that_cannot_be_read_at_all_is_an_error_of_the_registry(
    filled: Registry, path: Path, statement: str
) -> None:
    execute(path, statement)

    with pytest.raises(InstrumentError):
        events_in(filled)


def test_events_that_exchanged_their_streams_are_found(filled: Registry, path: Path) -> None:
    move = "UPDATE stream_events SET stream = '{}' WHERE stream = '{}' AND position = 2"
    execute(path, move.format("x", ACME), move.format(ACME, BETA), move.format(BETA, "x"))

    for stream in (ACME, BETA):
        with pytest.raises(InstrumentError, match=f"event 2 of {stream} was changed"):
            events_in(filled, stream)


def test_events_of_a_stream_without_a_head_are_found(filled: Registry, path: Path) -> None:
    filled.require_heads()
    execute(path, "DELETE FROM streams WHERE stream = 'supplier:beta'")

    assert events_in(filled) == EVENTS, "the other stream can still be read"
    with pytest.raises(InstrumentError, match="the head of supplier:beta is missing"):
        filled.require_heads()


def test_a_renamed_head_is_found(filled: Registry, path: Path) -> None:
    execute(path, "UPDATE streams SET stream = 'supplier:x' WHERE stream = 'supplier:beta'")

    with pytest.raises(InstrumentError, match="supplier:x holds 0 events, but its head records 2"):
        events_in(filled, "supplier:x")
    with pytest.raises(InstrumentError, match="the head of supplier:beta is missing"):
        filled.require_heads()


def test_an_event_about_one_plan_is_checked_when_it_is_read_alone(
    filled: Registry, path: Path
) -> None:
    execute(path, f"UPDATE stream_events SET body = replace(body, 'two', 'too') {OF_ACME} 3")

    with (
        filled.reading(ACME) as access,
        pytest.raises(InstrumentError, match="event 3 of supplier:acme was changed"),
    ):
        access.found(about=["P-0001"])


def test_events_and_head_that_were_cut_together_are_found_only_by_an_earlier_head(
    filled: Registry, path: Path
) -> None:
    before = hashes_in(filled)
    execute(
        path,
        f"DELETE FROM stream_events {OF_ACME} 4",
        f"UPDATE streams SET events = 3, latest_position = 3, hash = '{before[2]}' "
        "WHERE stream = 'supplier:acme'",
    )

    assert events_in(filled) == EVENTS[:3]
    filled.require_heads()
    assert before[-1] not in hashes_in(filled)


def test_a_table_that_is_gone_is_an_error_of_the_registry(filled: Registry, path: Path) -> None:
    execute(path, "DROP TABLE stream_events")

    with pytest.raises(InstrumentError, match="the registry cannot be read: no such table"):
        events_in(filled)
    with pytest.raises(InstrumentError, match="the registry cannot be written: no such table"):
        append(filled, claim("three"))


def test_a_reader_beside_a_writer_never_sees_damage(registry: Registry, path: Path) -> None:
    append(registry, opened("Acme"))

    def write() -> None:
        for number in range(40):
            append(registry, claim(f"{number}"))

    with ThreadPoolExecutor(1) as threads, open_registry(path) as reader:
        writing, seen = threads.submit(write), [0]
        while not writing.done():
            seen.append(len(events_in(reader)))
        writing.result()

        assert sorted(seen) == seen
        assert 41 == len(events_in(reader))


def test_a_re_test_from_before_services_were_recorded_is_as_it_was_written() -> None:
    """The chain covers the text of an event: a field that was added later must not be in it."""
    written = (
        b'{"event":"retest-concluded","at":"2026-03-02T09:00:00Z","actor":"Ann","plan":"P-0001",'
        b'"retest":{"campaign":"r1","at":"2026-03-02T09:00:00Z","outcome":"conforms",'
        b'"statement":"","missed_tested":2,"missed_still_failing":[],"fresh_tested":60}}'
    )

    assert msgspec.json.encode(msgspec.json.decode(written, type=AnyEvent)) == written


def test_times_are_kept_as_utc_and_never_naive() -> None:
    column, dialect = UtcDateTime(), sqlite.dialect()

    down = column.process_bind_param(NOW, dialect)
    up = column.process_result_value(down, dialect)

    assert down == datetime(2026, 3, 2, 8, 0, 0, 123456)  # noqa: DTZ001 - as SQLite keeps it
    assert up == NOW
    assert up.tzinfo is UTC
    assert column.process_bind_param(None, dialect) is None
    assert column.process_result_value(None, dialect) is None
    with pytest.raises(ValueError, match="without a time zone"):
        column.process_bind_param(datetime(2026, 3, 2), dialect)  # noqa: DTZ001 - the mistake


def test_the_hash_covers_stream_position_the_hash_before_and_the_text(
    filled: Registry, path: Path
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT stream, position, previous, body, hash FROM stream_events ORDER BY 1, 2"
        ).fetchall()

    assert len(rows) > 4
    for *covered, digest in rows:
        text = "\x1f".join(map(str, covered))
        assert hashlib.sha256(text.encode()).hexdigest() == digest
