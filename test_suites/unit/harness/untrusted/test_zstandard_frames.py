"""Frames of Zstandard are unpacked within bounds of memory and output, whatever they state."""

from __future__ import annotations

import pytest

from harness.untrusted.zstandard_frames import Frames, unpack_frames, zstd

TEXT = b"A page that a filter let through. " * 40_000
WINDOW = zstd.CompressionParameter.window_log


def packed(text: bytes, log: int) -> bytes:
    """A frame that states no size, with a window of 2 ** log bytes."""
    compressor = zstd.ZstdCompressor(options={WINDOW: log})
    return compressor.compress(text) + compressor.flush()


@pytest.mark.parametrize("log", [10, 20, 23])
def test_a_window_of_up_to_eight_mebibytes_is_unpacked(log: int) -> None:
    assert Frames(TEXT, is_whole=True) == unpack_frames(packed(TEXT, log), len(TEXT))


@pytest.mark.parametrize("log", [24, 27])
def test_a_larger_window_is_refused(log: int) -> None:
    assert Frames(b"", is_whole=False, is_broken=True) == unpack_frames(packed(TEXT, log), 10)


def test_the_output_ends_one_byte_after_the_limit() -> None:
    assert TEXT[:1001] == unpack_frames(zstd.compress(TEXT), 1000).body


def test_all_frames_are_unpacked_and_what_came_before_a_broken_one_is_kept() -> None:
    two = zstd.compress(b"") + zstd.compress(b"one, ") + zstd.compress(b"two")

    assert Frames(b"one, two", is_whole=True) == unpack_frames(two, 100)
    assert Frames(b"one, two", is_whole=False, is_broken=True) == unpack_frames(two + b"?" * 9, 100)
    assert not unpack_frames(two[:-1], 100).is_whole
