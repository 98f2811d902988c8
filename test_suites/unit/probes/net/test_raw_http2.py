"""HTTP/2 is sent exactly as it is given, and read however the far end and the network cut it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache

import h2.config
import h2.connection
import h2.events
import pytest
from hpack import Decoder, Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
)
from hypothesis import given
from hypothesis import strategies as st

from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.raw_http2 import (
    MOST_CONTINUATIONS,
    PREFACE,
    FrameReader,
    Http2Client,
    settings_header,
)

LIMIT = 1000
FIELDS = [(b":method", b"GET"), (b"HOST ", b"a b"), (b":authority", b"x.example"), (b"", b"")]


class Pieces:
    """A stream that gives these pieces, and then has ended; keeps what is written."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)
        self.written = bytearray()

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def write(self, data: bytes) -> None:
        self.written += data

    async def start_tls(self, trust: object, host: str) -> None: ...
    def close(self) -> None: ...

    @property
    def frames(self) -> list[Frame]:
        """The frames that were written, after the preface if there is one."""
        return frames_in(bytes(self.written).removeprefix(PREFACE))


def frames_in(data: bytes) -> list[Frame]:
    reader = FrameReader()
    reader.add(data)
    frames = []
    while (frame := reader.take()) is not None:
        frames.append(frame)
    return frames


@cache
def block(*extra: tuple[str, str], status: str = "200") -> bytes:
    """A header block that does not depend on those before it."""
    return Encoder().encode([(":status", status, True), *((*pair, True) for pair in extra)])


def head(data: bytes = b"", *flags: str, stream: int = 1) -> bytes:
    frame = HeadersFrame(stream, data or block(("server", "x")), flags=["END_HEADERS", *flags])
    return frame.serialize()


def body(data: bytes, *flags: str, stream: int = 1, pad: int = 0) -> bytes:
    padded = ["PADDED"] if pad else []
    return DataFrame(stream, data, pad_length=pad, flags=[*flags, *padded]).serialize()


SETTINGS = SettingsFrame(0, settings={SettingsFrame.HEADER_TABLE_SIZE: 100}).serialize()
WHOLE = block(("server", "x"), ("content-type", "text/plain"))
ANSWERS = {
    "head and body": SETTINGS + head() + body(b"body", "END_STREAM"),
    "padding": head() + body(b"bo", pad=7) + body(b"dy", "END_STREAM", pad=200),
    "an interim answer": head(block(status="103")) + head() + body(b"body", "END_STREAM"),
    "trailers": head() + body(b"body") + head(block(("digest", "x")), "END_STREAM"),
    "an empty frame at the end": head() + body(b"body") + body(b"", "END_STREAM"),
    "fragments of a head": (
        HeadersFrame(1, b"").serialize()
        + ContinuationFrame(1, WHOLE[:3]).serialize()
        + ContinuationFrame(1, WHOLE[3:], flags=["END_HEADERS"]).serialize()
        + body(b"body", "END_STREAM")
    ),
    "another stream": (
        head(block(status="404"), stream=3) + body(b"other", "END_STREAM", stream=3) + head()
        + RstStreamFrame(3, error_code=8).serialize() + body(b"body", "END_STREAM")
    ),
    "a promise": (
        PushPromiseFrame(1, 2, block(("server", "other")), flags=["END_HEADERS"]).serialize()
        + head() + body(b"body", "END_STREAM")
    ),
    "a ping and an end in order": (
        PingFrame(0, opaque_data=b"12345678").serialize() + head()
        + GoAwayFrame(0, last_stream_id=1).serialize() + body(b"body", "END_STREAM")
    ),
    "an unknown frame": b"\0\0\2\xfa\0\0\0\0\0xx" + head() + body(b"body", "END_STREAM"),
    "HTTP/1.1": b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 4\r\n\r\nbody",
}  # fmt: skip


async def read(*pieces: bytes, limit: int = LIMIT) -> tuple[ExchangeRecorder, Pieces]:
    recorder, stream = ExchangeRecorder(limit), Pieces(*pieces)
    await Http2Client(stream).read_answer(1, recorder)
    return recorder, stream


def shown(recorder: ExchangeRecorder) -> tuple[int, str, bytes]:
    assert recorder.head is not None
    return recorder.head.status, recorder.head.header("server"), bytes(recorder.body)


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_read_whatever_its_frames(name: str) -> None:
    recorder, _ = await read(ANSWERS[name])

    assert shown(recorder) == (200, "x", b"body")


@given(st.sampled_from(list(ANSWERS)), st.lists(st.integers(1, 90), max_size=8))
async def test_it_does_not_matter_where_the_network_cuts(name: str, cuts: list[int]) -> None:
    data = ANSWERS[name]
    places = sorted({cut for cut in cuts if cut < len(data)})
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    recorder, _ = await read(*pieces)

    assert shown(recorder) == (200, "x", b"body")


async def test_what_came_with_an_upgrade_is_read_first() -> None:
    data, recorder = ANSWERS["head and body"], ExchangeRecorder(LIMIT)
    await Http2Client(Pieces(data[40:]), data[:40]).read_answer(1, recorder)

    assert shown(recorder) == (200, "x", b"body")


async def test_answers_to_two_streams_are_read_one_after_the_other() -> None:
    encoder = Encoder()
    first, second = (encoder.encode([(":status", "200"), ("server", "x")]) for _ in range(2))
    stream = Pieces(
        head(first) + body(b"first", "END_STREAM") + head(second, "END_STREAM", stream=3)
    )
    client, recorder = Http2Client(stream), ExchangeRecorder(LIMIT)
    await client.read_answer(1, ExchangeRecorder(LIMIT))
    await client.read_answer(3, recorder)

    assert shown(recorder) == (200, "x", b"")


