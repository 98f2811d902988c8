"""An HTTP/1 answer is read from a stream, also a malformed one, and never waits for more."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.raw_http1 import read_answer

LIMIT = 1000


class Pieces:
    """A stream that gives these pieces, and then has ended."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def write(self, data: bytes) -> None: ...
    async def start_tls(self, trust: object, host: str) -> None: ...
    def close(self) -> None: ...


async def read(*pieces: bytes, limit: int = LIMIT) -> tuple[ExchangeRecorder, bytes]:
    recorder = ExchangeRecorder(limit)
    rest = await read_answer(Pieces(*pieces), recorder)
    return recorder, rest


ANSWERS = {
    "a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", 200, b"body"),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2;x=y\r\ndy\r\n0\r\nA: b\r\n\r\n",
        200, b"body",
    ),
    "until the end": (b"HTTP/1.0 404 No\r\n\r\nbody", 404, b"body"),
    "line feeds alone": (b"HTTP/1.1 403 No\nContent-Length: 4\n\nbody", 403, b"body"),
    "no head": (b"<html>body", 200, b"<html>body"),
    "an odd version": (b"HTTP/3.0  200 OK\r\nContent-Length: 0\r\n\r\n", 200, b""),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "interim answers": (
        b"HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, b"x",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_read_whatever_its_form(name: str) -> None:
    data, status, body = ANSWERS[name]
    recorder, _ = await read(data)

    assert recorder.head is not None
    assert (recorder.head.status, bytes(recorder.body)) == (status, body)


@given(st.sampled_from(list(ANSWERS)), st.lists(st.integers(1, 90), max_size=8))
async def test_it_does_not_matter_where_the_network_cuts(name: str, cuts: list[int]) -> None:
    data, status, body = ANSWERS[name]
    places = sorted({cut for cut in cuts if cut < len(data)})
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    recorder, _ = await read(*pieces)

    assert recorder.head is not None
    assert (recorder.head.status, bytes(recorder.body)) == (status, body)


async def test_what_follows_an_answer_is_returned() -> None:
    _, rest = await read(ANSWERS["a length"][0] + b"HTTP/1.1 200")

    assert rest == b"HTTP/1.1 200"


async def test_behind_a_switch_another_protocol_begins() -> None:
    recorder, rest = await read(b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n\0\0\4")

    assert recorder.head is not None
    assert recorder.head.status == 101
    assert rest == b"\0\0\4"


@pytest.mark.parametrize(
    "data",
    [b"", b"HTTP/1.1 200 OK\r\nA: b", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbody",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
)  # fmt: skip
async def test_an_answer_that_ends_too_early_is_an_end_of_the_stream(data: bytes) -> None:
    with pytest.raises(EOFError):
        await read(data)


@pytest.mark.parametrize(
    "body", [b"", b"Content-Length: 4000\r\n", b"Transfer-Encoding: chunked\r\n"]
)
async def test_no_more_than_the_limit_is_read(body: bytes) -> None:
    chunk = b"FA0\r\n" if b"chunked" in body else b""
    recorder, _ = await read(b"HTTP/1.1 200 OK\r\n" + body + b"\r\n" + chunk + b"x" * 4000)

    assert LIMIT < len(recorder.body) <= LIMIT + 1


async def test_a_chunk_without_a_size_is_no_answer() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with pytest.raises(ValueError, match="no size"):
        await read(head + b"x" * 70000)


@given(st.binary(max_size=200))
async def test_no_bytes_cause_another_error(data: bytes) -> None:
    with suppress(EOFError, ValueError):
        await read(data)
