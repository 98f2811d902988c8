"""Packets of SSTP and PPP: read as they are written, however a stream is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.tunnels.sstp_packets import (
    CONNECT_REQUEST,
    ENCAPSULATED_PROTOCOL,
    IPV4,
    LCP,
    PPP,
    Negotiation,
    Packet,
    PacketReader,
    kind_of,
    read_frame,
    read_negotiation,
    read_options,
    write_control,
    write_frame,
    write_negotiation,
    write_options,
    write_packet,
)

packets = st.builds(Packet, st.booleans(), st.binary(max_size=300))


@given(st.lists(packets, max_size=5), st.integers(1, 50))
def test_packets_are_read_as_they_were_written(sent: list[Packet], size: int) -> None:
    stream, reader = b"".join(map(write_packet, sent)), PacketReader()
    pieces = (stream[start : start + size] for start in range(0, len(stream), size))
    assert [packet for piece in pieces for packet in reader.feed(piece)] == sent


@given(st.binary())
def test_what_is_no_packet_is_an_error_or_waits_for_more(data: bytes) -> None:
    try:
        read = list(PacketReader().feed(data))
    except ValueError:
        return
    assert b"".join(map(write_packet, read)) == data[
        : sum(4 + len(each.data) for each in read)
    ] or (any(data[1::1]))


def test_the_first_packet_of_a_client_is_that_of_the_specification() -> None:
    # MS-SSTP section 2.2.9: SSTP_MSG_CALL_CONNECT_REQUEST.
    data = write_control(CONNECT_REQUEST, {ENCAPSULATED_PROTOCOL: PPP})
    assert data == bytes.fromhex("1001000e 0001 0001 00010006 0001".replace(" ", ""))
    [packet] = PacketReader().feed(data)
    assert packet.is_control
    assert kind_of(packet.data) == CONNECT_REQUEST


@pytest.mark.parametrize("data", [b"\x11\0\0\4", b"\x10\0\0\3"])
def test_another_version_or_an_impossible_length_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no packet of SSTP"):
        list(PacketReader().feed(data))


@given(st.integers(0, 0xFFFF), st.binary(max_size=100))
def test_frames_are_read_as_they_were_written(protocol: int, data: bytes) -> None:
    [packet] = PacketReader().feed(write_frame(protocol, data))
    assert not packet.is_control
    assert read_frame(packet.data) == (protocol, data)
    assert read_frame(packet.data.removeprefix(b"\xff\x03")) == (protocol, data) or (
        protocol.to_bytes(2) == b"\xff\x03"
    )


@given(
    st.integers(0, 255),
    st.integers(0, 255),
    st.dictionaries(st.integers(0, 255), st.binary(max_size=20), max_size=4),
)
def test_negotiations_are_read_as_they_were_written(
    code: int, identifier: int, options: dict[int, bytes]
) -> None:
    sent = Negotiation(code, identifier, write_options(options))
    [packet] = PacketReader().feed(write_negotiation(LCP, sent))
    protocol, data = read_frame(packet.data)
    assert protocol == LCP
    assert read_negotiation(data + b"padding") == sent
    assert read_options(sent.data) == options


@given(st.binary())
def test_readers_of_ppp_raise_nothing_else_than_value_errors(data: bytes) -> None:
    for reader in (read_frame, read_negotiation, read_options, kind_of):
        try:
            reader(data)
        except ValueError:
            continue


def test_ip_has_its_number_in_ppp() -> None:
    assert write_frame(IPV4, b"x").hex() == "10000009ff03002178"
