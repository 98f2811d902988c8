"""A document is there whole, or what was there before stays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import InstrumentError, UsageError
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

    for write in (write_document, lambda path, text: write_lines(path, [text])):
        with pytest.raises(UsageError, match=r"cannot be written: Not a directory; give another"):
            write(tmp_path / "out" / "report.html", b"new")


@pytest.mark.parametrize("path", ["", "/"])
def test_a_path_without_a_name_is_the_users_mistake(path: str) -> None:
    for write in (write_document, lambda path, text: write_lines(path, [text])):
        with pytest.raises(UsageError, match=r"cannot be written: Is a directory; give another"):
            write(Path(path), b"new")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
def test_a_pipe_or_device_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    """A rename onto /dev/full or /dev/null would remove it for all programs."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)

    for write in (write_document, lambda path, text: write_lines(path, [text])):
        for path in (pipe, tmp_path / "link"):
            with pytest.raises(UsageError, match=r"is not a regular file; give another path"):
                write(path, b"new")
    assert pipe.is_fifo()


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_the_output_of_the_process_is_no_file_to_replace(path: str, tmp_path: Path) -> None:
    """A rename would cut off what is printed afterwards from the file that the user gave."""
    for write in (write_document, lambda path, text: write_lines(path, [text])):
        with pytest.raises(UsageError, match=r"is not a regular file; give another path"):
            write(Path(path), b"new")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(UsageError, match=r"loop: cannot be written: .*; give another path"):
        write_document(loop, b"new")
    assert loop.is_symlink()


def test_a_link_stays_and_leads_to_the_new_text(tmp_path: Path) -> None:
    real, link = tmp_path / "there" / "report.html", tmp_path / "report.html"
    write_document(real, b"old")
    link.symlink_to(real)

    write_document(link, b"new")
    assert write_lines(link, [b"newer"]) == 1

    assert link.is_symlink()
    assert real.read_bytes() == b"newer\n"


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
