"""The chain of sealed segments shows where it was changed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import InstrumentError
from harness.store.journal.hash_chains import append_line, chained
from harness.store.journal.journal_state import SealedSegment, read_manifest

START = "0" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.jsonl"
    previous = START
    for number in range(1, 4):
        line = chained(
            SealedSegment(
                name=f"segment-{number:06d}.gz",
                rows=number,
                batches=(number,),
                sha256="a",
                records_sha256="b",
                previous=previous,
            )
        )
        append_line(path, line)
        previous = line.hash
    return path


def test_gives_back_the_lines_in_order(path: Path) -> None:
    assert [segment.rows for segment in read_manifest(path, START)] == [1, 2, 3]


def test_no_manifest_is_no_segment(tmp_path: Path) -> None:
    assert read_manifest(tmp_path / "none", START) == ()


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_a_changed_line_is_named_by_its_byte(path: Path, victim: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    at = len(b"".join(lines[:victim]))
    lines[victim] = lines[victim].replace(b'"sha256":"a"', b'"sha256":"c"')
    path.write_bytes(b"".join(lines))

    with pytest.raises(InstrumentError, match=rf"manifest.jsonl: byte {at}: the hash chain"):
        read_manifest(path, START)


def test_a_member_that_was_added_to_a_line_breaks_the_chain(path: Path) -> None:
    """The hash covers the members that we know, so another one is found by the text alone."""
    path.write_bytes(path.read_bytes().replace(b'{"name"', b'{"added":1,"name"', 1))

    with pytest.raises(InstrumentError, match=r"byte 0: (the hash chain|not a line)"):
        read_manifest(path, START)


@pytest.mark.parametrize("gone", [0, 1])
def test_a_line_taken_out_breaks_the_chain(path: Path, gone: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[gone]
    path.write_bytes(b"".join(lines))

    with pytest.raises(InstrumentError, match="the hash chain is broken"):
        read_manifest(path, START)


def test_the_chain_starts_at_the_header(path: Path) -> None:
    with pytest.raises(InstrumentError, match="byte 0"):
        read_manifest(path, "1" * 64)


def test_a_line_cut_short_does_not_count_and_is_written_over(path: Path) -> None:
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1] + lines[2][:20])
    assert len(read_manifest(path, START)) == 2

    append_line(path, msgspec.json.decode(lines[2], type=SealedSegment))

    assert path.read_bytes() == whole


@pytest.mark.parametrize("line", [b"nonsense\n", b'{"name":"\xff"}\n'])
def test_a_line_that_is_no_json_is_named(path: Path, line: bytes) -> None:
    path.write_bytes(line)

    with pytest.raises(InstrumentError, match="byte 0: not a line of a manifest"):
        read_manifest(path, START)
