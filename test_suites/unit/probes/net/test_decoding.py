"""Content codings are undone, and never beyond the limit."""

from __future__ import annotations

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

from probes.net.decoding import decode


@given(st.binary(max_size=500))
def test_each_coding_is_undone(body: bytes) -> None:
    bare = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = {
        "gzip": gzip.compress(body),
        "X-GZIP ": gzip.compress(body),
        "deflate": zlib.compress(body),
        "": body,
    }
    for coding, each in packed.items():
        assert decode(each, coding, 1000).body == body
    if body:
        assert decode(bare.compress(body) + bare.flush(), "deflate", 1000).body == body


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "nonsense", ""]))
def test_whatever_comes_the_limit_holds(body: bytes, coding: str) -> None:
    decoded = decode(body, coding, 100)

    assert len(decoded.body) <= 100


def test_a_bomb_stops_at_the_limit() -> None:
    decoded = decode(gzip.compress(b"\0" * 50_000_000), "gzip", 1000)

    assert (len(decoded.body), decoded.truncated) == (1000, True)


def test_what_does_not_fit_its_coding_stays_as_it_came() -> None:
    assert decode(b"plain words", "gzip", 100).body == b"plain words"


def test_a_cut_body_gives_what_it_holds() -> None:
    packed = gzip.compress(bytes(range(256)) * 40)

    assert bytes(range(256)).startswith(decode(packed[: len(packed) // 2], "gzip", 100).body)
