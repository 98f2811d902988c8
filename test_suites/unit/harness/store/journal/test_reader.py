"""A reader needs no lock, changes nothing, and says where a sealed file was changed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.errors import InstrumentError, UsageError
from harness.model.observation import Observation
from harness.store.journal import journal_state, sealed_segment
from harness.store.journal.journal import SegmentJournal
from harness.store.journal.journal_state import SealedSegment
from harness.store.journal.reader import JournalReader, fingerprint_of
from test_suites.kit.campaigns.journal_headers import header

Batch = Callable[[int, int], list[Observation]]


def test_it_reads_beside_a_writer(tmp_path: Path, observe_batch: Batch) -> None:
    writer = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    writer.append(1, observe_batch(1, 3))
    writer.seal()
    writer.append(2, observe_batch(2, 2))

    reader = JournalReader(tmp_path / "journal")

    assert writer.head == reader.head
    assert {1, 2} == reader.batches()
    assert observe_batch(1, 3) + observe_batch(2, 2) == list(reader.observations())
    assert {"campaign": "spring"} == reader.document


def test_a_cut_short_batch_changes_nothing_that_counts(
    tmp_path: Path, observe_batch: Batch
) -> None:
    writer = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    writer.append(1, observe_batch(1, 3))
    writer.close()
    with (tmp_path / "journal/segment-000001.jsonl").open("ab") as file:
        file.write(b'{"key":')
    reader = JournalReader(tmp_path / "journal")

    reader.require_unchanged()

    with pytest.raises(InstrumentError, match="a batch is incomplete here"):
        reader.verify()


def test_a_changed_file_is_named(tmp_path: Path, observe_batch: Batch) -> None:
    writer = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    writer.append(1, observe_batch(1, 3))
    writer.seal()
    with (tmp_path / "journal/segment-000001.gz").open("ab") as file:
        file.write(b"more")

    with pytest.raises(InstrumentError, match=r"segment-000001.gz: its SHA-256"):
        JournalReader(tmp_path / "journal").require_unchanged()


def test_no_byte_of_a_sealed_file_can_change_unseen(
    tmp_path: Path, observe_batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checksum stands at a file's end: in a large one a broken line may be met before."""
    monkeypatch.setattr(sealed_segment, "BLOCK_BYTES", 100)
    writer = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    writer.append(1, observe_batch(1, 3))
    writer.seal()
    file = tmp_path / "journal/segment-000001.gz"
    whole, broken = file.read_bytes(), 0
    for place in range(10, len(whole)):  # before are a time, a system and a level that say nothing
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(InstrumentError) as refused:
            list(JournalReader(tmp_path / "journal").observations())
        broken += "a line was changed" in str(refused.value)
    assert broken


def test_without_a_journal_it_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no journal here"):
        JournalReader(tmp_path)


def test_a_reader_beside_threads_that_write_never_sees_damage(
    tmp_path: Path, observe_batch: Batch
) -> None:
    journal = SegmentJournal.create(tmp_path / "journal", {}, segment_rows=9)
    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(
            lambda: [journal.append(number, observe_batch(number, 2)) for number in range(60)]
        )
        rows = [0]
        while not writing.done():
            rows.append(JournalReader(tmp_path / "journal").rows)
    journal.close()

    assert sorted(rows) == rows
    assert 120 == JournalReader(tmp_path / "journal").rows


def test_a_segment_that_is_sealed_while_the_folder_is_read_counts_once(
    tmp_path: Path, observe_batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is sealed, and its lines removed, after the manifest was read without it."""
    writer = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    writer.append(1, observe_batch(1, 3))
    read = journal_state.read_manifest
    asked = []

    def read_then_seal(path: Path, start: str) -> tuple[SealedSegment, ...]:
        found = read(path, start)
        asked.append(len(found))
        if len(asked) == 1:
            monkeypatch.undo()
            writer.seal()
            monkeypatch.setattr(journal_state, "read_manifest", read_then_seal)
        return found

    monkeypatch.setattr(journal_state, "read_manifest", read_then_seal)
    reader = JournalReader(tmp_path / "journal")

    assert reader.rows == 3
    assert asked == [0, 1]
    writer.close()


def test_the_fingerprint_of_a_segment_that_is_sealed_meanwhile_is_the_same(
    tmp_path: Path, observe_batch: Batch
) -> None:
    writer = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    writer.append(1, observe_batch(1, 3))
    reader = JournalReader(tmp_path / "journal")
    state, before = reader.state(), reader.fingerprint()

    writer.seal()

    assert before == fingerprint_of(reader.directory, reader.start, state.opened, state.sealed)
    assert before != reader.fingerprint()
    writer.close()


def test_the_header_is_read_once_and_only_when_it_is_asked_for(tmp_path: Path) -> None:
    document = header(items=3, frames={"DRUG": 4}).as_document()
    SegmentJournal.create(tmp_path / "journal", document).close()
    reader = JournalReader(tmp_path / "journal")

    assert document == reader.document
    assert header(items=3, frames={"DRUG": 4}) == reader.header
    assert reader.header is reader.header


def test_a_header_without_a_campaign_is_named(tmp_path: Path, observe_batch: Batch) -> None:
    """What needs no campaign can be read all the same."""
    writer = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    writer.append(1, observe_batch(1, 3))
    writer.close()
    reader = JournalReader(tmp_path / "journal")

    assert reader.rows == 3
    with pytest.raises(UsageError, match=r"journal/header\.json: not the header of a journal: "):
        _ = reader.header


def test_what_is_no_item_is_found_sealed_or_not(tmp_path: Path, observe_batch: Batch) -> None:
    roles = ("must_allow", "item", "heartbeat", "retry", "item")
    first, second = (
        [replace(one, role=role) for one, role in zip(observe_batch(n, 5), roles, strict=True)]
        for n in (1, 2)
    )
    writer = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    writer.append(1, first)
    reader = JournalReader(tmp_path / "journal")
    expected = [one for one in first if one.role != "item"]
    assert expected == list(reader.sentinels())

    writer.seal()
    writer.append(2, second)

    assert expected + [one for one in second if one.role != "item"] == list(reader.sentinels())
    assert first + second == list(reader.observations())
    assert {one.key for one in first + second} == reader.keys()


def test_the_fingerprint_changes_with_the_header_and_with_each_batch(
    tmp_path: Path, observe_batch: Batch
) -> None:
    found = []
    for name in ("spring", "summer"):
        writer = SegmentJournal.create(tmp_path / name, {"campaign": name})
        reader = JournalReader(tmp_path / name)
        found.append(reader.fingerprint())
        writer.append(1, observe_batch(1, 2))
        found.append(reader.fingerprint())
        writer.seal()
        found.append(reader.fingerprint())
        assert reader.fingerprint() == reader.fingerprint()
        writer.close()

    assert len(found) == len(set(found)) == 6
