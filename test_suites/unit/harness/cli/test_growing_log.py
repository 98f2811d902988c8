"""A growing log is read up to its last complete line, with little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.cli.growing_log import BLOCK_BYTES, complete_lines
from harness.errors import UsageError


@given(st.lists(st.sampled_from([b"a", b"\n", b"b" * (BLOCK_BYTES - 1), b"c" * BLOCK_BYTES])))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_follows_the_last_line_feed_is_left_out(tmp_path: Path, pieces: list[bytes]) -> None:
    content, path = b"".join(pieces), tmp_path / "growing.log"
    path.write_bytes(content)
    with complete_lines(path) as stream:
        assert content[: content.rfind(b"\n") + 1] == stream.read()


def test_what_is_written_later_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "growing.log"
    path.write_bytes(b"one\ntw")
    with complete_lines(path) as stream, path.open("ab") as more:
        more.write(b"o\nthree\n")
        more.flush()
        assert stream.read() == b"one\n"


def test_a_large_log_is_not_held_in_memory(tmp_path: Path) -> None:
    path, size = tmp_path / "growing.log", 32 * 1024**2
    path.write_bytes((b"x" * 99 + b"\n") * (size // 100) + b"rest")
    tracemalloc.start()
    try:
        read = 0
        with complete_lines(path) as stream:
            while block := stream.read(BLOCK_BYTES):
                read += len(block)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert read == size // 100 * 100
    assert peak < size / 16


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        complete_lines(tmp_path / "nothing.log")
    with pytest.raises(UsageError, match="cannot be read"):
        complete_lines(tmp_path)
