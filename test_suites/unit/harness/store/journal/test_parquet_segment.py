"""Sealed segments give back each line byte for byte."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from harness.errors import InstrumentError
from harness.model.observation import Observation
from harness.store.journal import parquet_segment
from harness.store.journal.jsonl_segment import encode_batch

Observe = Callable[..., Observation]
TITLES = ["", "plain", "é 例 \U0001f600", 'quote " and \\ and \x01', "nul \x00 inside", "a,b\r\nc"]


@pytest.fixture
def source(tmp_path: Path, observe: Observe) -> Path:
    path = tmp_path / "it's here" / "segment-000001.jsonl"
    path.parent.mkdir()
    batches = [[observe(n, title=title)] for n, title in enumerate(TITLES)]
    path.write_bytes(b"".join(encode_batch(1, batch) for batch in batches))
    return path


def test_gives_back_each_line_byte_for_byte(source: Path, observe: Observe) -> None:
    target = source.with_suffix(".parquet")

    digest = parquet_segment.write_sealed(source, target)

    lines = [msgspec.json.encode(observe(n, title=title)) for n, title in enumerate(TITLES)]
    assert list(parquet_segment.records(target)) == lines
    assert digest == hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()
    assert [target, source] == sorted(source.parent.iterdir(), key=lambda path: path.suffix)[::-1]


def test_key_columns_are_flat(source: Path) -> None:
    target = source.with_suffix(".parquet")
    parquet_segment.write_sealed(source, target)

    assert next(parquet_segment.keys(target)) == ("spring", "item-0", "web", "proxy", "ks2", 2)
    assert list(parquet_segment._rows(target, "DISTINCT batch, role, category")) == [
        (1, "item", "GAMB")
    ]


def test_what_does_not_read_back_is_not_sealed(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = source.with_suffix(".parquet")
    monkeypatch.setattr(parquet_segment, "records", lambda _: iter([b"other"]))

    with pytest.raises(InstrumentError, match=r"reads back differently from segment-000001.jsonl"):
        parquet_segment.write_sealed(source, target)

    assert [source] == list(source.parent.iterdir())


def test_a_file_that_is_not_parquet_is_named(source: Path) -> None:
    with pytest.raises(InstrumentError, match=r"segment-000001.jsonl: cannot be read"):
        list(parquet_segment.records(source))


def test_a_target_that_cannot_be_written_is_named(source: Path) -> None:
    target = source.parent / "none" / "segment-000001.parquet"

    with pytest.raises(InstrumentError, match="cannot be sealed"):
        parquet_segment.write_sealed(source, target)


def test_digest_of_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")

    # FIPS 180-4, example for "abc"
    assert parquet_segment.digest_of_file(tmp_path / "a").startswith(
        "ba7816bf8f01cfea414140de5dae2223"
    )


def test_a_session_is_used_again_and_what_changed_meanwhile_is_read(
    source: Path, observe: Observe
) -> None:
    target, other = source.with_suffix(".parquet"), source.with_name("segment-000002.jsonl")
    parquet_segment.write_sealed(source, target)
    first = list(parquet_segment.keys(target))
    kept = list(parquet_segment._kept)
    was = target.stat()
    batches = [[observe(n + 1, title=title)] for n, title in enumerate(TITLES)]
    other.write_bytes(b"".join(encode_batch(1, batch) for batch in batches))
    parquet_segment.write_sealed(other, target)
    os.utime(target, ns=(was.st_atime_ns, was.st_mtime_ns))

    assert kept
    assert first != list(parquet_segment.keys(target))
    assert kept == parquet_segment._kept


def test_a_session_that_met_an_error_is_not_used_again(source: Path) -> None:
    target = source.with_suffix(".parquet")
    parquet_segment.write_sealed(source, target)
    last = parquet_segment._kept[-1]

    with pytest.raises(InstrumentError, match="cannot be read"):
        list(parquet_segment.keys(source))

    assert not any(one is last for one in parquet_segment._kept)
    assert list(parquet_segment.keys(target))
