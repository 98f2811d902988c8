"""Files in the folder of a journal that are no part of it, at any state of the journal."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import InstrumentError
from harness.model.observation import Observation
from harness.store.journal.foreign_files import foreign_files
from harness.store.journal.journal import SegmentJournal, open_journal

Batches = Callable[[int, int], list[Observation]]


@pytest.fixture
def journal(tmp_path: Path, observe_batch: Batches) -> Path:
    """Two sealed segments and an open one."""
    with_lines = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    for number in (1, 2, 3):
        with_lines.append(number, observe_batch(number, 4))
        if number < 3:
            with_lines.seal()
    with_lines.close()
    return tmp_path / "journal"


def foreign(journal: Path) -> list[str]:
    """The names of the files that are found."""
    state = open_journal(journal).state()
    return [line.partition(": ")[0].rpartition("/")[2] for line in foreign_files(journal, state)]


def test_a_journal_has_none_also_while_it_is_written(journal: Path, observe_batch: Batches) -> None:
    assert foreign(journal) == []

    writing = open_journal(journal)
    writing.append(4, observe_batch(4, 4))

    assert foreign(journal) == []
    writing.close()


@pytest.mark.parametrize(
    "name",
    [
        "segment-000004.jsonl",
        "segment-000002.gz.bak",
        "segment-1.jsonl",
        "header.json.bak",
        "torn-1.bin",
        "notes.txt",
        "stops.jsonl.tmp",
    ],
)
def test_another_file_is_found(journal: Path, name: str) -> None:
    (journal / name).write_bytes(b'{"key":')

    assert foreign(journal) == [name]
    with pytest.raises(InstrumentError, match=f"{name}: is no part of the journal"):
        open_journal(journal).require_unchanged()


def test_a_folder_is_found_whatever_its_name(journal: Path) -> None:
    (journal / "lock").unlink()
    (journal / "lock").mkdir()

    assert foreign(journal) == ["lock"]


def test_lines_that_interrupted_sealing_left_are_none(
    journal: Path, observe_batch: Batches
) -> None:
    before = journal.parent / "before"
    shutil.copy(journal / "segment-000003.jsonl", before)
    writing = open_journal(journal)
    writing.seal()
    writing.close()
    shutil.copy(before, journal / "segment-000003.jsonl")

    assert foreign(journal) == []

    (journal / "segment-000003.jsonl").write_bytes(before.read_bytes().replace(b"gamb", b"drug"))
    assert foreign(journal) == ["segment-000003.jsonl"]


def test_a_segment_that_is_being_sealed_is_none(journal: Path) -> None:
    shutil.copy(journal / "segment-000001.gz", journal / "segment-000003.gz")

    assert foreign(journal) == []
