"""The first flight of a TLS client: cuts never change its bytes, only where they are."""

from __future__ import annotations

import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.client_hello import ClientHello, name_extension, payload_of
from probes.net.first_flight import BOUNDARIES, FlightShape, in_records, send_flight, written_parts

NAME = b"cv-001.ways.accredit.test"
MESSAGE = ClientHello(random=bytes(32), extensions=(name_extension([NAME]),)).message()
FLIGHT = in_records(MESSAGE, ())

boundaries = st.sampled_from(BOUNDARIES) | st.integers(-200, 200)
shapes = st.builds(
    FlightShape,
    records=st.sampled_from(BOUNDARIES) | st.integers(0, 200),
    cuts=st.lists(boundaries, max_size=4).map(tuple),
    pause=st.sampled_from([0.0, 0.3]),
)


class Sink:
    """A stream that notes what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    async def write(self, data: bytes) -> None:
        self.written.append(data)

    async def read(self) -> bytes:
        return b""

    async def start_tls(self, *_: object) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to close."""


def parts(shape: FlightShape, flight: bytes = FLIGHT) -> list[bytes]:
    return written_parts(flight, shape, random.Random(3))


@given(shapes)
def test_cuts_never_change_the_message(shape: FlightShape) -> None:
    written = parts(shape)

    assert all(written)
    assert MESSAGE == payload_of(b"".join(written))
    if not shape.records:
        assert FLIGHT == b"".join(written)


@given(st.integers(1, 300))
def test_records_have_the_given_size_but_for_the_last(size: int) -> None:
    rest, sizes = b"".join(parts(FlightShape(records=size))), []
    while rest:
        assert b"\x16\3\1" == rest[:3]
        sizes.append(int.from_bytes(rest[3:5]))
        rest = rest[5 + sizes[-1] :]

    assert {size} >= set(sizes[:-1])
    assert 0 < sizes[-1] <= size


@given(st.integers(1, 60))
def test_a_cut_in_the_name_parts_it_whatever_the_records(size: int) -> None:
    for shape in (FlightShape(cuts=("sni",)), FlightShape(cuts=("sni",), records=size)):
        first, second = parts(shape)
        payload = len(payload_of(first + second))
        middle = MESSAGE.index(NAME) + len(NAME) // 2
        before = sum(not shape.records or place % size == 0 for place in range(middle + 1))
        headers = 1 if not shape.records else before

        assert middle + 5 * headers == len(first)
        assert len(MESSAGE) == payload


def test_two_records_meet_in_the_name() -> None:
    (whole,) = parts(FlightShape(records="sni"))
    second = whole.index(b"\x16\3\1", 5)
    middle = len(NAME) // 2

    assert whole[:second].endswith(NAME[:middle])
    assert whole[second + 5 :].startswith(NAME[middle:])


def test_offsets_count_from_either_end_with_the_headers_of_records() -> None:
    assert [2, len(FLIGHT) - 5, 3] == [len(each) for each in parts(FlightShape(cuts=(2, -3)))]
    assert [FLIGHT] == parts(FlightShape(cuts=(0, 9999, -9999)))


def test_every_boundary_and_one_of_them() -> None:
    assert len(FLIGHT) == len(parts(FlightShape(cuts=("every",))))
    drawn = {len(written_parts(FLIGHT, FlightShape(cuts=("random",)), random.Random(n))[0])
             for n in range(2000)}  # fmt: skip
    assert set(range(1, len(FLIGHT))) == drawn


@pytest.mark.parametrize("shape", [FlightShape(pause=0.1), FlightShape(disorder=True)])
def test_what_needs_two_writes_is_cut_in_the_name(shape: FlightShape) -> None:
    assert parts(FlightShape(cuts=("sni",))) == parts(shape)


def test_a_hello_without_a_name_is_cut_in_the_middle() -> None:
    flight = in_records(ClientHello(random=bytes(32)).message(), ())
    first, _ = parts(FlightShape(cuts=("sni",)), flight)
    assert 5 + (len(flight) - 5) // 2 == len(first)


def test_what_is_no_tls_is_refused() -> None:
    with pytest.raises(ValueError, match="not a TLS handshake"):
        parts(FlightShape(records=4), b"GET / HTTP/1.1\r\n")


async def test_each_part_is_a_write_of_its_own() -> None:
    sink, shape = Sink(), FlightShape(records=16, cuts=("sni", 30), pause=0.001)
    sent = await send_flight(sink, FLIGHT, shape, random.Random(3))

    assert parts(shape) == sink.written
    assert sent == b"".join(sink.written)


async def test_segments_out_of_order_need_a_socket_to_the_far_end() -> None:
    with pytest.raises(ValueError, match="need a socket"):
        await send_flight(Sink(), FLIGHT, FlightShape(disorder=True), random.Random(3))


class Direct(Sink):
    """A stream with a socket; notes the hop limit of each write."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._sock, self.hops = sock, list[int]()

    def direct_socket(self) -> socket.socket:
        return self._sock

    async def write(self, data: bytes) -> None:
        self.hops.append(hops_of(self._sock))
        await super().write(data)


def hops_of(sock: socket.socket) -> int:
    if sock.family == socket.AF_INET6:
        return sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)
    return sock.getsockopt(socket.IPPROTO_IP, socket.IP_TTL)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
async def test_the_first_segment_passes_no_router_and_the_second_does(
    family: socket.AddressFamily,
) -> None:
    with socket.socket(family) as sock:
        before, stream = hops_of(sock), Direct(sock)
        await send_flight(stream, FLIGHT, FlightShape(disorder=True), random.Random(3))

        assert [1, before] == stream.hops
        assert before == hops_of(sock)
