"""A registry in a file: who reads does not wait for who writes, once it is asked for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from harness.errors import InstrumentError
from harness.store.registry import opening
from harness.store.registry.opening import open_registry
from harness.store.registry.streams import Registry

ADD = text("INSERT INTO hub_sign_ins VALUES (hex(randomblob(8)), 1, '2026-11-20 09:00:00.000000')")
COUNT = text("SELECT count(*) FROM hub_sign_ins")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that finds the file locked fails at once."""
    monkeypatch.setattr(opening, "PATIENCE", 0.0)


def write_while_somebody_reads(registry: Registry) -> tuple[int, int, int]:
    """The rows that a reader sees before and after a commit, and that the next reader sees."""
    with registry.transaction() as reading:
        before = reading.scalar(COUNT)
        with registry.transaction(is_writing=True) as writing:
            writing.execute(ADD)
        after = reading.scalar(COUNT)
    with registry.transaction() as reading:
        return int(before or 0), int(after or 0), int(reading.scalar(COUNT) or 0)


def test_without_it_a_commit_waits_for_readers(tmp_path: Path) -> None:
    with (
        open_registry(tmp_path / "r.sqlite", create=True) as registry,
        pytest.raises(InstrumentError, match="locked"),
    ):
        write_while_somebody_reads(registry)


def test_with_it_nobody_waits_and_a_reader_goes_on_with_its_moment(tmp_path: Path) -> None:
    with open_registry(tmp_path / "r.sqlite", create=True) as registry:
        registry.let_readers_go_on()
        assert (0, 0, 1) == write_while_somebody_reads(registry)


def test_the_file_is_whole_by_itself_once_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with open_registry(path, create=True) as registry:
        registry.let_readers_go_on()
        write_while_somebody_reads(registry)
    assert ["r.sqlite"] == sorted(each.name for each in tmp_path.iterdir())
    with open_registry(path) as registry:
        assert (1, 1, 2) == write_while_somebody_reads(registry)


def test_a_file_that_another_process_uses_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with (
        open_registry(path, create=True) as registry,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        registry.let_readers_go_on()
        other.execute("COMMIT")
        assert [("delete",)] == other.execute("PRAGMA journal_mode").fetchall()
