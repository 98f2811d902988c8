"""One exchange over a stream of any pieces."""

from __future__ import annotations

import gc
import weakref
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.wire.http1 import send_request
from probes.net.wire.reactor import Steps

ANSWER = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nServer: caf\xc3\xa9\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
)


class Script:
    """A stream that says its pieces, then closes."""

    arrived = 0.0

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.sent = b""

    def read(self) -> Steps[bytes]:
        yield
        return self.pieces.pop(0) if self.pieces else b""

    def write(self, data: bytes) -> Steps[None]:
        self.sent += data
        yield


def spoken(*pieces: bytes, limit: int = 100) -> ExchangeRecorder:
    recorder = ExchangeRecorder(limit)
    script = Script(*pieces)
    for _ in send_request(script, b"GET / HTTP/1.1\r\n\r\n", recorder):
        pass
    assert script.sent.startswith(b"GET /")
    return recorder


@given(st.lists(st.integers(min_value=1, max_value=len(ANSWER) - 1), max_size=6))
def test_any_pieces_make_the_same_answer(cuts: list[int]) -> None:
    edges = sorted({0, *cuts, len(ANSWER)})
    recorder = spoken(*(ANSWER[a:b] for a, b in pairwise(edges)))

    assert recorder.head is not None
    assert recorder.head.status == 200
    assert recorder.head.headers[0] == ("server", "café")
    assert bytes(recorder.body) == b"hello"
    assert "first_byte" in recorder.phases


@pytest.mark.parametrize("flood", [b"1;" + b"a" * 60_000, b"0\r\n" + b"X-T: a\r\n" * 9000])
def test_an_answer_of_framing_without_content_ends(flood: bytes) -> None:
    """Extensions of a chunk, or fields behind the last one, that never end."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    script = Script(head + b"1\r\nx\r\n", flood, *[b"X-T: a\r\n" * 7000] * 100)
    if flood.startswith(b"1;"):
        script.pieces[2:] = [b"a" * 65536] * 100
    with pytest.raises(ValueError, match="hardly any content"):
        for _ in send_request(script, b"GET / HTTP/1.1\r\n\r\n", ExchangeRecorder(100)):
            pass

    assert len(script.pieces) > 60


def test_chunks_of_one_byte_are_read() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"1\r\nx\r\n" * 10_000] * 30

    assert len(spoken(head, *chunks, b"0\r\n\r\n", limit=400_000).body) == 300_000


def test_a_body_without_length_ends_with_the_connection() -> None:
    assert bytes(spoken(b"HTTP/1.1 200 OK\r\n\r\nab", b"c").body) == b"abc"


def test_a_body_is_read_just_past_the_limit() -> None:
    recorder = spoken(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 80, b"x" * 80, b"x" * 80, limit=100)

    assert len(recorder.body) == 160


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"HTTP/1.1 200 OK\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",),
        (ANSWER[:-8],),
    ],
)
def test_a_close_in_between_is_an_end_of_file(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(EOFError):
        spoken(*pieces)


def test_silence_before_the_close_has_no_first_byte() -> None:
    recorder = ExchangeRecorder(10)
    with pytest.raises(EOFError):
        list(send_request(Script(), b"GET / HTTP/1.1\r\n\r\n", recorder))

    assert "first_byte" not in recorder.phases


@given(st.binary(min_size=1, max_size=80))
def test_noise_is_no_answer(noise: bytes) -> None:
    try:
        recorder = spoken(noise)
    except (ValueError, EOFError):
        return
    assert recorder.head is not None


def test_a_head_without_end_is_given_up() -> None:
    with pytest.raises(ValueError, match=r"no end|no HTTP"):
        spoken(b"HTTP/1.1 200 OK\r\n", *(b"X-%d: y\r\n" % n + b"z" * 2000 for n in range(60)))


def test_nothing_is_left_for_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        recorder = weakref.ref(spoken(ANSWER))
        assert recorder() is None
    finally:
        gc.enable()
