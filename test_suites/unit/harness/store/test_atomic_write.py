"""A file has its old bytes or its new ones."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from harness.store import atomic_write
from harness.store.atomic_write import (
    sync_file,
    sync_folder,
    write_all,
    write_new,
    write_whole,
    write_whole_unsynced,
)

Writer = Callable[[Path, bytes], None]


@pytest.mark.parametrize("write", [write_whole, write_whole_unsynced])
def test_puts_new_bytes_in_place_of_old_ones(tmp_path: Path, write: Writer) -> None:
    path = tmp_path / "a"
    write(path, b"old and longer")

    write(path, b"new")

    assert path.read_bytes() == b"new"
    assert [path] == list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_bytes_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    write_whole(path, b"old")

    def full(descriptor: int, text: bytes) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("harness.store.atomic_write.os.write", full)
    with pytest.raises(OSError, match="full"):
        write_whole(path, b"new")

    assert path.read_bytes() == b"old"
    assert [path] == list(tmp_path.iterdir())


def test_a_folder_in_the_way_leaves_no_litter(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    with pytest.raises(OSError, match="a"):
        write_whole_unsynced(tmp_path / "a", b"new")

    assert [tmp_path / "a"] == list(tmp_path.iterdir())


def test_writes_on_after_a_short_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_write = os.write
    monkeypatch.setattr(
        "harness.store.atomic_write.os.write",
        lambda descriptor, text: really_write(descriptor, bytes(text[:3])),
    )
    descriptor = os.open(tmp_path / "a", os.O_WRONLY | os.O_CREAT)

    write_all(descriptor, b"0123456789")

    os.close(descriptor)
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_syncing_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    sync_folder(tmp_path)

    with pytest.raises(FileNotFoundError):
        sync_file(tmp_path / "none")


@pytest.fixture(params=["links", "no links"])
def file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that has hard links, or has none."""
    if request.param == "no links":
        monkeypatch.setattr(Path, "hardlink_to", _refuse_link)


def _refuse_link(path: Path, target: Path) -> NoReturn:
    raise PermissionError(errno.EPERM, "Operation not permitted", str(path))


def test_a_new_file_is_whole_and_for_the_user_alone(tmp_path: Path, file_system: None) -> None:
    path = tmp_path / "new"
    write_new(path, b"text")

    assert path.read_bytes() == b"text"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_somebody_else_puts_there_meanwhile_stays(
    tmp_path: Path, file_system: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new"
    monkeypatch.setattr(atomic_write, "write_all", lambda *_: path.write_bytes(b"theirs"))

    with pytest.raises(FileExistsError):
        write_new(path, b"ours")

    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic_write, "write_all", fail)
    with pytest.raises(OSError, match="No space left"):
        write_new(tmp_path / "new", b"ours")

    assert list(tmp_path.iterdir()) == []
