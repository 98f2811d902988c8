"""Tunnels without sockets: whatever the pieces, the same conclusion."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.proxy_handshake import ConnectHandshake, TunnelRefusedError
from probes.net.route import Address, Proxy

FAR = Address(host="a.accredit.test", port=443)
PROXY = Proxy()
REFUSAL = b"HTTP/1.1 403 No\r\nContent-Length: 6\r\n\r\ndenied"


def opened(recorder: ExchangeRecorder, proxy: Proxy = PROXY) -> ConnectHandshake:
    return ConnectHandshake(recorder, proxy, FAR)


def test_the_request_names_the_far_end_and_who_asks() -> None:
    tunnel = opened(ExchangeRecorder(100), Proxy(username="ann", password="secret"))
    request = tunnel.data_to_send()

    assert request.startswith(b"CONNECT a.accredit.test:443 HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: Basic YW5uOnNlY3JldA==\r\n" in request
    assert tunnel.data_to_send() == b""


@given(st.lists(st.integers(min_value=1, max_value=len(REFUSAL) - 1), max_size=5))
def test_a_refusal_is_read_whole_in_any_pieces(cuts: list[int]) -> None:
    recorder = ExchangeRecorder(100)
    tunnel = opened(recorder)
    edges = sorted({0, *cuts, len(REFUSAL)})
    pieces = [REFUSAL[a:b] for a, b in pairwise(edges)]

    assert not any(tunnel.receive_data(piece) for piece in pieces[:-1])
    with pytest.raises(TunnelRefusedError):
        tunnel.receive_data(pieces[-1])
    assert bytes(recorder.body) == b"denied"
    assert recorder.failure is not None
    assert (recorder.failure.name, recorder.failure.stage) == ("proxy_refused_tunnel", "tunnel")


def test_headers_are_sent_in_their_order_with_host_in_its_place() -> None:
    headers = (("User-Agent", "Mozilla"), ("Proxy-Connection", "keep-alive"), ("Host", ""))
    request = ConnectHandshake(ExchangeRecorder(100), PROXY, FAR, headers).data_to_send()

    assert request == (
        b"CONNECT a.accredit.test:443 HTTP/1.1\r\nUser-Agent: Mozilla\r\n"
        b"Proxy-Connection: keep-alive\r\nHost: a.accredit.test:443\r\n\r\n"
    )


def test_a_refusal_in_chunks_ends_with_the_last_of_them() -> None:
    tunnel = opened(ExchangeRecorder(100))
    assert not tunnel.receive_data(b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert not tunnel.receive_data(b"6\r\ndenied\r\n")

    with pytest.raises(TunnelRefusedError):
        tunnel.receive_data(b"0\r\n\r\n")


def test_success_opens_the_tunnel() -> None:
    recorder = ExchangeRecorder(100)
    tunnel = opened(recorder)

    assert not tunnel.receive_data(b"HTTP/1.1 200 OK\r\n")
    assert tunnel.receive_data(b"\r\n")
    assert recorder.failure is None


def test_a_refusal_without_length_ends_with_the_connection_or_the_limit() -> None:
    recorder = ExchangeRecorder(8)
    tunnel = opened(recorder)
    assert not tunnel.receive_data(b"HTTP/1.1 502 Bad\r\n\r\nabc")
    with pytest.raises(TunnelRefusedError):
        tunnel.receive_data(b"")

    with pytest.raises(TunnelRefusedError):
        opened(ExchangeRecorder(8)).receive_data(b"HTTP/1.1 502 Bad\r\n\r\n" + b"x" * 100)


def test_an_empty_refusal_needs_no_more_bytes() -> None:
    with pytest.raises(TunnelRefusedError):
        opened(ExchangeRecorder(8)).receive_data(b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n")


def test_a_proxy_that_leaves_or_babbles_gave_no_answer() -> None:
    with pytest.raises(EOFError):
        opened(ExchangeRecorder(8)).receive_data(b"")
    with pytest.raises(ValueError, match="no HTTP"):
        opened(ExchangeRecorder(8)).receive_data(b"SSH-2.0-x\r\n\r\n")
    with pytest.raises(ValueError, match="has no end"):
        opened(ExchangeRecorder(8)).receive_data(b"HTTP/1.1 200 " + b"x" * 70_000)
