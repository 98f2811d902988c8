"""Content codings are undone, declared or not, and never beyond the limit."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.untrusted.zstandard_frames import zstd
from probes.net.content_coding import Decoded, decode

PAGE = b"<html><title>Garden</title><p>Seeds, pots and tools are in the first hall.</html>" * 20


def bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACKED = {
    "gzip": gzip.compress(PAGE),
    "X-GZIP ": gzip.compress(PAGE),
    "deflate": zlib.compress(PAGE),
    "br": brotli.compress(PAGE),
    "zstd": zstd.compress(PAGE),
}


@pytest.mark.parametrize("coding", PACKED)
def test_a_declared_coding_is_undone(coding: str) -> None:
    decoded = decode(PACKED[coding], coding, 10_000)

    assert decoded == Decoded(PAGE, codings=(coding.strip().lower(),))


@pytest.mark.parametrize(
    ("coding", "empty"),
    [("gzip", gzip.compress(b"", mtime=0)), ("zstd", zstd.compress(b""))],
    ids=["gzip", "zstd"],
)
def test_very_many_empty_members_take_no_longer_than_they_are(coding: str, empty: bytes) -> None:
    """To copy the rest after each takes minutes; the test's own limit stops it."""
    body = PACKED[coding] + empty * (4 * 1024 * 1024 // len(empty)) + PACKED[coding]

    assert decode(body, coding, 100_000) == Decoded(PAGE * 2, codings=(coding,))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_coding_that_nobody_declared_is_undone(coding: str) -> None:
    decoded = decode(PACKED[coding], "", 10_000)

    assert decoded == Decoded(PAGE, codings=(f"undeclared {coding}",))


@pytest.mark.parametrize(
    ("declared", "codings"),
    [
        ("gzip, br", ("br", "gzip")),
        ("br", ("br", "undeclared gzip")),
        ("identity, gzip, br", ("br", "gzip")),
    ],
)
def test_codings_one_inside_another_are_undone(declared: str, codings: tuple[str, ...]) -> None:
    assert decode(brotli.compress(PACKED["gzip"]), declared, 10_000) == Decoded(
        PAGE, codings=codings
    )


def test_bare_deflate_is_deflate_too() -> None:
    assert decode(bare_deflate(PAGE), "deflate", 10_000).body == PAGE


def test_all_members_of_a_gzip_and_all_frames_of_a_zstd_body_count() -> None:
    assert decode(gzip.compress(b"one ") + gzip.compress(b"two"), "gzip", 100).body == b"one two"
    both = zstd.compress(b"one ") + zstd.compress(b"two")
    assert decode(both, "zstd", 100).body == b"one two"


def test_a_coding_that_is_not_known_is_named_and_the_body_stays() -> None:
    body = bytes(range(128, 256)) * 4

    assert decode(body, "sdch", 1000) == Decoded(body, undecoded="sdch")
    assert decode(body, "br", 1000) == Decoded(body, undecoded="br")


def test_text_under_a_coding_that_was_never_applied_is_read_as_it_is() -> None:
    assert decode(b"plain words", "gzip", 100) == Decoded(b"plain words")


def test_more_codings_than_are_undone_are_no_page() -> None:
    body = PAGE
    for _ in range(7):
        body = gzip.compress(body)

    assert decode(body, ", ".join(["gzip"] * 7), 10_000).undecoded == "gzip"
    assert decode(body, "", 10_000).body != PAGE


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_cut_body_gives_what_it_holds_and_says_so(coding: str) -> None:
    cut = PACKED[coding][:-6]
    decoded = decode(cut, coding, 10_000)

    assert decoded.incomplete
    assert PAGE.startswith(decoded.body)


@pytest.mark.parametrize(
    ("coding", "compress"),
    [("gzip", gzip.compress), ("br", brotli.compress), ("zstd", zstd.compress)],
    ids=["gzip", "br", "zstd"],
)
def test_a_bomb_stops_at_the_limit(coding: str, compress: Callable[[bytes], bytes]) -> None:
    decoded = decode(compress(b"\0" * 50_000_000), coding, 1000)

    assert (len(decoded.body), decoded.truncated) == (1000, True)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd", "odd", ""]))
def test_whatever_comes_the_limit_holds(body: bytes, coding: str) -> None:
    assert len(decode(body, coding, 100).body) <= 100


@given(st.binary(max_size=300))
def test_bytes_without_a_coding_stay_as_they_are(body: bytes) -> None:
    decoded = decode(body, "", 1000)

    assert decoded.codings or decoded.body == body