async def test_settings_and_pings_are_answered_and_windows_are_enlarged() -> None:
    _, stream = await read(
        SETTINGS + PingFrame(0, opaque_data=b"12345678").serialize(),
        head() + body(b"abc", "END_STREAM", pad=4),
    )

    assert [type(frame).__name__ for frame in stream.frames] == [
        "SettingsFrame", "PingFrame", "WindowUpdateFrame", "WindowUpdateFrame",
    ]  # fmt: skip
    assert "ACK" in stream.frames[0].flags
    assert stream.frames[1].serialize_body() == b"12345678"
    increments = [(each.stream_id, each.serialize_body()) for each in stream.frames[2:]]
    assert increments == [(0, bytes((0, 0, 0, 8))), (1, bytes((0, 0, 0, 8)))]


ENDS = {
    "nothing": b"",
    "no body": head(),
    "a part of a frame": head() + body(b"body", "END_STREAM")[:-1],
    "a reset": head() + RstStreamFrame(1, error_code=7).serialize(),
    "an end before the stream": GoAwayFrame(0, last_stream_id=0).serialize(),
    "an end by an error": GoAwayFrame(0, last_stream_id=1, error_code=11).serialize(),
}


@pytest.mark.parametrize("name", ENDS)
async def test_an_answer_that_ends_too_early_is_an_end_of_the_stream(name: str) -> None:
    with pytest.raises(EOFError):
        await read(ENDS[name])


INVALID = {
    "text": b"220 mail ready\r\n\r\n",
    "a body before its head": body(b"body", "END_STREAM"),
    "a head without a status": head(Encoder().encode([("server", "x")])),
    "an interim answer at the end": head(block(status="100"), "END_STREAM"),
    "a block that is invalid": head(b"\xff\xff\xff\xff\xff"),
    "a fragment of nothing": ContinuationFrame(1, b"x").serialize(),
    "a fragment of another stream": (
        HeadersFrame(1, b"").serialize() + ContinuationFrame(3, b"").serialize()
    ),
    "a frame inside a block": HeadersFrame(1, b"").serialize() + body(b"x"),
    "settings of a stream": b"\0\0\0\4\0\0\0\0\1",
    "a head that never ends": (
        HeadersFrame(1, b"").serialize() + ContinuationFrame(1, bytes(16000)).serialize() * 5
    ),
}


@pytest.mark.parametrize("name", INVALID)
async def test_what_is_no_answer_by_http2_is_invalid(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        await read(INVALID[name])


async def test_no_more_than_the_limit_is_read() -> None:
    recorder, _ = await read(head() + body(b"x" * 4000) * 9)

    assert LIMIT < len(recorder.body) <= 4000


@given(st.lists(st.binary(max_size=60), max_size=5))
async def test_no_bytes_cause_another_error(pieces: list[bytes]) -> None:
    with suppress(EOFError, ValueError):
        await read(*pieces)


@given(st.binary(max_size=60), st.sampled_from([0, 1, 3, 4, 5, 6, 7, 8, 9]), st.integers(0, 255))
async def test_no_frame_causes_another_error(data: bytes, kind: int, flags: int) -> None:
    stream = 0 if kind in (4, 6, 7) else 1
    frame = len(data).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + data
    with suppress(EOFError, ValueError):
        await read(frame + ANSWERS["head and body"])


async def sent(fields: Sequence[tuple[bytes, bytes]], fragment: int) -> list[Frame]:
    stream = Pieces()
    await Http2Client(stream).request(fields, fragment=fragment)
    return stream.frames


async def test_fields_are_sent_as_they_are_given() -> None:
    (frame,) = await sent(FIELDS, 0)

    assert isinstance(frame, HeadersFrame)
    assert Decoder().decode(frame.data, raw=True) == FIELDS
    assert {"END_STREAM", "END_HEADERS"} <= set(frame.flags)


@given(st.integers(1, 1500), st.integers(0, 3000))
async def test_a_block_is_cut_into_fragments_of_the_given_size(fragment: int, more: int) -> None:
    fields = [*FIELDS, (b"x", b"~" * more)]
    first, *others = frames = await sent(fields, fragment)

    assert isinstance(first, HeadersFrame)
    assert all(isinstance(each, ContinuationFrame) for each in others)
    assert len(others) <= MOST_CONTINUATIONS
    assert {len(each.serialize_body()) for each in frames[:-1]} <= {fragment}
    assert ["END_HEADERS" in each.flags for each in frames] == [*(False for _ in others), True]
    assert Decoder().decode(b"".join(each.serialize_body() for each in frames), raw=True) == fields


def server() -> h2.connection.H2Connection:
    config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
    return h2.connection.H2Connection(config)


async def test_a_server_of_the_library_h2_understands_the_client() -> None:
    stream, far = Pieces(), server()
    client = Http2Client(stream)
    await client.begin()
    pseudo = {b":method": b"GET", b":scheme": b"http", b":path": b"/", b":authority": b"x.example"}
    number = await client.request(list(pseudo.items()))
    far.initiate_connection()
    events = far.receive_data(bytes(stream.written))

    assert number == 1
    assert any(isinstance(event, h2.events.RequestReceived) for event in events)
    assert far.remote_settings.initial_window_size == 6291456
    assert await client.request(FIELDS) == 3


async def test_settings_of_an_upgrade_are_understood_and_the_next_stream_is_the_third() -> None:
    stream, far = Pieces(), server()
    client = Http2Client(stream)
    far.initiate_upgrade_connection(settings_header().encode())
    await client.begin(upgraded=True)
    far.receive_data(bytes(stream.written))

    assert far.remote_settings.max_header_list_size == 262144
    assert await client.request(FIELDS) == 3
