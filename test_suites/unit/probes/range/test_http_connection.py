"""A connection recognises HTTP/2 by its preface, however it comes, and serves HTTP/1.1 otherwise."""

from __future__ import annotations

import asyncio
from typing import Self

import h2.config
import h2.connection
import h2.events
import pytest

from probes.range.connection import Request
from probes.range.http2_session import Answers
from probes.range.http_connection import HttpConnection
from probes.range.origin_pages import Page

FIELDS = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "x.example")]


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def close(self) -> None: ...


class Plain(HttpConnection):
    """Answers each request with its method."""

    def handle(self, request: Request) -> None:
        self.answer(Page(status=200, body=request.method.encode()))

    def stream_to(self, to: Answers) -> Self:
        stream = type(self)()
        stream.answers_to = to
        return stream

    def opens_tunnel(self, request: Request) -> bool:
        del request
        return False


def received(*pieces: bytes) -> bytes:
    """What a connection sends for some pieces of bytes."""
    connection, transport = Plain(), Transport()
    connection.connection_made(transport)
    for piece in pieces:
        connection.data_received(piece)
    return transport.written


def test_the_preface_may_come_in_any_pieces() -> None:
    client = h2.connection.H2Connection(h2.config.H2Configuration())
    client.initiate_connection()
    client.send_headers(1, FIELDS, end_stream=True)
    data = client.data_to_send()
    whole = received(data)

    for cut in range(1, len(data)):
        assert received(data[:cut], data[cut:]) == whole
    assert received(*(data[place : place + 1] for place in range(len(data)))) == whole
    events = client.receive_data(whole)
    assert [each.data for each in events if isinstance(each, h2.events.DataReceived)] == [b"GET"]


@pytest.mark.parametrize("method", ["P", "PRI", "PUT", "PROPFIND", "GET"])
def test_a_request_that_begins_like_the_preface_is_one_by_http1(method: str) -> None:
    data = f"{method} / HTTP/1.1\r\nHost: x.example\r\n\r\n".encode()
    answers = {received(data), received(*(data[place : place + 1] for place in range(len(data))))}

    (answer,) = answers
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(method.encode())
