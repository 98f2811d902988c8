"""The journal gives back what was appended, and stays whole whatever goes wrong."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from harness.errors import InstrumentError, UsageError
from harness.model.observation import Observation
from harness.store.journal.journal import SegmentJournal, open_journal
from harness.store.journal.key_index import KeyFilter

Batch = Callable[[int, int], list[Observation]]
HEADER = {"campaign": '{"campaign":"spring","seed":"a"}', "corpora": ["canary 1"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def read(folder: Path) -> list[Observation]:
    return list(open_journal(folder).observations())


def segment(folder: Path) -> Path:
    return folder / "segment-000001.jsonl"


def test_gives_back_what_was_appended_in_order(folder: Path, observe_batch: Batch) -> None:
    journal = SegmentJournal.create(folder, HEADER)
    first, second = observe_batch(1, 3), observe_batch(2, 2)

    assert journal.append(1, first) == 3
    assert journal.append(2, second) == 2

    assert first + second == list(journal.observations())
    assert {1, 2} == journal.batches()
    assert {each.key for each in first + second} == journal.keys()
    assert journal.rows == 5
    assert journal.document == HEADER


def test_a_reader_needs_no_lock_and_changes_nothing(folder: Path, observe_batch: Batch) -> None:
    writer = SegmentJournal.create(folder, HEADER)
    writer.append(1, observe_batch(1, 3))
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}

    reader = open_journal(folder)

    assert len(list(reader.observations())) == 3
    assert reader.rows == 3
    assert len(reader.keys()) == 3
    assert {1} == reader.batches()
    assert before == {path: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_keys_held_already_are_ignored_also_after_reopening_and_sealing(
    folder: Path, observe_batch: Batch
) -> None:
    batch = observe_batch(1, 4)
    journal = SegmentJournal.create(folder, HEADER)
    assert journal.append(1, batch + batch) == 4
    assert journal.append(2, batch) == 0
    journal.close()

    again = SegmentJournal.open_or_create(folder, HEADER)
    assert again.append(3, batch) == 0
    again.seal()
    again.close()

    last = SegmentJournal.open_or_create(folder, HEADER)
    assert last.append(4, [*batch, *observe_batch(4, 1)]) == 1
    assert len(list(last.observations())) == 5
    assert {1, 2, 3, 4} == last.batches()


def test_a_sealed_batch_is_known_to_the_one_that_sealed_it(
    folder: Path, observe_batch: Batch
) -> None:
    batch = observe_batch(1, 4)
    journal = SegmentJournal.create(folder, HEADER)
    journal.append(1, batch)
    journal.seal()

    assert journal.append(2, [*batch, *observe_batch(2, 1)]) == 1
    assert len(list(journal.observations())) == 5


def test_sealing_keeps_every_observation_and_goes_on(folder: Path, observe_batch: Batch) -> None:
    journal = SegmentJournal.create(folder, HEADER, segment_rows=4)
    batches = [observe_batch(number, 3) for number in range(1, 6)]
    for number, batch in enumerate(batches, 1):
        journal.append(number, batch)

    assert len(list(folder.glob("*.gz"))) == 2
    assert [folder / "segment-000003.jsonl"] == list(folder.glob("segment-*.jsonl"))
    assert [each for batch in batches for each in batch] == list(journal.observations())
    assert {1, 2, 3, 4, 5} == journal.batches()
    assert journal.rows == 15
    journal.verify()


def test_a_segment_of_many_bytes_is_sealed_too(folder: Path, observe_batch: Batch) -> None:
    journal = SegmentJournal.create(folder, HEADER, segment_bytes=1)
    journal.append(1, observe_batch(1, 3))

    assert [folder / "segment-000001.gz"] == list(folder.glob("*.gz"))
    assert observe_batch(1, 3) == list(journal.observations())


def test_what_is_sealed_while_it_is_read_is_read_once(folder: Path, observe_batch: Batch) -> None:
    journal = SegmentJournal.create(folder, HEADER)
    journal.append(1, observe_batch(1, 3))
    journal.seal()
    journal.append(2, observe_batch(2, 3))
    reading, sentinels = journal.observations(), journal.sentinels()
    first = next(reading)
    next(sentinels, None)
    journal.append(3, observe_batch(3, 3))
    journal.seal()

    assert [*observe_batch(1, 3), *observe_batch(2, 3)] == [first, *reading]
    assert [] == list(sentinels)


def test_the_fingerprint_changes_with_each_batch_and_with_a_sealed_file(
    folder: Path, observe_batch: Batch
) -> None:
    journal = SegmentJournal.create(folder, HEADER)
    found = [journal.fingerprint()]
    journal.append(1, observe_batch(1, 3))
    found.append(journal.fingerprint())
    journal.seal()
    found.append(journal.fingerprint())
    journal.append(2, observe_batch(2, 1))
    found.append(journal.fingerprint())

    assert len(set(found)) == 4
    assert found[3] == open_journal(folder).fingerprint()
    with (folder / "segment-000001.gz").open("ab") as stream:
        stream.write(b"\0")
    assert found[3] != journal.fingerprint()


def test_sealing_an_empty_segment_makes_no_file(folder: Path) -> None:
    journal = SegmentJournal.create(folder, HEADER)

    journal.seal()

    assert list(folder.glob("*.gz")) == []


def test_damage_in_the_middle_is_named_and_not_taken_for_a_torn_tail(
    folder: Path, observe_batch: Batch
) -> None:
    journal = SegmentJournal.create(folder, HEADER)
    journal.append(1, observe_batch(1, 2))
    start = segment(folder).stat().st_size
    journal.append(2, observe_batch(2, 2))
    journal.append(3, observe_batch(3, 2))
    journal.close()
    text = bytearray(segment(folder).read_bytes())
    text[start + 100] ^= 1
    segment(folder).write_bytes(text)

    with pytest.raises(InstrumentError, match=rf"segment-000001.jsonl: byte {start}: "):
        read(folder)
    with pytest.raises(InstrumentError, match=rf"byte {start}: "):
        open_journal(folder).verify()
    assert bytes(text) == segment(folder).read_bytes()


def test_a_full_disk_leaves_the_journal_whole(
    folder: Path, observe_batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SegmentJournal.create(folder, HEADER)
    journal.append(7, observe_batch(7, 3))
    before = segment(folder).read_bytes()
    really_write = os.write

    def half_then_full(descriptor: int, text: bytes) -> int:
        if len(text) > 1000:
            return really_write(descriptor, bytes(text[:1000]))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("harness.store.atomic_write.os.write", half_then_full)
        with pytest.raises(InstrumentError, match=r"No space left.* intact up to batch 7; free"):
            journal.append(8, observe_batch(8, 3))

    assert before == segment(folder).read_bytes()
    assert {7} == journal.batches()
    assert journal.append(8, observe_batch(8, 3)) == 3
    assert observe_batch(7, 3) + observe_batch(8, 3) == list(journal.observations())


def test_two_cannot_write_the_same_journal(folder: Path) -> None:
    writer = SegmentJournal.create(folder, HEADER)

    with pytest.raises(UsageError, match=f"process {os.getpid()} is writing here"):
        SegmentJournal.open_or_create(folder, HEADER)

    writer.close()
    SegmentJournal.open_or_create(folder, HEADER).close()


def test_one_that_could_not_begin_to_write_does_not_keep_the_next_one_from_it(
    folder: Path, observe_batch: Batch
) -> None:
    """The damage is mended while the first one, which met it, is still there."""
    first = SegmentJournal.create(folder, HEADER)
    first.append(1, observe_batch(1, 2))
    first.append(2, observe_batch(2, 2))
    first.close()
    text = segment(folder).read_bytes()
    segment(folder).write_bytes(text.replace(b"item-100", b"item-999"))
    stopped = SegmentJournal(folder)
    with pytest.raises(InstrumentError, match="a batch was changed"):
        stopped.write()
    segment(folder).write_bytes(text)

    assert open_journal(folder).append(3, observe_batch(3, 1)) == 1


def test_close_lets_the_next_one_write(folder: Path, observe_batch: Batch) -> None:
    SegmentJournal.create(folder, HEADER).close()

    assert open_journal(folder).append(1, observe_batch(1, 2)) == 2


def test_changing_a_sealed_segment_or_the_header_is_noticed(
    folder: Path, observe_batch: Batch
) -> None:
    journal = SegmentJournal.create(folder, HEADER)
    journal.append(1, observe_batch(1, 3))
    journal.seal()
    journal.close()
    sealed = folder / "segment-000001.gz"
    text = bytearray(sealed.read_bytes())
    text[40] ^= 1
    sealed.write_bytes(text)

    with pytest.raises(InstrumentError, match=r"segment-000001.gz: its SHA-256"):
        open_journal(folder).verify()

    sealed.unlink()
    with pytest.raises(InstrumentError, match=r"segment-000001.gz: is in the manifest"):
        open_journal(folder).verify()

    header = folder / "header.json"
    header.write_bytes(header.read_bytes().replace(b"spring", b"summer"))
    with pytest.raises(InstrumentError, match=r"manifest.jsonl: byte 0: the hash chain"):
        open_journal(folder).verify()


def test_another_declaration_is_refused_by_name_of_what_changed(folder: Path) -> None:
    SegmentJournal.create(folder, HEADER).close()
    other = {**HEADER, "campaign": '{"campaign":"spring","seed":"b"}'}

    with pytest.raises(UsageError, match=r"another declaration \(changed: campaign.seed\)"):
        SegmentJournal.open_or_create(folder, other)


def test_a_folder_without_a_journal_is_the_users_mistake(folder: Path) -> None:
    with pytest.raises(UsageError, match="no journal here"):
        open_journal(folder)

    SegmentJournal.create(folder, HEADER).close()
    with pytest.raises(UsageError, match="a journal here already"):
        SegmentJournal.create(folder, HEADER)

    (folder / "header.json").unlink()
    with pytest.raises(UsageError, match=r"segments but no header.json"):
        SegmentJournal.open_or_create(folder, HEADER)


def test_a_batch_that_cannot_be_made_or_encoded_leaves_no_trace(
    folder: Path, observe: Callable[..., Observation], observe_batch: Batch
) -> None:
    journal = SegmentJournal.create(folder, HEADER)
    good = observe_batch(1, 2)

    def breaks() -> Iterator[Observation]:
        yield from good
        raise RuntimeError

    with pytest.raises(RuntimeError):
        journal.append(1, breaks())
    with pytest.raises(UnicodeEncodeError):
        journal.append(1, [*good, observe(3, title="\ud800")])

    assert journal.append(1, good) == 2
    assert good == list(journal.observations())


def test_an_empty_batch_counts_as_done(folder: Path) -> None:
    journal = SegmentJournal.create(folder, HEADER)

    assert journal.append(3, []) == 0
    assert {3} == journal.batches()
    journal.seal()
    assert {3} == open_journal(folder).batches()
    assert read(folder) == []


def test_a_key_that_is_only_suspected_to_be_sealed_is_written(
    tmp_path: Path, observe_batch: Callable[[int, int], list[Observation]]
) -> None:
    journal = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    sealed = observe_batch(1, 2)
    journal.append(1, sealed)
    journal.seal()
    fresh = observe_batch(2, 3)

    with patch.object(KeyFilter, "suspects", lambda _, keys: set(keys)):
        assert fresh == journal._without_sealed([*sealed, *fresh])
        assert [] == journal._without_sealed(sealed)
    with patch.object(KeyFilter, "suspects", lambda _, keys: {keys[0]}):
        assert fresh == journal._without_sealed([sealed[0], *fresh])
