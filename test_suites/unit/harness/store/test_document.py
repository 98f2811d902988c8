"""A document is there whole, or what was there before stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import InstrumentError
from harness.store.atomic_write import write_document, write_lines


def test_writes_into_a_folder_that_it_makes(tmp_path: Path) -> None:
    path = write_document(tmp_path / "out" / "deep" / "report.html", b"whole")

    assert path.read_bytes() == b"whole"
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


def test_a_disk_that_refuses_leaves_the_old_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_document(tmp_path / "report.html", b"old")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.store.atomic_write.write_whole", refuse)
    with pytest.raises(InstrumentError, match=r"report\.html: cannot be written: No space left"):
        write_document(path, b"new")

    assert path.read_bytes() == b"old"


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")

    with pytest.raises(InstrumentError, match="cannot be written"):
        write_document(tmp_path / "out" / "report.html", b"new")


def test_lines_are_there_when_all_were_written(tmp_path: Path) -> None:
    path = tmp_path / "out" / "lines.jsonl"

    assert write_lines(path, iter([b"one", b"two"])) == 2
    assert path.read_bytes() == b"one\ntwo\n"
    assert [each.name for each in path.parent.iterdir()] == ["lines.jsonl"]


def test_lines_that_break_off_leave_the_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"old")

    def lines() -> Iterator[bytes]:
        yield b"new"
        raise OSError(28, "No space left on device")

    with pytest.raises(InstrumentError, match=r"lines\.jsonl: cannot be written: No space left"):
        write_lines(path, lines())
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"old"]
