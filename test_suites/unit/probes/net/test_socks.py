"""SOCKS5 without sockets: whatever the pieces, the same conclusion."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.proxy_handshake import REPLIES, SocksHandshake, TunnelRefusedError
from probes.net.route import Address, Proxy

FAR = Address(host="a.accredit.test", port=443)
ANN = Proxy(kind="socks5", username="ann", password="pw")
NOBODY = Proxy(kind="socks5")
OPEN = bytes((5, 0, 0, 1, 127, 0, 0, 1, 0, 80))


def test_the_name_is_left_to_the_proxy() -> None:
    socks = SocksHandshake(ExchangeRecorder(100), NOBODY, FAR)

    assert socks.data_to_send() == b"\x05\x01\x00"
    assert socks.data_to_send() == b""
    assert not socks.receive_data(b"\x05\x00")
    assert socks.data_to_send() == b"\x05\x01\x00\x03\x0fa.accredit.test\x01\xbb"
    assert socks.receive_data(OPEN)


@pytest.mark.parametrize(
    ("host", "sent"),
    [("192.0.2.1", b"\x01\xc0\x00\x02\x01"), ("2001:db8::1", b"\x04\x20\x01\x0d\xb8")],
)
def test_an_address_is_sent_as_one(host: str, sent: bytes) -> None:
    socks = SocksHandshake(ExchangeRecorder(100), NOBODY, Address(host=host, port=80))
    socks.data_to_send()
    socks.receive_data(b"\x05\x00")

    assert socks.data_to_send()[3:].startswith(sent)


def test_signing_in() -> None:
    socks = SocksHandshake(ExchangeRecorder(100), ANN, FAR)

    assert socks.data_to_send() == b"\x05\x02\x00\x02"
    socks.receive_data(b"\x05\x02")
    assert socks.data_to_send() == b"\x01\x03ann\x02pw"
    socks.receive_data(b"\x01\x00")
    assert socks.data_to_send().startswith(b"\x05\x01\x00\x03")


@pytest.mark.parametrize(("proxy", "said"), [(NOBODY, b"\x05\xff"), (ANN, b"\x05\x02\x01\x01")])
def test_a_proxy_that_wants_other_credentials(proxy: Proxy, said: bytes) -> None:
    recorder = ExchangeRecorder(100)
    with pytest.raises(TunnelRefusedError):
        SocksHandshake(recorder, proxy, FAR).receive_data(said)

    assert recorder.failure is not None
    assert recorder.failure.name == "proxy_authentication_required"


@pytest.mark.parametrize("reply", range(1, 10))
def test_each_reply_keeps_its_own_name(reply: int) -> None:
    recorder = ExchangeRecorder(100)
    socks = SocksHandshake(recorder, NOBODY, FAR)
    socks.receive_data(b"\x05\x00")
    with pytest.raises(TunnelRefusedError):
        socks.receive_data(bytes((5, reply, 0, 1)) + bytes(6))

    assert recorder.failure is not None
    assert recorder.failure.name == REPLIES.get(reply, ("not_connected", ""))[0]
    assert recorder.failure.stage == "tunnel"
    assert f"reply {reply}" in recorder.failure.detail


def test_only_a_ruleset_is_a_refusal() -> None:
    refusals = [code for code, (name, _) in REPLIES.items() if name == "proxy_refused_tunnel"]

    assert refusals == [2]


@given(
    bound=st.sampled_from([b"\x01" + bytes(4), b"\x04" + bytes(16), b"\x03\x05proxy"]),
    cuts=st.lists(st.integers(min_value=1, max_value=20), max_size=5),
)
def test_the_way_opens_in_any_pieces(bound: bytes, cuts: list[int]) -> None:
    whole = b"\x05\x00" + b"\x05\x00\x00" + bound + b"\x00\x50"
    socks = SocksHandshake(ExchangeRecorder(100), NOBODY, FAR)
    edges = sorted({0, *(cut for cut in cuts if cut < len(whole)), len(whole)})
    pieces = [whole[a:b] for a, b in pairwise(edges)]

    assert [socks.receive_data(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def test_what_is_no_socks_proxy_says_nothing_of_the_far_end() -> None:
    recorder = ExchangeRecorder(100)
    with pytest.raises(ValueError, match="no SOCKS5 proxy") as caught:
        SocksHandshake(recorder, NOBODY, FAR).receive_data(b"HTTP/1.1 400")

    recorder.fail(caught.value)
    assert recorder.failure is not None
    assert recorder.failure.is_instrument


def test_a_proxy_that_leaves_gave_no_answer() -> None:
    with pytest.raises(EOFError):
        SocksHandshake(ExchangeRecorder(8), NOBODY, FAR).receive_data(b"")
    socks = SocksHandshake(ExchangeRecorder(8), NOBODY, FAR)
    socks.receive_data(b"\x05\x00")
    with pytest.raises(ValueError, match="before it was asked"):
        socks.receive_data(OPEN + b"220 mail")
