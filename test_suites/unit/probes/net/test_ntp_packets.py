"""NTP packets with an extension field."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from probes.net.ntp_packets import CLIENT, SERVER, answers, client_packet, data_in, server_packet

TIMES = st.integers(0, 2**64 - 1)


@given(st.binary(max_size=1000), TIMES)
def test_a_client_s_packet_holds_its_data(data: bytes, transmitted: int) -> None:
    packet = client_packet(data, transmitted)

    assert data_in(packet, CLIENT) == data
    assert data_in(packet, SERVER) is None
    assert packet[0] == 0x23
    assert len(packet) % 4 == 0
    assert len(packet) >= 48 + 28


@given(st.binary(max_size=1000), TIMES, TIMES)
def test_a_server_s_packet_answers_one_request(data: bytes, transmitted: int, other: int) -> None:
    packet = server_packet(client_packet(b"", transmitted), data, 1_800_000_000.5)

    assert data_in(packet, SERVER) == data
    assert answers(packet, transmitted)
    assert answers(packet, other) == (transmitted == other)
    assert packet[0] == 0x24
    assert packet[1] == 1, "stratum"


def test_a_server_s_time_is_that_of_ntp() -> None:
    packet = server_packet(client_packet(b"", 1), b"", 0.5)

    assert packet[40:48].hex() == "83aa7e8080000000"


@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_left(packet: bytes) -> None:
    assert isinstance(data_in(packet, CLIENT), bytes | None)


def test_a_field_of_another_size_or_type_holds_nothing() -> None:
    packet = client_packet(b"abc", 1)

    assert data_in(packet + bytes(4), CLIENT) is None
    assert data_in(packet[:48], CLIENT) is None
    assert data_in(packet[:48] + b"\0\0" + packet[50:], CLIENT) is None
    assert data_in(packet[:52] + b"\xff\xff" + packet[54:], CLIENT) is None
