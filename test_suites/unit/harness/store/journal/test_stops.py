"""Stops are chained to the header of their journal."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import InstrumentError
from harness.model.campaign import Stop
from harness.store.journal import hash_chains
from harness.store.journal.hash_chains import STOPS, append_stop, read_stops
from harness.store.journal.journal import SegmentJournal, open_journal

START = "0" * 64
ONE = Stop(
    plan=1,
    categories=("PORN",),
    profile="ks2",
    after={"proxy": 41},
    settled=4,
    batch=9,
    untried=120,
    attempts=360,
)
TWO = msgspec.structs.replace(ONE, plan=2, categories=("DRUG",))


def test_stops_come_back_in_their_order(tmp_path: Path) -> None:
    assert read_stops(tmp_path, START) == ()

    append_stop(tmp_path, START, ONE)
    append_stop(tmp_path, START, TWO)

    assert read_stops(tmp_path, START) == (ONE, TWO)


def test_a_stop_that_was_changed_or_taken_out_is_noticed(tmp_path: Path) -> None:
    append_stop(tmp_path, START, ONE)
    append_stop(tmp_path, START, TWO)
    path = tmp_path / STOPS
    whole = path.read_bytes()

    path.write_bytes(whole.replace(b'"untried":120', b'"untried":100', 1))
    with pytest.raises(InstrumentError, match="byte 0: the hash chain is broken at plan 1"):
        read_stops(tmp_path, START)
    path.write_bytes(whole.splitlines(keepends=True)[1])
    with pytest.raises(InstrumentError, match="at plan 2 for ks2"):
        read_stops(tmp_path, START)
    path.write_bytes(b"no json\n")
    with pytest.raises(InstrumentError, match="byte 0: not a line of a stop"):
        read_stops(tmp_path, START)


def test_a_stop_of_another_journal_does_not_fit(tmp_path: Path) -> None:
    append_stop(tmp_path, START, ONE)

    with pytest.raises(InstrumentError, match="the hash chain"):
        read_stops(tmp_path, "1" * 64)


def test_a_line_that_a_crash_cut_short_does_not_count(tmp_path: Path) -> None:
    append_stop(tmp_path, START, ONE)
    path = tmp_path / STOPS
    path.write_bytes(path.read_bytes() + b'{"name":"plan 2')

    assert read_stops(tmp_path, START) == (ONE,)
    append_stop(tmp_path, START, TWO)
    assert read_stops(tmp_path, START) == (ONE, TWO)


def test_a_disk_that_takes_nothing_is_our_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hash_chains, "write_all", refuse)

    with pytest.raises(InstrumentError, match="No space left"):
        append_stop(tmp_path, START, ONE)


def test_a_journal_keeps_its_stops_and_verifies_them(tmp_path: Path) -> None:
    journal = SegmentJournal.create(tmp_path / "journal", {"campaign": "c"})
    journal.append(1, [])
    journal.stop(ONE)
    journal.seal()
    journal.close()

    again = open_journal(tmp_path / "journal")
    assert (again.stops(), again.batches(), again.rows) == ((ONE,), frozenset({1}), 0)
    again.verify()
    path = tmp_path / "journal" / STOPS
    path.write_bytes(path.read_bytes().replace(b"PORN", b"DRUG"))
    with pytest.raises(InstrumentError, match="the hash chain is broken"):
        again.verify()
