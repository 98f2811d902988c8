"""Only regular files are opened, without waiting, and small ones are read to their limit."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from harness.untrusted.regular_file import FileTooLarge, NotRegularFile, open_regular, read_bounded


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")

    with open_regular(tmp_path / "link") as stream:
        assert b"abc" == stream.read()
    assert b"abc" == read_bounded(tmp_path / "file", 3)
    with pytest.raises(FileTooLarge) as caught:
        read_bounded(tmp_path / "file", 2)
    assert "larger than 0 KiB" == caught.value.strerror


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pipe", "is a pipe, not a regular file"),
        ("link", "is a pipe, not a regular file"),
        ("/dev/zero", "is a device, not a regular file"),
        (".", "is a folder, not a regular file"),
        ("socket", "is a socket or a device without a driver, not a regular file"),
        ("a\0b", "a NUL is in the name"),
    ],
)
def test_what_is_no_file_says_what_it_is(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    opened = Path("/proc/self/fd")
    before = len(list(opened.iterdir())) if opened.exists() else 0
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        with pytest.raises(NotRegularFile) as caught:
            open_regular(name)

    assert said == caught.value.strerror
    assert not before or before == len(list(opened.iterdir()))


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none")


def test_a_file_in_the_kernel_that_grows_is_cut(tmp_path: Path) -> None:
    """Its size is said to be nothing: what is read counts."""
    if Path("/proc/self/status").exists():
        with pytest.raises(FileTooLarge):
            read_bounded("/proc/self/status", 10)
