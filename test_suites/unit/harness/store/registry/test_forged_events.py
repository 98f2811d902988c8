"""Events that somebody writes into the database, without the program, are refused or found."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import InstrumentError
from harness.store.registry.event_rows import row_of
from harness.store.registry.streams import Registry
from test_suites.unit.harness.store.registry.test_streams import (
    ACME,
    EVENTS,
    events_in,
    filled,
    path,
    registry,
)

__all__ = ["filled", "path", "registry"]  # fixtures


INSERT = (
    "INSERT INTO stream_events SELECT stream, {position}, at, actor, kind, about, topic, uses, "
    "body, '{previous}', hash || '' FROM stream_events WHERE stream = 'supplier:acme' "
    "AND position = 4"
)


@pytest.mark.parametrize("position", [5, 6, 10**6])
def test_the_database_itself_takes_no_event_that_does_not_follow(
    filled: Registry, path: Path, position: int
) -> None:
    assert len(events_in(filled)) == 4
    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="an event follows the one before it"),
    ):
        connection.execute(INSERT.format(position=position, previous="0" * 64))


def test_an_event_beyond_the_head_is_no_part_of_the_chain(filled: Registry, path: Path) -> None:
    """Somebody adds an event that follows, with a right hash, but cannot move the head."""
    with filled.reading(ACME) as access:
        row = row_of(ACME, 5, access.hashes()[-1], EVENTS[-1])
    marks = ", ".join("?" * len(row))
    at = row["at"].replace(tzinfo=None).isoformat(" ")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            f"INSERT INTO stream_events ({', '.join(row)}) VALUES ({marks})",
            [at if name == "at" else value for name, value in row.items()],
        )
        connection.commit()

    with filled.reading(ACME) as access:
        for read in (
            lambda: access.found(about=["P-0001"]),
            lambda: access.last(str(EVENTS[-1].__struct_config__.tag)),
        ):
            with pytest.raises(InstrumentError, match="event 5 of supplier:acme was changed"):
                read()
