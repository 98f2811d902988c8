"""Sealed segments give back each line byte for byte."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from harness.errors import InstrumentError
from harness.model.observation import Observation
from harness.store.journal import sealed_segment
from harness.store.journal.jsonl_segment import encode_batch
from harness.store.parquet import write_parquet

Observe = Callable[..., Observation]
TITLES = ["", "plain", "é 例 \U0001f600", 'quote " and \\ and \x01', "nul \x00 inside", "a,b\r\nc"]


@pytest.fixture
def source(tmp_path: Path, observe: Observe) -> Path:
    path = tmp_path / "it's here" / "segment-000001.jsonl"
    path.parent.mkdir()
    batches = [[observe(n, title=title)] for n, title in enumerate(TITLES)]
    path.write_bytes(b"".join(encode_batch(n, batch) for n, batch in enumerate(batches, 1)))
    return path


def test_gives_back_each_line_byte_for_byte(source: Path, observe: Observe) -> None:
    target = source.with_suffix(".gz")

    digest = sealed_segment.write_sealed(source, target)

    lines = [msgspec.json.encode(observe(n, title=title)) for n, title in enumerate(TITLES)]
    assert list(sealed_segment.records(target)) == lines
    assert digest == hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()
    assert {target, source} == set(source.parent.iterdir())


def test_each_line_has_its_batch(source: Path) -> None:
    target = source.with_suffix(".gz")
    sealed_segment.write_sealed(source, target)

    batches = [batch for batch, _ in sealed_segment.records_by_batch(target)]
    assert batches == list(range(1, len(TITLES) + 1))


def test_what_does_not_read_back_is_not_sealed(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = source.with_suffix(".gz")
    monkeypatch.setattr(sealed_segment, "records", lambda _: iter([b"other"]))

    with pytest.raises(InstrumentError, match=r"reads back differently from segment-000001.jsonl"):
        sealed_segment.write_sealed(source, target)

    assert [source] == list(source.parent.iterdir())


def test_a_file_that_is_not_compressed_is_named(source: Path) -> None:
    with pytest.raises(InstrumentError, match=r"segment-000001.jsonl: cannot be read"):
        list(sealed_segment.records(source))


def test_a_target_that_cannot_be_written_is_named(source: Path) -> None:
    target = source.parent / "none" / "segment-000001.gz"

    with pytest.raises(InstrumentError, match="cannot be sealed"):
        sealed_segment.write_sealed(source, target)


def test_digest_of_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")

    # FIPS 180-4, example for "abc"
    assert sealed_segment.digest_of_file(tmp_path / "a").startswith(
        "ba7816bf8f01cfea414140de5dae2223"
    )


def test_a_journal_of_an_older_version_is_read(source: Path) -> None:
    target, older = source.with_suffix(".gz"), source.with_suffix(".parquet")
    sealed_segment.write_sealed(source, target)
    rows = [
        {"batch": batch, "record": record.decode()}
        for batch, record in sealed_segment.records_by_batch(target)
    ]
    write_parquet(rows, (("batch", "BIGINT"), ("record", "VARCHAR")), older)

    for read in (sealed_segment.records, sealed_segment.records_by_batch):
        assert list(read(older)) == list(read(target))
    assert sealed_segment.key_hashes(older).tolist() == sealed_segment.key_hashes(target).tolist()
    assert sealed_segment.sealed_beside(source) == older


def test_what_expands_to_more_than_any_segment_is_refused(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = source.with_suffix(".gz")
    sealed_segment.write_sealed(source, target)
    monkeypatch.setattr(sealed_segment, "MOST_BYTES", 1000)

    with pytest.raises(InstrumentError, match="cannot be read: more than"):
        list(sealed_segment.records(target))


@pytest.mark.parametrize("cut", [1, 8, 20])
def test_a_file_that_was_cut_is_named(source: Path, cut: int) -> None:
    target = source.with_suffix(".gz")
    sealed_segment.write_sealed(source, target)
    target.write_bytes(target.read_bytes()[:-cut])

    with pytest.raises(InstrumentError, match=r"segment-000001.gz: cannot be read"):
        list(sealed_segment.records(target))


def test_a_line_that_is_no_observation_is_named(tmp_path: Path) -> None:
    path = tmp_path / "segment-000001.gz"
    path.write_bytes(gzip.compress(b"[]\n"))

    with pytest.raises(InstrumentError, match=r"segment-000001.gz: cannot be read"):
        sealed_segment.key_hashes(path)
