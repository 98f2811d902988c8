"""Instrument records are chained to the header of their journal, one for each change."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from harness.errors import InstrumentError
from harness.store.bundle import journal_files
from harness.store.journal import hash_chains
from harness.store.journal.hash_chains import INSTRUMENT, append_record, read_instrument
from harness.store.journal.journal import SegmentJournal
from test_suites.kit.campaigns.instrument import UNSYNCHRONISED, WHOLE, record

LATER = record(at=WHOLE.at + timedelta(hours=1))
OTHER = record(at=WHOLE.at + timedelta(hours=2), tls_library="OpenSSL 1.1.1w")


@pytest.fixture
def journal(tmp_path: Path) -> SegmentJournal:
    return SegmentJournal.create(tmp_path / "journal", {"campaign": "{}"})


def test_a_start_on_the_same_instrument_adds_nothing(journal: SegmentJournal) -> None:
    assert journal.instrument_records() == ()

    for one in (WHOLE, LATER, OTHER, LATER):
        journal.record_instrument(one)

    assert journal.instrument_records() == (WHOLE, OTHER, LATER)
    journal.verify()


def test_a_clock_that_lost_its_step_is_a_change(journal: SegmentJournal) -> None:
    journal.record_instrument(WHOLE)

    journal.record_instrument(record(clock=UNSYNCHRONISED))

    assert [one.clock.is_known for one in journal.instrument_records()] == [True, False]


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"1.1.1w", b"3.5.90"), (b'"bound":0.02', b'"bound":0.00'), (b"\n", b"")],
)
def test_a_changed_record_is_damage_that_verify_names(
    journal: SegmentJournal, before: bytes, after: bytes
) -> None:
    journal.record_instrument(WHOLE)
    journal.record_instrument(OTHER)
    path = journal.directory / INSTRUMENT
    whole = path.read_bytes()
    path.write_bytes(whole.replace(before, after, 1))
    assert path.read_bytes() != whole

    with pytest.raises(InstrumentError, match=r"instrument\.jsonl: (byte \d+: |not a hash chain)"):
        journal.verify()
    with pytest.raises(InstrumentError, match="instrument"):
        journal.record_instrument(OTHER)


def test_no_bit_can_be_flipped_unnoticed(journal: SegmentJournal) -> None:
    append_record(journal.directory, journal.start, WHOLE)
    path = journal.directory / INSTRUMENT
    whole = path.read_bytes()

    for at in range(len(whole) - 1):  # without its last byte it is a line that was cut short
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(InstrumentError, match=r"instrument\.jsonl: byte 0: "):
            journal.instrument_records()


def test_the_head_vouches_for_the_last_record(journal: SegmentJournal) -> None:
    journal.record_instrument(WHOLE)
    journal.record_instrument(LATER)
    journal.record_instrument(record(clock=UNSYNCHRONISED))
    journal.close()
    path = journal.directory / INSTRUMENT
    whole = path.read_bytes()
    assert len(whole.splitlines()) == 2

    for left in (whole.splitlines(keepends=True)[0], whole[:-1], b""):
        path.write_bytes(left)
        with pytest.raises(
            InstrumentError, match=r"instrument\.jsonl: lines that the head records were removed"
        ):
            journal.verify()
    path.write_bytes(whole)
    journal.verify()


def test_a_line_that_was_cut_short_is_written_again(journal: SegmentJournal) -> None:
    append_record(journal.directory, journal.start, WHOLE)
    path = journal.directory / INSTRUMENT
    whole = path.read_bytes()

    for cut in range(0, len(whole), 50):
        path.write_bytes(whole[:cut])
        assert journal.instrument_records() == ()
        assert append_record(journal.directory, journal.start, WHOLE)
        assert path.read_bytes() == whole


def test_a_record_of_another_journal_does_not_fit(journal: SegmentJournal, tmp_path: Path) -> None:
    append_record(journal.directory, journal.start, WHOLE)
    start = hashlib.sha256(b"another header").hexdigest()

    with pytest.raises(InstrumentError, match="hash chain is broken at the instrument at 2026"):
        read_instrument(journal.directory, start)
    assert read_instrument(tmp_path, start) == ()


def test_a_full_disk_leaves_the_file_as_it_was(
    journal: SegmentJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_record(journal.directory, journal.start, WHOLE)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hash_chains, "write_all", full)
    with pytest.raises(InstrumentError, match=r"instrument\.jsonl: No space left on device"):
        append_record(journal.directory, journal.start, OTHER)
    assert journal.instrument_records() == (WHOLE,)


def test_a_bundle_takes_the_records_along(journal: SegmentJournal) -> None:
    append_record(journal.directory, journal.start, WHOLE)

    assert f"journal/{INSTRUMENT}" in journal_files(journal.directory)
