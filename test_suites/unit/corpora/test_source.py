"""A file from a stranger is read within limits, and only as what it is."""

import gzip
import os
from itertools import count
from pathlib import Path

import pytest

from corpora.source import Deadline, Limits, ListRefused, Source
from corpora.taxonomy import shipped


def source_of(folder: Path, content: bytes, prefix: str = "", **limits: int) -> Source:
    path = folder / "list.txt"
    path.write_bytes(content)
    return Source(path=path, taxonomy=shipped(), limits=Limits(**limits), prefix=prefix)


def test_lines_have_numbers_and_no_ends(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"\xef\xbb\xbfa\r\nb\n\nc")

    assert list(source.lines()) == [(1, "a"), (2, "b"), (3, ""), (4, "c")]


def test_a_bad_line_is_noted_and_left_out(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"a\n\xff\nb\0\nc\n", prefix="t/x")

    assert [line.text for line in source.lines()] == ["a", "c"]
    assert [(one.line, one.note) for one in source.faults] == [
        ("t/x:2", "not UTF-8"),
        ("t/x:3", "NUL byte"),
    ]


def test_a_huge_line_is_left_out(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"a\n" + b"x" * 1000 + b"\nb\n", line_bytes=100)

    assert list(source.lines()) == [(1, "a"), (3, "b")]
    assert [one.note for one in source.faults] == ["line > 100 bytes"]


def test_a_line_just_as_long_as_the_limit_is_read(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"x" * 99 + b"\nb", line_bytes=100)

    assert [len(line.text) for line in source.lines()] == [99, 1]


@pytest.mark.parametrize("content", [b"x" * 1000, b"x\n" * 500])
def test_too_many_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    source = source_of(tmp_path, content, line_bytes=100, total_bytes=300)

    with pytest.raises(ListRefused, match="more than 300 bytes"):
        list(source.lines())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty list"),
        (b"\xff\xfea\0", "UTF-16"),
        (b"\xfe\xff\0a", "UTF-16"),
        (b"\r\n  <!doctype HTML>", "HTML page"),
        (b"\xef\xbb\xbf<html>", "HTML page"),
        (b"\x1f\x8bjunk", "not readable as gzip"),
        (gzip.compress(b"a" * 100, mtime=0)[:-9], "not readable as gzip"),
    ],
)
def test_no_list_at_all(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(ListRefused, match=reason):
        list(source_of(tmp_path, content).lines())


def test_a_compressed_list_is_read(tmp_path: Path) -> None:
    assert list(source_of(tmp_path, gzip.compress(b"a\nb\n")).lines()) == [(1, "a"), (2, "b")]


def test_records_know_where_they_begin_and_end(tmp_path: Path) -> None:
    source = source_of(tmp_path, b'a,b\n\n"c\nd",e\nf\n')

    records = list(source.records())

    assert [(one.first, one.last, one.cells) for one in records] == [
        (1, 1, ["a", "b"]),
        (3, 4, ["c\nd", "e"]),
        (5, 5, ["f"]),
    ]
    assert records[1].note == "record spans lines 3-4"


def test_a_quote_that_never_ends_is_cut_off(tmp_path: Path) -> None:
    source = source_of(tmp_path, b'"' + b"x" * 1000 + b"\n" + (b"y" * 1000 + b"\n") * 400)

    records = list(source.records())

    assert "not CSV" in [one.note for one in source.faults]
    assert all(len("".join(one.cells)) < 200_000 for one in records)


def test_unknown_labels_are_remembered(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"a")

    assert source.child(tmp_path, "x").translate("ut1", "gambling") == "GAMB"
    assert source.child(tmp_path, "x").translate("ut1", "nothing") == ""
    assert source.unknown == {"ut1": {"nothing"}}


def test_reading_stops_at_its_deadline_and_says_how_far_it_came(tmp_path: Path) -> None:
    moments = count()
    path = tmp_path / "list.txt"
    path.write_bytes(b"a\n" * 10_000)
    deadline = Deadline(2.5, lambda: float(next(moments)))
    source = Source(path=path, taxonomy=shipped(), deadline=deadline)

    with pytest.raises(ListRefused, match=r"stopped after 2.5 seconds, at line 3072"):
        list(source.lines())


def test_a_line_without_end_stops_at_the_deadline(tmp_path: Path) -> None:
    moments = count()
    path = tmp_path / "list.txt"
    path.write_bytes(b"a" * 100_000)
    deadline = Deadline(2.5, lambda: float(next(moments)))
    source = Source(path=path, taxonomy=shipped(), limits=Limits(line_bytes=10), deadline=deadline)

    with pytest.raises(ListRefused, match=r"in a line of more than 30 bytes"):
        list(source.lines())


def test_the_files_of_a_tree_share_a_deadline(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"a\n")

    assert source.deadline is source.child(tmp_path, "x").deadline is not None


def test_lines_that_cannot_be_read_are_not_kept_for_ever(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"\0\n" * 100, unread=10)

    with pytest.raises(ListRefused, match="more than 10 lines that cannot be read"):
        list(source.lines())
    assert 11 == len(source.faults)


def test_labels_that_nobody_knows_are_not_kept_for_ever(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"a\n", labels=3)
    for label in "abc":
        source.own_code(label)

    with pytest.raises(ListRefused, match="more than 3 unknown labels"):
        source.own_code("d")


def test_only_regular_files_are_lists(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ListRefused, match="not readable: is a pipe, not a regular file"):
        list(Source(path=tmp_path / "pipe", taxonomy=shipped()).lines())
