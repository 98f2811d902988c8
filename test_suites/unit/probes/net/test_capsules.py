"""Capsules are found in whatever pieces their bytes come, and others are skipped."""

from __future__ import annotations

import pytest
from aioquic.buffer import encode_uint_var
from hypothesis import given
from hypothesis import strategies as st

from probes.net.capsules import Capsules, datagram_capsule, udp_payload_of

payloads = st.lists(st.binary(max_size=300), max_size=6)


@given(payloads, st.data())
def test_datagrams_come_out_as_they_went_in(sent: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(datagram_capsule, sent))
    reader, received = Capsules(), list[bytes]()
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        received += reader.feed(stream[:size])
        stream = stream[size:]

    assert received == sent


@given(st.binary(max_size=400))
def test_any_bytes_give_datagrams_or_a_value_error(data: bytes) -> None:
    try:
        Capsules().feed(data)
    except ValueError:
        return


def test_capsules_of_other_types_are_skipped() -> None:
    other = encode_uint_var(0x2843) + encode_uint_var(3) + b"abc"

    assert Capsules().feed(other + datagram_capsule(b"x") + other) == [b"x"]


def test_a_capsule_that_is_too_long_is_refused_before_it_has_come() -> None:
    with pytest.raises(ValueError, match="a capsule of 1000000 bytes"):
        Capsules().feed(encode_uint_var(0) + encode_uint_var(1_000_000))


def test_only_payloads_of_udp_are_taken_from_datagrams() -> None:
    assert [udp_payload_of(each) for each in (b"\0abc", b"\0", b"\2abc", b"")] == [
        b"abc", b"", None, None,
    ]  # fmt: skip
