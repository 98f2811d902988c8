"""Whatever was cut off a journal, put into it or taken out of it is found, and nothing is lost."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from harness.errors import InstrumentError, UsageError
from harness.model.observation import Observation
from harness.store.journal import journal_state
from harness.store.journal.journal import SegmentJournal, open_journal
from harness.store.journal.journal_state import (
    HEAD,
    MANIFEST,
    Head,
    read_head,
    read_journal_state,
    scan_folder,
)
from harness.store.journal.reader import JournalReader
from test_suites.kit.clocks.sizes import IS_FULL
from test_suites.unit.harness.store.journal.test_stops import ONE as STOP

Batch = Callable[[int, int], list[Observation]]
Change = Callable[[Path], object]
HEADER = {"campaign": "spring"}
"""Whether every byte of small files is tried, and 500 of large ones."""


@pytest.fixture
def folder(tmp_path: Path, observe_batch: Batch) -> Path:
    """A journal of two sealed segments, an open one of two batches, and a stop."""
    journal = SegmentJournal.create(tmp_path / "journal", HEADER)
    for batch in (1, 2):
        journal.append(batch, observe_batch(batch, 3))
        journal.seal()
    journal.stop(STOP)
    for batch in (3, 4):
        journal.append(batch, observe_batch(batch, 2))
    journal.close()
    return tmp_path / "journal"


def lines(path: Path, keep: slice) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[keep]))


def cut_byte(folder: Path) -> None:
    path = folder / MANIFEST
    path.write_bytes(path.read_bytes()[:-1])


def cut_line(folder: Path) -> None:
    lines(folder / MANIFEST, slice(-1))


def cut_all_lines(folder: Path) -> None:
    (folder / MANIFEST).write_bytes(b"")


def delete_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def cut_line_and_segment(folder: Path) -> None:
    cut_line(folder)
    (folder / "segment-000002.gz").unlink()


def unlisted(folder: Path) -> None:
    shutil.copy(folder / "segment-000002.gz", folder / "segment-000007.gz")


def reorder(folder: Path) -> None:
    lines(folder / MANIFEST, slice(None, None, -1))


def delete_segment(folder: Path) -> None:
    (folder / "segment-000001.gz").unlink()


def delete_open_segment(folder: Path) -> None:
    (folder / "segment-000003.jsonl").unlink()


def cut_batch(folder: Path) -> None:
    lines(folder / "segment-000003.jsonl", slice(3))


def cut_open_byte(folder: Path) -> None:
    path = folder / "segment-000003.jsonl"
    path.write_bytes(path.read_bytes()[:-1])


def cut_batches(folder: Path) -> None:
    (folder / "segment-000003.jsonl").write_bytes(b"")


def delete_head(folder: Path) -> None:
    (folder / HEAD).unlink()


def set_head_back(folder: Path) -> None:
    head = read_head(folder)
    assert head
    manifest = (folder / MANIFEST).read_bytes().splitlines()[-1]
    old = Head(rows=6, hash=json.loads(manifest)["hash"], chains=head.chains)
    (folder / HEAD).write_bytes(msgspec.json.encode(old) + b"\n")


def cut_stop(folder: Path) -> None:
    (folder / "stops.jsonl").write_bytes(b"")


def edit_header(folder: Path) -> None:
    path = folder / "header.json"
    path.write_bytes(path.read_bytes().replace(b"spring", b"summer"))


TAMPERED: list[tuple[Change, str]] = [
    (cut_byte, r"segment-000002.gz: not in manifest"),
    (cut_line, r"segment-000002.gz: not in manifest"),
    (cut_all_lines, r"segment-000001.gz: not in manifest"),
    (delete_manifest, r"segment-000001.gz: not in manifest"),
    (cut_line_and_segment, r"head.json: the journal's end .* 7 observations, .* records 10"),
    (unlisted, r"segment-000007.gz: not in manifest"),
    (reorder, r"manifest.jsonl: byte 0: the hash chain is broken"),
    (delete_segment, r"segment-000001.gz: is in the manifest, but missing"),
    (delete_open_segment, r"head.json: .* 6 observations, .* records 10"),
    (cut_batch, r"head.json: .* 8 observations, .* records 10"),
    (cut_open_byte, r"head.json: .* 8 observations, .* records 10"),
    (cut_batches, r"head.json: .* 6 observations, .* records 10"),
    (delete_head, r"head.json: is missing, so the end"),
    (set_head_back, r"head.json: .* 10 observations, .* records 6"),
    (cut_stop, r"stops.jsonl: lines that the head records were removed"),
    (
        edit_header,
        r"manifest.jsonl: byte 0: the hash chain is broken at .*; header.json or the first lines were changed",
    ),
]


WAYS: dict[str, Change] = {
    "verify": lambda folder: SegmentJournal(folder).verify(),
    "read": open_journal,
    "resume": lambda folder: SegmentJournal(folder).write(),
}


@pytest.mark.parametrize(("change", "told"), TAMPERED, ids=[each.__name__ for each, _ in TAMPERED])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_tampering_is_found_its_place_is_named_and_nothing_is_overwritten(
    folder: Path, change: Change, told: str, way: Change
) -> None:
    change(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    with pytest.raises(InstrumentError, match=told):
        way(folder)

    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("at", ["batch", "sealing", "stop", "start"])
def test_a_head_that_a_crash_left_one_step_behind_is_put_right(
    tmp_path: Path, observe_batch: Batch, at: str
) -> None:
    folder = tmp_path / "journal"
    journal = SegmentJournal.create(folder, HEADER)
    head, segment = folder / HEAD, folder / "segment-000001.jsonl"
    if at != "start":
        journal.append(1, observe_batch(1, 3))
    before, text = head.read_bytes(), segment.read_bytes()
    if at == "stop":
        journal.stop(STOP)
    elif at == "sealing":
        journal.seal()
        segment.write_bytes(text)
    else:
        journal.append(2, observe_batch(2, 2))
    journal.close()
    after = head.read_bytes()
    head.write_bytes(before)

    open_journal(folder).verify()
    again = SegmentJournal.open_or_create(folder, HEADER)

    assert after == head.read_bytes()
    assert again.rows == {"start": 2, "batch": 5}.get(at, 3)
    again.verify()


def test_a_head_a_whole_segment_behind_is_damage(tmp_path: Path, observe_batch: Batch) -> None:
    folder = tmp_path / "journal"
    journal = SegmentJournal.create(folder, HEADER)
    for batch in (1, 2):
        before = (folder / HEAD).read_bytes()
        journal.append(batch, observe_batch(batch, 2))
        journal.seal()
    journal.close()
    (folder / HEAD).write_bytes(before)

    with pytest.raises(InstrumentError, match=r"4 observations, .* records 2"):
        open_journal(folder)


def test_a_journal_of_before_had_no_head_and_gets_one(folder: Path, observe_batch: Batch) -> None:
    header = folder / "header.json"
    shutil.rmtree(folder)
    folder.mkdir()
    header.write_text('{"campaign": "spring"}')
    old = SegmentJournal(folder)
    old.append(1, observe_batch(1, 2))
    old.close()
    (folder / HEAD).unlink()

    assert 2 == open_journal(folder).rows
    again = SegmentJournal.open_or_create(folder, HEADER)

    assert read_head(folder) == again.head


def test_a_writer_at_work_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_head(folder)
    assert whole
    heads = iter([Head(rows=1, hash="moved"), whole, whole, whole])
    monkeypatch.setattr("harness.store.journal.journal_state.read_head", lambda _: next(heads))

    state = read_journal_state(folder, SegmentJournal(folder).start, has_head=True)

    assert 10 == state.rows
    assert [1, 2, 3, 4] == state.batches
    assert next(heads, None) is None


def test_a_writer_that_never_rests_does_not_keep_a_reader(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = iter(range(1000))
    monkeypatch.setattr(
        "harness.store.journal.journal_state.read_head", lambda _: Head(rows=next(turns), hash="")
    )
    start = SegmentJournal(folder).start

    assert scan_folder(folder, start) == read_journal_state(folder, start, has_head=True)


def test_a_byte_of_any_file_cannot_be_changed_unnoticed(folder: Path) -> None:
    """Small files byte by byte; of the others, some."""
    chance = random.Random(2008)
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        is_large = len(whole) > 4096
        places = chance.sample(range(len(whole)), 500 if IS_FULL else 15) if is_large else None
        for place in places or range(0, len(whole), 1 if IS_FULL else 13):
            flipped = whole[place] ^ (1 << chance.randrange(8))
            path.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
            if path.name not in ("lock", "lock.pid"):
                with pytest.raises((InstrumentError, UsageError)):
                    SegmentJournal(folder).verify()
        path.write_bytes(whole)
    SegmentJournal(folder).verify()


@pytest.mark.parametrize("earlier", [0, 1, 2])
def test_the_head_before_a_segment_was_sealed_is_known_while_its_lines_exist(
    tmp_path: Path, observe_batch: Callable[[int, int], list[Observation]], earlier: int
) -> None:
    folder = tmp_path / "journal"
    journal = SegmentJournal.create(folder, {"campaign": "spring"})
    for number in range(1, earlier + 1):
        journal.append(number, observe_batch(number, number))
        journal.seal()
    journal.append(8, observe_batch(8, 3))
    journal.append(9, observe_batch(9, 2))
    name = f"segment-{earlier + 1:06d}.jsonl"
    before, lines = journal.head, (folder / name).read_bytes()
    journal.seal()
    sealed, start = JournalReader(folder).state().sealed, journal.start

    assert [] == journal_state._before_sealing(folder, start, sealed)
    (folder / name).write_bytes(lines)
    assert [before] == journal_state._before_sealing(folder, start, sealed)
    assert [] == journal_state._before_sealing(folder, start, ())
