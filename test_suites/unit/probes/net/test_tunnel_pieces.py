"""Pages in pieces: what is asked and answered is read again, and nothing else is."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.tunnel_pieces import (
    HEAD_BYTES,
    Piece,
    Wanted,
    cut,
    fetch_pieces,
    read_piece,
    read_wanted,
    write_piece,
    write_wanted,
)

NONCE = "0123456789abcdef" * 2
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: x\r\n\r\nhello"
HOSTS = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,80}", fullmatch=True)
NONCES = st.binary(min_size=16, max_size=16).map(bytes.hex)


@given(HOSTS, NONCES, st.integers(0, 65535))
def test_what_is_asked_is_read_again(host: str, nonce: str, number: int) -> None:
    wanted = Wanted(host, nonce, number)
    data = write_wanted(wanted)

    assert read_wanted(data) == wanted
    assert read_piece(data) is None, "an echo of a question is no answer"
    assert len(data) == 19 + len(host)


@given(st.integers(0, 4095), st.integers(0, 4096), st.binary(min_size=1, max_size=80))
def test_what_is_answered_is_read_again(number: int, total: int, data: bytes) -> None:
    written = write_piece(Piece(number, total, data))

    assert read_piece(written) == (Piece(number, total, data) if number < total else None)
    assert read_wanted(written) is None


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_left(data: bytes) -> None:
    wanted, piece = read_wanted(data), read_piece(data)

    assert wanted is None or write_wanted(wanted) == data
    assert piece is None or write_piece(piece) == data


@given(st.binary(max_size=3000), st.integers(HEAD_BYTES + 1, 1000))
def test_a_page_is_cut_into_answers_that_fit(page: bytes, size: int) -> None:
    pieces = cut(page, size)

    assert zlib.decompress(b"".join(piece.data for piece in pieces)) == page
    assert [piece.number for piece in pieces] == list(range(len(pieces)))
    assert {piece.total for piece in pieces} == {len(pieces)}
    assert max(len(write_piece(piece)) for piece in pieces) <= size


def test_an_answer_without_room_and_a_wrong_nonce_are_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        cut(PAGE, HEAD_BYTES)
    with pytest.raises(ValueError, match="nonce"):
        write_wanted(Wanted("a.test", "short", 0))


async def fetched(pieces: dict[int, Piece], limit: int = 1000) -> ExchangeRecorder:
    recorder = ExchangeRecorder(limit)

    async def ask(question: bytes, number: int) -> Piece:
        assert read_wanted(question) == Wanted("a.test", NONCE, number)
        return pieces[number]

    await fetch_pieces(ask, "a.test", NONCE, recorder)
    return recorder


async def test_the_pieces_are_asked_for_in_turn_and_joined() -> None:
    pieces = cut(PAGE, 20)
    recorder = await fetched(dict(enumerate(pieces)))

    assert len(pieces) > 2
    assert recorder.head is not None
    assert (recorder.head.status, recorder.head.header("etag")) == (200, "x")
    assert bytes(recorder.body) == b"hello"


async def test_pieces_that_do_not_fit_are_an_error() -> None:
    first, second, *_ = cut(PAGE, 20)
    with pytest.raises(ValueError, match="does not fit"):
        await fetched({0: second})
    with pytest.raises(ValueError, match="does not fit"):
        await fetched({0: first, 1: Piece(1, first.total + 1, b"x")})
    with pytest.raises(ValueError, match="cannot be joined"):
        await fetched({0: Piece(0, 1, b"no page")})


async def test_a_page_that_grows_large_is_read_up_to_the_limit() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"
    pieces = cut(head + bytes(10_000_000), 60_000)
    recorder = await fetched(dict(enumerate(pieces)), limit=1000)

    assert len(recorder.body) == 1001
