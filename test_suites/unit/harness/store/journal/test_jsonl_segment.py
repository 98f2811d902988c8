"""Open segments: only whole batches count, wherever they are cut or damaged."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InstrumentError
from harness.model.observation import Observation
from harness.store.journal.jsonl_segment import SegmentWriter, encode_batch, lines_of, scan

Batch = Callable[[int, int], list[Observation]]


@given(sizes=st.lists(st.integers(0, 3), min_size=1, max_size=4), share=st.floats(0, 1))
def test_wherever_a_crash_cuts_only_whole_batches_count(
    tmp_path_factory: pytest.TempPathFactory,
    observe_batch: Batch,
    sizes: list[int],
    share: float,
) -> None:
    path = tmp_path_factory.mktemp("segment") / "segment-000001.jsonl"
    texts = [encode_batch(number, observe_batch(number, size)) for number, size in enumerate(sizes)]
    text = b"".join(texts)
    cut = round(share * len(text))
    path.write_bytes(text[:cut])
    ends = [len(b"".join(texts[: number + 1])) for number in range(len(texts))]
    whole = [number for number, end in enumerate(ends) if end <= cut]

    found = scan(path)

    assert [marker.batch for marker in found.markers] == whole
    assert found.rows == sum(sizes[number] for number in whole)
    assert found.broken is None
    assert found.good == sum(len(texts[number]) for number in whole)
    assert found.size == cut
    lines = [line.rstrip(b"\n") for line in lines_of(path, found.good)]
    assert lines == [
        msgspec.json.encode(each)
        for number in whole
        for each in observe_batch(number, sizes[number])
    ]


@given(st.data())
def test_a_flipped_bit_before_the_last_batch_never_lets_its_batch_count(
    tmp_path_factory: pytest.TempPathFactory, observe_batch: Batch, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("segment") / "segment-000001.jsonl"
    texts = [encode_batch(number, observe_batch(number, 2)) for number in range(3)]
    text = bytearray(b"".join(texts))
    damaged = data.draw(st.integers(0, len(texts[0]) + len(texts[1]) - 1))
    text[damaged] ^= data.draw(st.sampled_from([1, 2, 16, 128]))
    path.write_bytes(text)

    found = scan(path)

    hit = 0 if damaged < len(texts[0]) else 1
    whole = [marker.batch for marker in found.markers]
    assert hit not in whole
    if whole and whole[-1] > hit:
        assert found.broken == (0, len(texts[0]))[hit]


def test_of_several_damaged_batches_the_first_is_named(
    tmp_path: Path, observe_batch: Batch
) -> None:
    path = tmp_path / "segment-000001.jsonl"
    texts = [encode_batch(number, observe_batch(number, 1)) for number in range(5)]
    for number in (1, 3):
        texts[number] = texts[number].replace(b"A page", b"Z page")
    path.write_bytes(b"".join(texts))

    assert scan(path).broken == len(texts[0])


def test_a_marker_that_is_no_utf_8_is_no_marker(tmp_path: Path, observe_batch: Batch) -> None:
    path = tmp_path / "segment-000001.jsonl"
    path.write_bytes(encode_batch(1, observe_batch(1, 1)).replace(b'"sha256":"', b'"sha256":"\xff'))

    assert scan(path).markers == ()


def test_a_writer_goes_on_at_the_end_and_not_when_closed(tmp_path: Path) -> None:
    path = tmp_path / "segment-000001.jsonl"
    path.write_bytes(b"before")
    writer = SegmentWriter(path)
    writer.append(b" after")
    assert path.read_bytes() == b"before after"
    assert writer.size == 12

    full = SegmentWriter(path)
    full.close()
    full.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        full.append(b"x")
    writer.close()


def test_a_failed_write_names_the_file_and_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dying(descriptor: int, text: bytes) -> None:
        os.write(descriptor, text[:2])
        raise OSError(errno.EIO, "Input/output error")

    writer = SegmentWriter(tmp_path / "segment-000001.jsonl")
    writer.append(b"good")
    monkeypatch.setattr("harness.store.journal.jsonl_segment.write_all", dying)

    with pytest.raises(InstrumentError, match=r"segment-000001.jsonl: Input/output error"):
        writer.append(b"bad")

    assert writer.path.read_bytes() == b"good"
